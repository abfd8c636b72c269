#!/bin/sh
# Publishes the image of a release and signs it: `publish-image.sh VERSION`. Only the release workflow can do this.
#
#   VERSION            the release, which becomes the tag; an existing tag is never replaced
#
#   IMAGE              the local image, built and tested               (lead-scoring-api:latest)
#   GITHUB_REPOSITORY  the repository of the image, as OWNER/NAME      (required)
#   GITHUB_ACTOR, GITHUB_TOKEN                                         the account that publishes
#
# The signature needs no key: it certifies that this workflow of this repository built the image at this tag. The bill of
# materials build/sbom/image.cdx.json is signed with it. The name and digest of the image go to GITHUB_OUTPUT.
#
# Exit code: 0 if it is published and signed, 1 if a step was rejected, 2 if it could not start.
set -eu
. "$(dirname "$0")/../common.sh"

IMAGE=${IMAGE:-lead-scoring-api:latest}
SBOM=build/sbom/image.cdx.json

check_arguments 1 1 "$@"

VERSION=$1
need docker cosign
. scripts/release/registry.sh
[ -s "$SBOM" ] || cannot_run "$SBOM is missing: run make sbom IMAGE=$IMAGE"

sign_in
if docker manifest inspect "$name:$VERSION" >/dev/null 2>&1; then
    fail "$name:$VERSION is already published, and a release is never replaced"
fi
docker tag "$IMAGE" "$name:$VERSION"
pushed=$(docker push "$name:$VERSION") || exit 1
printf '%s\n' "$pushed"
digest=$(printf '%s\n' "$pushed" | sed -n 's/^.*digest: \(sha256:[0-9a-f]\{64\}\) .*$/\1/p')
[ -n "$digest" ] || fail "docker push printed no digest"
# The digest is signed, not the tag, which could be moved in between.
cosign sign --yes "$name@$digest"
cosign attest --yes --type cyclonedx --predicate "$SBOM" "$name@$digest"
printf 'name=%s\ndigest=%s\n' "$name" "$digest" >>"${GITHUB_OUTPUT:-/dev/null}"
say "published and signed: $name@$digest"
