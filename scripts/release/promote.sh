#!/bin/sh
# Puts an image into an environment, and what ran there before back when it is not sound: `promote.sh CLOUD ENVIRONMENT`.
#
#   CLOUD          aws or azure, signed in: scripts/deploy-CLOUD.sh deploys, with its own settings
#   ENVIRONMENT    dev or prod, of infra/config/environments.json
#
#   IMAGE_TAG      what to run: a version, and after a hyphen what tells the image, as verify-image.sh says it   (needed)
#   IMAGE          the local image that goes under this tag                                                      (needed)
#   SERVICE_URL    where clients call the service                                                                (needed)
#   API_KEY        a key of it                                                 (the first that the cloud keeps for it)
#   METRICS_URL    where its metrics are; `closed`: nowhere that clients reach                               (closed)
#   VALID_SECONDS  how long it may take to be sound after its deployment                                        (300)
#
# Sound is a service that scripts/validate-deployment.sh finds whole, and that answers with the version of IMAGE_TAG.
# What ran before is deployed again from its own tag in git, with its own templates and settings; where there is no such
# tag, with the present ones.
#
# Exit code: 0 when it runs and is sound; 1 when it is not, and what ran before does again and is; 2 when it could not
# begin, and nothing was changed; 3 when it is not, and neither is what ran before: somebody has to look.
set -eu
. "$(dirname "$0")/../common.sh"

# What is said is what people see first, in the run's log and on its page.
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

# What an environment of GitHub does not set reaches a workflow as an empty word, which means the same as none.
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

# The version that a tag stands for: 1.2.0 of 1.2.0-4f1c0d9a7b3e.
version_of() {
    printf '%s' "${1%%-*}"
}

# Read only now, since the first deployment makes the key; and kept out of the log.
find_key() {
    [ -z "${API_KEY:-}" ] || return 0
    API_KEY=$(./scripts/release/deployed.sh "$CLOUD" key) || return 1
    export API_KEY
    [ -z "${GITHUB_ACTIONS:-}" ] || printf '::add-mask::%s\n' "$API_KEY"
}

answers_as() {
    curl --silent --fail --max-time 10 "$SERVICE_URL/" | jq -e --arg version "$1" '.version == $version' >/dev/null
}

# $1 is a tag. Load balancers and names take a while to follow, so it is asked until it is sound or time is up.
sound() {
    find_key || return 1
    deadline=$(($(date +%s) + VALID_SECONDS))
    until validated=$(./scripts/validate-deployment.sh "$SERVICE_URL" 2>&1) && answers_as "$(version_of "$1")"; do
        if [ "$(date +%s)" -ge "$deadline" ]; then
            printf '%s\n' "$validated" >&2
            answers_as "$(version_of "$1")" || echo "it does not answer as version $(version_of "$1")" >&2
            return 1
        fi
        sleep 1
    done
    printf '%s\n' "$validated"
}

# The folder from which what ran before is deployed: that of its own release, with the programs of this one.
earlier_release() {
    tag=refs/tags/v$(version_of "$before")
    if ! git rev-parse --quiet --verify "$tag^{commit}" >/dev/null; then
        echo "there is no tag v$(version_of "$before"), so the present templates are deployed" >&2
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

# The registry has the image of what ran before. If it has not, nothing may be pushed under its tag: IMAGE is another one.
go_back() {
    why=$1
    [ -n "$before" ] || give_up 3 "$why, and nothing ran before: $ENVIRONMENT has to be looked at"
    [ "$before" != "$IMAGE_TAG" ] || give_up 3 "$why, and it is what ran before: $ENVIRONMENT has to be looked at"
    say "$why; going back to $before"
    if folder=$(earlier_release) &&
        IMAGE_TAG=$before IMAGE="nothing-may-be-pushed-as:$before" "$folder/scripts/deploy-$CLOUD.sh" "$ENVIRONMENT" &&
        sound "$before"; then
        give_up 1 "$why; $before runs again in $ENVIRONMENT and is sound"
    fi
    give_up 3 "$why, and going back to $before did not work either: $ENVIRONMENT has to be looked at"
}

forget() {
    # most runs never made it, and the exit code is that of the deployment
    git worktree remove --force "$BEFORE" 2>/dev/null || true
}
trap forget EXIT

# A run that is cancelled half way leaves it to people: they have a reason, and it may be ended at any moment.
trap 'give_up 3 "stopped while $IMAGE_TAG was being deployed over ${before:-nothing}: $ENVIRONMENT has to be looked at"' \
    INT TERM

say "$ENVIRONMENT on $CLOUD: from ${before:-nothing} to $IMAGE_TAG"
code=0
"./scripts/deploy-$CLOUD.sh" "$ENVIRONMENT" || code=$?
case "$code" in
    0) ;;
    2) cannot_run "the deployment could not begin, and nothing was changed" ;;
    *) go_back "$IMAGE_TAG could not be deployed to $ENVIRONMENT" ;;
esac
sound "$IMAGE_TAG" || go_back "$IMAGE_TAG is not sound in $ENVIRONMENT"
say "$IMAGE_TAG runs in $ENVIRONMENT and is sound"
