#!/usr/bin/env bash
# Makes the SCRAM users, and gives User:ledger-admin what `sealstream apply` needs to begin with: the
# rules that ledger.yaml gives to its admin. Every other rule is made by apply. May be run again.
set -euo pipefail
PATH=$PATH:/opt/kafka/bin
client=(--bootstrap-server "$BOOTSTRAP" --command-config "$COMMAND_CONFIG")

user() {
  if [[ -z $2 ]]; then
    echo "no password for $1: run compose/secrets.sh first" >&2
    exit 1
  fi
  kafka-configs.sh "${client[@]}" --alter --entity-type users --entity-name "$1" \
    --add-config "SCRAM-SHA-512=[password=$2]"
}

allow() {
  kafka-acls.sh "${client[@]}" --add --force --allow-principal User:ledger-admin "$@"
}

user ledger-admin "$ADMIN_PASSWORD"
user publisher "$PUBLISHER_PASSWORD"
user sealer "$SEALER_PASSWORD"
user auditor "$AUDITOR_PASSWORD"
user inspector "$INSPECTOR_PASSWORD"
user analyst "$ANALYST_PASSWORD"
user smoke "$SMOKE_PASSWORD"

allow --cluster --operation Describe --operation DescribeConfigs --operation Alter \
  --operation AlterConfigs
allow --topic audit --topic audit.checkpoints \
  --topic audit.configuration --topic audit.configuration.checkpoints \
  --operation Create --operation Alter --operation AlterConfigs --operation Describe \
  --operation DescribeConfigs
allow --topic audit.configuration --operation Read --operation Write
