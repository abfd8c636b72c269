# Sourced by the scripts that publish and fetch the image of a release: sets `name`, the image's name in the registry, and
# defines the login there. GITHUB_REPOSITORY is its repository, as OWNER/NAME.
# shellcheck shell=sh

[ -n "${GITHUB_REPOSITORY:-}" ] || cannot_run "GITHUB_REPOSITORY must be the repository, as OWNER/NAME"
# Names of images are in lower case.
# shellcheck disable=SC2034  # for the script that sources this
name=ghcr.io/$(printf '%s' "${GITHUB_REPOSITORY%%/*}" | tr '[:upper:]' '[:lower:]')/lead-scoring-api

sign_in() {
    printf '%s' "${GITHUB_TOKEN:-}" | docker login ghcr.io --username "${GITHUB_ACTOR:-}" --password-stdin
}
