# Sourced by what publishes the image of a release and by what fetches it: where that image is, as `name`, and who asks.
# GITHUB_REPOSITORY, OWNER/NAME, says whose it is.
# shellcheck shell=sh

[ -n "${GITHUB_REPOSITORY:-}" ] || cannot_run "GITHUB_REPOSITORY must be the repository, as OWNER/NAME"
# Names of images have small letters only.
# shellcheck disable=SC2034  # for the script that sources this
name=ghcr.io/$(printf '%s' "${GITHUB_REPOSITORY%%/*}" | tr '[:upper:]' '[:lower:]')/lead-scoring-api

sign_in() {
    printf '%s' "${GITHUB_TOKEN:-}" | docker login ghcr.io --username "${GITHUB_ACTOR:-}" --password-stdin
}
