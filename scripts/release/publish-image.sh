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
. "$(dirname "$0")/../common.sh"

IMAGE=${IMAGE:-lead-scoring-api:latest}
SBOM=build/sbom/image.cdx.json

check_arguments 1 1 "$@"

VERSION=$1
need docker cosign
. scripts/release/registry.sh
[ -s "$SBOM" ] || cannot_run "$SBOM is missing: make sbom IMAGE=$IMAGE"

sign_in
if docker manifest inspect "$name:$VERSION" >/dev/null 2>&1; then
    fail "$name:$VERSION is published already, and what was released is never replaced"
fi
docker tag "$IMAGE" "$name:$VERSION"
pushed=$(docker push "$name:$VERSION") || exit 1
printf '%s\n' "$pushed"
digest=$(printf '%s\n' "$pushed" | sed -n 's/^.*digest: \(sha256:[0-9a-f]\{64\}\) .*$/\1/p')
[ -n "$digest" ] || fail "the engine did not say under which digest it has pushed"
# The digest is signed, and not the tag, which somebody could let point elsewhere between the two.
cosign sign --yes "$name@$digest"
cosign attest --yes --type cyclonedx --predicate "$SBOM" "$name@$digest"
printf 'name=%s\ndigest=%s\n' "$name" "$digest" >>"${GITHUB_OUTPUT:-/dev/null}"
say "published and signed: $name@$digest"
