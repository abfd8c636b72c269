#!/bin/sh
# Publishes the local image of a release, and signs it: `publish-image.sh VERSION`. Only the release workflow can.
#
#   VERSION            what is released, which becomes the tag; a tag that is there is never published again
#
#   IMAGE              the local image, built and tested   (lead-scoring-api:latest)
#   GITHUB_REPOSITORY  whose image it is, OWNER/NAME       (needed)
#   GITHUB_ACTOR, GITHUB_TOKEN                             who publishes
#
# The signature needs no key: it says that this workflow of this repository has made the image at this tag. The bill of
# materials build/sbom/image.cdx.json is signed with it. The image's name and digest go to GITHUB_OUTPUT.
#
# Exit code: 0 when it is published and signed, 1 when something was refused, 2 when it could not begin.
set -eu
cd "$(dirname "$0")/../.."

IMAGE=${IMAGE:-lead-scoring-api:latest}
SBOM=build/sbom/image.cdx.json

usage() {
    sed -n '2,/^set /s/^# \{0,1\}//p' "$0" | sed '/^set /d'
}

cannot_run() {
    printf 'publish-image: %s\n' "$@" >&2
    exit 2
}

case "${1:-}" in
    -h | --help)
        usage
        exit 0
        ;;
    '' | -*)
        usage >&2
        exit 2
        ;;
esac

VERSION=$1
for program in docker cosign; do
    command -v "$program" >/dev/null || cannot_run "$program is needed, and not installed"
done
[ -n "${GITHUB_REPOSITORY:-}" ] || cannot_run "GITHUB_REPOSITORY must be the repository, as OWNER/NAME"
[ -s "$SBOM" ] || cannot_run "$SBOM is missing: make sbom IMAGE=$IMAGE"
# Names of images have small letters only.
name=ghcr.io/$(printf '%s' "${GITHUB_REPOSITORY%%/*}" | tr '[:upper:]' '[:lower:]')/lead-scoring-api

printf '%s' "${GITHUB_TOKEN:-}" | docker login ghcr.io --username "${GITHUB_ACTOR:-}" --password-stdin
if docker manifest inspect "$name:$VERSION" >/dev/null 2>&1; then
    echo "publish-image: $name:$VERSION is published already, and what was released is never replaced" >&2
    exit 1
fi
docker tag "$IMAGE" "$name:$VERSION"
pushed=$(docker push "$name:$VERSION") || exit 1
printf '%s\n' "$pushed"
digest=$(printf '%s\n' "$pushed" | sed -n 's/^.*digest: \(sha256:[0-9a-f]\{64\}\) .*$/\1/p')
if [ -z "$digest" ]; then
    echo "publish-image: the engine did not say under which digest it has pushed" >&2
    exit 1
fi
# The digest is signed, and not the tag, which somebody could let point elsewhere between the two.
cosign sign --yes "$name@$digest"
cosign attest --yes --type cyclonedx --predicate "$SBOM" "$name@$digest"
printf 'name=%s\ndigest=%s\n' "$name" "$digest" >>"${GITHUB_OUTPUT:-/dev/null}"
echo "==> published and signed: $name@$digest"
