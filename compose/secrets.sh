#!/bin/sh
# Writes .env (or the file named) with random passwords; leaves one that is there as it is.
set -eu
file=${1:-$(dirname "$0")/../.env}
if [ -e "$file" ]; then
  echo "$file is there already and left as it is" >&2
  exit 0
fi
umask 077
{
  echo 'COMPOSE_PROFILES=cluster'
  for name in BROKER ADMIN PUBLISHER SEALER AUDITOR INSPECTOR ANALYST SMOKE; do
    echo "${name}_PASSWORD=$(od -An -N24 -tx1 /dev/urandom | tr -d ' \n')"
  done
} > "$file.part"
mv "$file.part" "$file"
