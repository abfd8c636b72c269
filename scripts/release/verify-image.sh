#!/bin/sh
# Fetches the image of a release, when it is the one that the release has made: `verify-image.sh VERSION`.
#
#   VERSION            of the release, without the v of its tag
#
#   GITHUB_REPOSITORY  whose image it is, OWNER/NAME              (needed)
#   GITHUB_ACTOR, GITHUB_TOKEN                                    who fetches, where the image is not public
#
# Its signature and its provenance must say that the release workflow of this repository has made it at the tag of this
# version. Then it is there as lead-scoring-api:TAG, where TAG is the version, a hyphen and the first 12 digits of the
# digest: what a cloud's registry has under it is this image and no other. Both go to GITHUB_OUTPUT, as `image` and `tag`.
#
# Exit code: 0 when it is genuine and there, 1 when not, 2 when it could not be asked.
set -eu
. "$(dirname "$0")/../common.sh"

check_arguments 1 1 "$@"

VERSION=$1
case "$VERSION" in
    *[!0-9a-z.]* | .* | *..*) cannot_run "VERSION must be one like 1.2.0, not '$VERSION'" ;;
esac
need docker cosign gh jq
. scripts/release/registry.sh
workflow=$GITHUB_REPOSITORY/.github/workflows/release.yml

[ -z "${GITHUB_TOKEN:-}" ] || sign_in
# From here on by its digest: a tag could point elsewhere a moment later.
manifest=$(docker buildx imagetools inspect "$name:$VERSION" --format '{{json .Manifest}}') ||
    fail "there is no image $name:$VERSION"
digest=$(printf '%s' "$manifest" | jq -r .digest)
case "$digest" in
    sha256:????????????????????????????????????????????????????????????????) ;;
    *) fail "the registry must give $name:$VERSION a digest, not '$digest'" ;;
esac
cosign verify "$name@$digest" --certificate-oidc-issuer https://token.actions.githubusercontent.com \
    --certificate-identity "https://github.com/$workflow@refs/tags/v$VERSION" >/dev/null ||
    fail "$name@$digest is not signed by the release of v$VERSION"
gh attestation verify "oci://$name@$digest" --repo "$GITHUB_REPOSITORY" --signer-workflow "$workflow" \
    --source-ref "refs/tags/v$VERSION" >/dev/null ||
    fail "$name@$digest has no provenance of the release of v$VERSION"
docker pull --quiet "$name@$digest" >/dev/null || fail "$name@$digest cannot be pulled"

hexadecimal=${digest#sha256:}
tag=$VERSION-$(printf '%.12s' "$hexadecimal")
docker tag "$name@$digest" "lead-scoring-api:$tag"
printf 'image=%s\ntag=%s\n' "lead-scoring-api:$tag" "$tag" >>"${GITHUB_OUTPUT:-/dev/null}"
say "genuine: $name@$digest, here as lead-scoring-api:$tag"
