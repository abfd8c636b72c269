#!/bin/sh
# Deploys the service to Azure: `deploy-azure.sh ENVIRONMENT [--plan]`. docs/DEPLOYMENT.md describes the resources.
#
#   ENVIRONMENT          an environment of infra/config/environments.json: dev or prod
#   --plan               only print the changes (what-if); the resource group, its foundation and the image
#                        must exist
#
#   IMAGE_TAG            the image to run, pushed from IMAGE if the registry does not have it   (required)
#   API_KEYS             keys of clients, separated by commas, for the vault; without it the vault keeps its keys,
#                        or gets a new one if it has none
#   IMAGE                the local image to push, built if it does not exist     (lead-scoring-api:latest)
#   AZURE_LOCATION       the region                                                           (eastus)
#   RESOURCE_GROUP       the resource group, created if it does not exist   (lead-scoring-ENVIRONMENT)
#   DEPLOY_MODEL         true also deploys the model of the image to an Azure ML endpoint      (false)
#   DEPLOY_LEDGER        true also deploys a PostgreSQL for the ledger                         (false)
#   ALARM_EMAIL, SUBNET_ID, CUSTOM_DOMAIN, CERTIFICATE_ID, ENDPOINT_NAME, AZURE_ML_API_KEY:
#                        see docs/DEPLOYMENT.md
#
# It needs the Azure CLI, signed in, and Docker or Podman if there is an image to push.
#
# Exit code: 0 if everything is deployed, 1 if Azure rejected a step, 2 if it could not start.
set -eu
. "$(dirname "$0")/common.sh"

check_arguments 1 2 "$@"

ENVIRONMENT=$1
PLAN=
case "${2:-}" in
    '') ;;
    --plan) PLAN=true ;;
    *) cannot_run "the second argument must be --plan, not '$2'" ;;
esac
case "${DEPLOY_MODEL:-false}" in
    true | false) ;;
    *) cannot_run "DEPLOY_MODEL must be true or false, not '$DEPLOY_MODEL'" ;;
esac
case "${DEPLOY_LEDGER:-false}" in
    true | false) ;;
    *) cannot_run "DEPLOY_LEDGER must be true or false, not '$DEPLOY_LEDGER'" ;;
esac
unset LEDGER_PASSWORD LEDGER_KEY # made here, once
IMAGE=${IMAGE:-lead-scoring-api:latest}
REPOSITORY=lead-scoring-api
GROUP=${RESOURCE_GROUP:-lead-scoring-$ENVIRONMENT}
LOCATION=${AZURE_LOCATION:-eastus}
ENDPOINT=${ENDPOINT_NAME:-lead-scoring-endpoint}
PARAMETERS=build/azure/$ENVIRONMENT
VENV=$PWD/build/infra-venv

[ -x "$VENV/bin/python" ] || cannot_run "$VENV is missing: run make infra-install"
command -v az >/dev/null || cannot_run "the Azure CLI is required, but not installed"
subscription=$(az account show --query name --output tsv) || cannot_run "the Azure CLI is not signed in: run az login"

# The content of the vault is checked before anything is created: a template could not.
there=$(az group exists --name "$GROUP") || cannot_run "cannot check whether the resource group $GROUP exists"
vault=
if [ "$there" = true ]; then
    vault=$(az keyvault list --resource-group "$GROUP" --query "[?starts_with(name, 'kv-leads-')].name | [0]" \
        --output tsv) || cannot_run "the vaults of $GROUP cannot be listed"
elif [ -n "$PLAN" ]; then
    cannot_run "the resource group $GROUP does not exist, and --plan requires it"
fi
stored=
if [ -n "$vault" ]; then
    stored=$(az keyvault secret list --vault-name "$vault" --query '[].name' --output tsv) ||
        cannot_run "the vault $vault cannot be read: the role Key Vault Secrets Officer is required"
fi

# $1 is the name of a secret.
is_stored() {
    printf '%s\n' "$stored" | grep -qx "$1"
}

if [ -z "${API_KEYS+set}" ] && is_stored api-keys; then
    keys=$(az keyvault secret show --vault-name "$vault" --name api-keys --query value --output tsv) ||
        cannot_run "the secret api-keys in $vault cannot be read"
    case "$keys" in
        *demo-api-key-123*) cannot_run "the secret api-keys contains the demo key, which is public" ;;
        *[!\ ,]*) ;;
        *) cannot_run "the secret api-keys is empty: the service would accept the demo key" ;;
    esac
    unset keys
elif [ -z "${API_KEYS+set}" ] && [ -z "$PLAN" ]; then
    API_KEYS=$("$VENV/bin/python" -c 'import secrets; print(secrets.token_urlsafe(32))')
    export API_KEYS
fi
if [ "${DEPLOY_LEDGER:-false}" = true ] && ! is_stored ledger-key; then
    [ -z "$PLAN" ] || cannot_run "the vault has no secrets of the ledger, which --plan requires"
    LEDGER_PASSWORD=$("$VENV/bin/python" -c 'import secrets; print(secrets.token_urlsafe(32) + "aA0")')
    LEDGER_KEY=$("$VENV/bin/python" -c 'import secrets; print(secrets.token_hex(32))')
    export LEDGER_PASSWORD LEDGER_KEY
fi
MODEL_KEY=false
if [ -n "${AZURE_ML_API_KEY:-}" ] || is_stored azure-ml-api-key; then
    MODEL_KEY=true
fi
export MODEL_KEY

say "checking the templates of $ENVIRONMENT, and writing their parameters to $PARAMETERS"
rm -rf "$PARAMETERS"
trap 'rm -f "$PARAMETERS/secrets.parameters.json"' EXIT
trap 'exit 1' HUP INT TERM
PYTHONPATH=src:. "$VENV/bin/python" -m infra.azure "$ENVIRONMENT" "$PARAMETERS" || exit 2
unset API_KEYS AZURE_ML_API_KEY LEDGER_PASSWORD LEDGER_KEY

# $1 is the template and $2 the deployment; the rest are additional parameters.
deploy() {
    template=$1 deployment=$2
    shift 2
    say "deploying $deployment to $GROUP in $subscription"
    set -- --resource-group "$GROUP" --name "$deployment" --template-file "infra/azure/$template.bicep" \
        --parameters "@$PARAMETERS/$template.parameters.json" "$@"
    if [ -n "$PLAN" ]; then
        az deployment group what-if "$@" || exit 1
    else
        az deployment group create --output none "$@" || exit 1
    fi
}

# $1 is the deployment, $2 the output.
output_of() {
    az deployment group show --resource-group "$GROUP" --name "$1" --query "properties.outputs.$2.value" --output tsv
}

push() {
    for program in "${CONTAINER_TOOL:-docker}" podman; do
        command -v "$program" >/dev/null || continue
        "$program" image inspect "$IMAGE" >/dev/null 2>&1 || IMAGE="$IMAGE" ./scripts/container.sh build || exit 1
        say "pushing image $IMAGE as $REPOSITORY:$IMAGE_TAG"
        # The user name of the registry for a login with a token.
        az acr login --name "$registry" --expose-token --query accessToken --output tsv |
            "$program" login "$server" --username 00000000-0000-0000-0000-000000000000 --password-stdin || exit 1
        "$program" tag "$IMAGE" "$server/$REPOSITORY:$IMAGE_TAG" || exit 1
        "$program" push "$server/$REPOSITORY:$IMAGE_TAG" || exit 1
        # A deployed tag never changes to another image.
        az acr repository update --name "$registry" --image "$REPOSITORY:$IMAGE_TAG" --write-enabled false \
            --output none || exit 1
        return
    done
    cannot_run "the registry has no image $IMAGE_TAG, and neither Docker nor Podman is installed to push $IMAGE"
}

# The endpoint cannot route traffic to a deployment that does not exist yet, so the first deployment takes two steps.
deploy_model() {
    blue=$(az resource list --resource-group "$GROUP" --output tsv --query "[?ends_with(name, '$ENDPOINT/blue')].name" \
        --resource-type Microsoft.MachineLearningServices/workspaces/onlineEndpoints/deployments) || exit 1
    if [ -z "$blue" ]; then
        deploy model lead-scoring-model --parameters deployed=false
        [ -z "$PLAN" ] || return 0
    fi
    deploy model lead-scoring-model --parameters deployed=true
    [ -n "$PLAN" ] || say "the model is deployed at $(output_of lead-scoring-model scoringUri)"
}

if [ "$there" != true ]; then
    say "creating resource group $GROUP in $LOCATION"
    az group create --name "$GROUP" --location "$LOCATION" --tags service=lead-scoring "environment=$ENVIRONMENT" \
        --output none || exit 1
fi
deploy foundation lead-scoring-foundation --parameters "@$PARAMETERS/secrets.parameters.json"
rm -f "$PARAMETERS/secrets.parameters.json"
registry=$(output_of lead-scoring-foundation registryName) || cannot_run "the foundation is not deployed to $GROUP yet"
server=$(output_of lead-scoring-foundation registryServer) || exit 1
if ! az acr repository show --name "$registry" --image "$REPOSITORY:$IMAGE_TAG" --output none 2>/dev/null; then
    [ -z "$PLAN" ] || cannot_run "the registry has no image $IMAGE_TAG, which --plan requires"
    push
fi
if [ "${DEPLOY_MODEL:-false}" = true ]; then
    deploy_model
fi
deploy service lead-scoring
[ -z "$PLAN" ] || exit 0
say "deployed: $(output_of lead-scoring address)"
