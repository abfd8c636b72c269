#!/bin/sh
# Deploys the service to AWS: `deploy-aws.sh ENVIRONMENT [--plan]`. docs/DEPLOYMENT.md describes the resources.
#
#   ENVIRONMENT          an environment of infra/config/environments.json: dev or prod
#   --plan               only create and print change sets; the registry and the image must exist
#
#   IMAGE_TAG            the image to run, pushed from IMAGE if the registry does not have it   (required)
#   CERTIFICATE_ARN      the certificate for the domain name of the service                     (required)
#   IMAGE                the local image to push                             (lead-scoring-api:latest)
#   DEPLOY_MODEL         true also deploys models/model.json to a SageMaker endpoint           (false)
#   DEPLOY_LEDGER        true also deploys a PostgreSQL for the ledger                          (false)
#   AWS_REGION           the region                                                        (us-east-1)
#   VPC_ID, VPC_ZONES, VPC_PUBLIC_SUBNETS, VPC_PRIVATE_SUBNETS, API_KEYS_SECRET_ARN, ALARM_EMAIL:
#                        see docs/DEPLOYMENT.md
#
# It needs the AWS CLI with credentials, and Docker or Podman if there is an image to push.
#
# Exit code: 0 if everything is deployed, 1 if AWS rejected a step, 2 if it could not start and changed nothing.
set -eu
. "$(dirname "$0")/common.sh"

check_arguments 1 2 "$@"

ENVIRONMENT=$1
PLAN=
case "${2:-}" in
    '') ;;
    --plan) PLAN=--no-execute-changeset ;;
    *) cannot_run "the second argument must be --plan, not '$2'" ;;
esac
export AWS_REGION="${AWS_REGION:-us-east-1}"
export AWS_DEFAULT_REGION="$AWS_REGION" AWS_PAGER=
IMAGE=${IMAGE:-lead-scoring-api:latest}
REPOSITORY=lead-scoring-api
TEMPLATES=build/aws/$ENVIRONMENT
VENV=$PWD/build/infra-venv
case "${DEPLOY_MODEL:-false}" in
    true) export MODEL_DATA_KEY="${MODEL_DATA_KEY:-lead-scoring/${IMAGE_TAG:-}/model.tar.gz}" ;;
    false) unset MODEL_DATA_KEY ;;
    *) cannot_run "DEPLOY_MODEL must be true or false, not '$DEPLOY_MODEL'" ;;
esac

[ -x "$VENV/bin/python" ] || cannot_run "$VENV is missing: run make infra-install"
command -v aws >/dev/null || cannot_run "the AWS CLI is required, but not installed"
account=$(aws sts get-caller-identity --query Account --output text) ||
    cannot_run "the AWS CLI has no valid credentials: sign in first"

# A template can only name a secret, so the content of an existing one is checked here.
if [ -n "${API_KEYS_SECRET_ARN:-}" ]; then
    keys=$(aws secretsmanager get-secret-value --secret-id "$API_KEYS_SECRET_ARN" --query SecretString --output text) ||
        cannot_run "the secret API_KEYS_SECRET_ARN cannot be read"
    case "$keys" in
        *demo-api-key-123*) cannot_run "the secret API_KEYS_SECRET_ARN contains the demo key, which is public" ;;
        *[!\ ,]*) ;;
        *) cannot_run "the secret API_KEYS_SECRET_ARN is empty: the service would accept the demo key" ;;
    esac
    unset keys
fi

say "writing the templates of $ENVIRONMENT to $TEMPLATES"
rm -rf "$TEMPLATES"
PATH="$VENV/bin:$PATH" PYTHONPATH=src:. "$VENV/bin/python" -m infra.aws "$ENVIRONMENT" "$TEMPLATES" || exit 2

# $1 is the stack.
deploy() {
    stack=$1
    say "deploying stack $stack to account $account, $AWS_REGION"
    # shellcheck disable=SC2086  # an empty $PLAN must vanish
    aws cloudformation deploy --stack-name "$stack" --template-file "$TEMPLATES/$stack.template.json" \
        --tags service=lead-scoring "environment=$ENVIRONMENT" --capabilities CAPABILITY_IAM \
        --no-fail-on-empty-changeset $PLAN || exit 1
}

push() {
    for program in "${CONTAINER_TOOL:-docker}" podman; do
        command -v "$program" >/dev/null || continue
        say "pushing image $IMAGE as $REPOSITORY:$IMAGE_TAG"
        uri=$(aws ecr describe-repositories --repository-names "$REPOSITORY" --output text \
            --query 'repositories[0].repositoryUri')
        aws ecr get-login-password | "$program" login --username AWS --password-stdin "${uri%%/*}"
        "$program" tag "$IMAGE" "$uri:$IMAGE_TAG"
        "$program" push "$uri:$IMAGE_TAG"
        return
    done
    cannot_run "the registry has no image $IMAGE_TAG, and neither Docker nor Podman is installed to push $IMAGE"
}

# SageMaker unpacks the archive into /opt/ml/model.
upload_model() {
    bucket=lead-scoring-models-$account-$AWS_REGION
    say "uploading models/model.json to s3://$bucket/$MODEL_DATA_KEY"
    tar -czf "$TEMPLATES/model.tar.gz" -C models model.json
    aws s3 cp --only-show-errors "$TEMPLATES/model.tar.gz" "s3://$bucket/$MODEL_DATA_KEY" || exit 1
}

if [ -z "$PLAN" ]; then
    deploy lead-scoring-registry
fi
if ! aws ecr describe-images --repository-name "$REPOSITORY" --image-ids "imageTag=$IMAGE_TAG" >/dev/null 2>&1; then
    [ -z "$PLAN" ] || cannot_run "the registry has no image $IMAGE_TAG, which --plan requires"
    push
fi
if [ "${DEPLOY_MODEL:-false}" = true ]; then
    [ -n "$PLAN" ] || upload_model
    deploy lead-scoring-model
fi
deploy lead-scoring
[ -z "$PLAN" ] || exit 0
say "deployed: point the domain name of the certificate to $(aws elbv2 describe-load-balancers --names lead-scoring \
    --query 'LoadBalancers[0].DNSName' --output text)"
