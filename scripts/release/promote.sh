#!/bin/sh
# Deploys an image to an environment, and rolls back if the service does not work: `promote.sh CLOUD ENVIRONMENT`.
#
#   CLOUD          aws or azure, signed in: scripts/deploy-CLOUD.sh deploys, and its settings apply too
#   ENVIRONMENT    an environment of infra/config/environments.json: dev or prod
#
#   IMAGE_TAG      the image to run: a version, and after a hyphen the digest that verify-image.sh prints   (required)
#   IMAGE          the local image for this tag                                                             (required)
#   SERVICE_URL    the address of the service for clients                                                   (required)
#   API_KEY        a key of the service                                          (the first key in the cloud's vault)
#   METRICS_URL    as for validate-deployment.sh                                                              (closed)
#   VALID_SECONDS  the time limit for the validation after the deployment                                        (300)
#
# A service works if it passes scripts/validate-deployment.sh and reports the version of IMAGE_TAG. A rollback deploys the
# previous version from its tag in git, with its own templates and settings, or with the current ones if the tag does not
# exist.
#
# Exit code: 0 if the new version runs and works; 1 if it does not, and the previous version runs again and works; 2 if it
# could not start, and nothing was changed; 3 if neither version works, and an operator has to act.
set -eu
. "$(dirname "$0")/../common.sh"

# Messages also go to the summary page of the workflow run.
say() {
    printf '==> %s\n' "$1"
    printf '%s\n\n' "$1" >>"${GITHUB_STEP_SUMMARY:-/dev/null}"
}

# $1 is the exit code.
give_up() {
    code=$1
    shift
    printf '%sFAILED: %s\n' "${GITHUB_ACTIONS:+::error::}" "$1" >&2
    printf '**FAILED**: %s\n\n' "$1" >>"${GITHUB_STEP_SUMMARY:-/dev/null}"
    exit "$code"
}

case "$# ${1:-}" in
    '2 aws' | '2 azure') ;;
    *) misused ;;
esac

# A workflow passes a variable that its GitHub environment does not set as an empty one, which means the same.
for name in $(env | sed -n 's/^\([A-Z][A-Z_]*\)=$/\1/p'); do
    unset "$name"
done
CLOUD=$1
ENVIRONMENT=$2
METRICS_URL=${METRICS_URL:-closed}
VALID_SECONDS=${VALID_SECONDS:-300}
BEFORE=build/before
RESOURCE_GROUP=${RESOURCE_GROUP:-lead-scoring-$ENVIRONMENT}
export METRICS_URL RESOURCE_GROUP

need_set IMAGE_TAG IMAGE SERVICE_URL
[ -x "scripts/deploy-$CLOUD.sh" ] || cannot_run "scripts/deploy-$CLOUD.sh is missing"
need curl git jq
before=$(./scripts/release/deployed.sh "$CLOUD" image) || exit 2

# The version of a tag: 1.2.0 of 1.2.0-4f1c0d9a7b3e.
version_of() {
    printf '%s' "${1%%-*}"
}

# Read only now, since the first deployment creates the key; and masked in the log.
find_key() {
    [ -z "${API_KEY:-}" ] || return 0
    API_KEY=$(./scripts/release/deployed.sh "$CLOUD" key) || return 1
    export API_KEY
    [ -z "${GITHUB_ACTIONS:-}" ] || printf '::add-mask::%s\n' "$API_KEY"
}

answers_as() {
    curl --silent --fail --max-time 10 "$SERVICE_URL/" | jq -e --arg version "$1" '.version == $version' >/dev/null
}

# $1 is a tag. Load balancers and DNS take a while to follow, so this polls until the service works or time is up.
sound() {
    find_key || return 1
    deadline=$(($(date +%s) + VALID_SECONDS))
    until validated=$(./scripts/validate-deployment.sh "$SERVICE_URL" 2>&1) && answers_as "$(version_of "$1")"; do
        if [ "$(date +%s)" -ge "$deadline" ]; then
            printf '%s\n' "$validated" >&2
            answers_as "$(version_of "$1")" || echo "the service does not report version $(version_of "$1")" >&2
            return 1
        fi
        sleep 1
    done
    printf '%s\n' "$validated"
}

# The folder from which the previous version is deployed: a checkout of its release, with the programs of this one.
earlier_release() {
    tag=refs/tags/v$(version_of "$before")
    if ! git rev-parse --quiet --verify "$tag^{commit}" >/dev/null; then
        echo "the tag v$(version_of "$before") does not exist, so the rollback uses the current templates" >&2
        pwd
        return
    fi
    git worktree remove --force "$BEFORE" 2>/dev/null || rm -rf "$BEFORE"
    git worktree prune
    git worktree add --quiet --detach "$BEFORE" "$tag"
    for programs in .venv build/infra-venv; do
        if [ -e "$programs" ]; then
            mkdir -p "$BEFORE/$(dirname "$programs")"
            ln -s "$PWD/$programs" "$BEFORE/$programs"
        fi
    done
    printf '%s/%s\n' "$PWD" "$BEFORE"
}

# The registry has the image of the previous version. If not, nothing may be pushed under its tag: IMAGE is a new one.
go_back() {
    why=$1
    [ -n "$before" ] || give_up 3 "$why, and there is no previous version: an operator has to act on $ENVIRONMENT"
    [ "$before" != "$IMAGE_TAG" ] ||
        give_up 3 "$why, and it is also the previous version: an operator has to act on $ENVIRONMENT"
    say "$why; rolling back to $before"
    if folder=$(earlier_release) &&
        IMAGE_TAG=$before IMAGE="nothing-may-be-pushed-as:$before" "$folder/scripts/deploy-$CLOUD.sh" "$ENVIRONMENT" &&
        sound "$before"; then
        give_up 1 "$why; $before runs again in $ENVIRONMENT and works"
    fi
    give_up 3 "$why, and the rollback to $before failed too: an operator has to act on $ENVIRONMENT"
}

forget() {
    # most runs never create it, and the exit code is that of the deployment
    git worktree remove --force "$BEFORE" 2>/dev/null || true
}
trap forget EXIT

# A cancelled run does not roll back: it was cancelled for a reason, and may be killed at any moment.
trap 'give_up 3 "cancelled while $IMAGE_TAG was replacing ${before:-nothing}: an operator has to act on $ENVIRONMENT"' \
    INT TERM

say "$ENVIRONMENT on $CLOUD: from ${before:-nothing} to $IMAGE_TAG"
code=0
"./scripts/deploy-$CLOUD.sh" "$ENVIRONMENT" || code=$?
case "$code" in
    0) ;;
    2) cannot_run "the deployment could not start, and nothing was changed" ;;
    *) go_back "$IMAGE_TAG could not be deployed to $ENVIRONMENT" ;;
esac
sound "$IMAGE_TAG" || go_back "$IMAGE_TAG does not work in $ENVIRONMENT"
say "$IMAGE_TAG runs in $ENVIRONMENT and works"
