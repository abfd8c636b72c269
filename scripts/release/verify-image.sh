#!/bin/sh
# Fetches the image of a release, if its signature proves that the release built it: `verify-image.sh VERSION`.
#
#   VERSION            the release, without the v of its tag
#
#   GITHUB_REPOSITORY  the repository of the image, as OWNER/NAME   (required)
#   GITHUB_ACTOR, GITHUB_TOKEN                                      the account that fetches, if the image is not public
#
# The signature and the provenance must prove that the release workflow of this repository built the image at the tag of
# this version. The local image is lead-scoring-api:TAG, where TAG is the version, a hyphen and the first 12 digits of the
# digest, so a tag always means the same image. Both go to GITHUB_OUTPUT, as `image` and `tag`.
#
# Exit code: 0 if it is genuine and available, 1 if not, 2 if it could not be checked.
set -eu
. "$(dirname "$0")/../common.sh"

check_arguments 1 1 "$@"

VERSION=$1
case "$VERSION" in
    *[!0-9a-z.]* | .* | *..*) cannot_run "VERSION must be a version such as 1.2.0, not '$VERSION'" ;;
esac
need docker cosign gh jq
. scripts/release/registry.sh
workflow=$GITHUB_REPOSITORY/.github/workflows/release.yml

[ -z "${GITHUB_TOKEN:-}" ] || sign_in
# From here on by digest: a tag could be moved.
manifest=$(docker buildx imagetools inspect "$name:$VERSION" --format '{{json .Manifest}}') ||
    fail "the image $name:$VERSION does not exist or cannot be read"
digest=$(printf '%s' "$manifest" | jq -r .digest)
case "$digest" in
    sha256:????????????????????????????????????????????????????????????????) ;;
    *) fail "the registry must report a digest for $name:$VERSION, not '$digest'" ;;
esac
cosign verify "$name@$digest" --certificate-oidc-issuer https://token.actions.githubusercontent.com \
    --certificate-identity "https://github.com/$workflow@refs/tags/v$VERSION" >/dev/null ||
    fail "$name@$digest is not signed by the release of v$VERSION"
gh attestation verify "oci://$name@$digest" --repo "$GITHUB_REPOSITORY" --signer-workflow "$workflow" \
    --source-ref "refs/tags/v$VERSION" >/dev/null ||
    fail "$name@$digest has no provenance from the release of v$VERSION"
docker pull --quiet "$name@$digest" >/dev/null || fail "$name@$digest cannot be pulled"

hexadecimal=${digest#sha256:}
tag=$VERSION-$(printf '%.12s' "$hexadecimal")
docker tag "$name@$digest" "lead-scoring-api:$tag"
printf 'image=%s\ntag=%s\n' "lead-scoring-api:$tag" "$tag" >>"${GITHUB_OUTPUT:-/dev/null}"
say "genuine: $name@$digest, available as lead-scoring-api:$tag"
