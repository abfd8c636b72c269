#!/bin/sh
# Prints what is deployed in a cloud: `deployed.sh CLOUD image` or `deployed.sh CLOUD key`.
#
#   CLOUD    aws or azure, signed in
#   image    the tag of the running image; an empty line if nothing is deployed
#   key      the first API key of the service
#
#   API_KEYS_SECRET_ARN    on AWS: the secret with the keys                 (lead-scoring/api-keys)
#   RESOURCE_GROUP         on Azure: the resource group of the service      (required)
#
# It only reads.
#
# Exit code: 0 on success, 2 if the cloud cannot be queried.
set -eu
. "$(dirname "$0")/../common.sh"

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

# $1 is the cloud's error for a missing resource; the rest is the command. Prints its output, or nothing on that error.
ask() {
    absent=$1
    shift
    if "$@" >"$folder/said" 2>"$folder/wrong"; then
        cat "$folder/said"
    elif ! grep -q "$absent" "$folder/wrong"; then
        cat "$folder/wrong" >&2
        cannot_run "$1 cannot query what is deployed"
    fi
}

aws_image() {
    definition=$(ask ClusterNotFoundException aws ecs describe-services --cluster lead-scoring \
        --services lead-scoring-service --query "services[?status=='ACTIVE'].taskDefinition" --output text)
    [ -n "$definition" ] || return 0
    ask nothing aws ecs describe-task-definition --task-definition "$definition" \
        --query "taskDefinition.containerDefinitions[?name=='api'].image" --output text
}

aws_key() {
    ask nothing aws secretsmanager get-secret-value --secret-id "${API_KEYS_SECRET_ARN:-lead-scoring/api-keys}" \
        --query SecretString --output text
}

azure_image() {
    ask 'ResourceNotFound\|ResourceGroupNotFound' az containerapp show --name lead-scoring-api \
        --resource-group "$RESOURCE_GROUP" --query 'properties.template.containers[0].image' --output tsv
}

# The app only names its secret; the vault holds it.
azure_key() {
    vault=$(ask nothing az keyvault list --resource-group "$RESOURCE_GROUP" \
        --query "[?starts_with(name, 'kv-leads-')].name" --output tsv)
    ask nothing az keyvault secret show --vault-name "$vault" --name api-keys --query value --output tsv
}

case "${1:-} ${2:-}" in
    'aws image' | 'aws key') export AWS_PAGER= ;;
    'azure image' | 'azure key')
        [ -n "${RESOURCE_GROUP:-}" ] || cannot_run "RESOURCE_GROUP must be the resource group of the service"
        ;;
    *) misused ;;
esac
answer=$("$1_$2")
case "$2" in
    # The tag follows the last colon; a registry may have a port.
    image) answer=${answer##*/} && printf '%s\n' "${answer##*:}" ;;
    key)
        answer=$(printf '%s' "${answer%%,*}" | tr -d '[:space:]')
        [ -n "$answer" ] || cannot_run "the service has no key"
        printf '%s\n' "$answer"
        ;;
esac
