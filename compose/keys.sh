#!/bin/sh
# Makes the ledger's key pair once: the private half into $PRIVATE, the public one into $PUBLIC.
set -eu
if [ -e "$PRIVATE/sealer.pem" ]; then exit 0; fi
new=$(mktemp -d)
sealstream init "$new" --ledger audit.example.com/demo
cp "$new/keys/sealer.pub.pem" "$PUBLIC/sealer.pub.pem"
cp -p "$new/keys/sealer.pem" "$PRIVATE/sealer.pem.part"
mv "$PRIVATE/sealer.pem.part" "$PRIVATE/sealer.pem"
rm -r "$new"
