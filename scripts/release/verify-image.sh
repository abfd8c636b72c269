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
cd "$(dirname "$0")/../.."

usage() {
    sed -n '2,/^set /s/^# \{0,1\}//p' "$0" | sed '/^set /d'
}

cannot_run() {
    printf 'verify-image: %s\n' "$@" >&2
    exit 2
}

refuse() {
    printf 'verify-image: %s\n' "$@" >&2
    exit 1
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
case "$VERSION" in
    *[!0-9a-z.]* | .* | *..*) cannot_run "VERSION must be one like 1.2.0, not '$VERSION'" ;;
esac
for program in docker cosign gh jq; do
    command -v "$program" >/dev/null || cannot_run "$program is needed, and not installed"
done
[ -n "${GITHUB_REPOSITORY:-}" ] || cannot_run "GITHUB_REPOSITORY must be the repository, as OWNER/NAME"
name=ghcr.io/$(printf '%s' "${GITHUB_REPOSITORY%%/*}" | tr '[:upper:]' '[:lower:]')/lead-scoring-api
workflow=$GITHUB_REPOSITORY/.github/workflows/release.yml

if [ -n "${GITHUB_TOKEN:-}" ]; then
    printf '%s' "$GITHUB_TOKEN" | docker login ghcr.io --username "${GITHUB_ACTOR:-}" --password-stdin
fi
# From here on by its digest: a tag could point elsewhere a moment later.
manifest=$(docker buildx imagetools inspect "$name:$VERSION" --format '{{json .Manifest}}') ||
    refuse "there is no image $name:$VERSION"
digest=$(printf '%s' "$manifest" | jq -r .digest)
case "$digest" in
    sha256:????????????????????????????????????????????????????????????????) ;;
    *) refuse "the registry must give $name:$VERSION a digest, not '$digest'" ;;
esac
cosign verify "$name@$digest" --certificate-oidc-issuer https://token.actions.githubusercontent.com \
    --certificate-identity "https://github.com/$workflow@refs/tags/v$VERSION" >/dev/null ||
    refuse "$name@$digest is not signed by the release of v$VERSION"
gh attestation verify "oci://$name@$digest" --repo "$GITHUB_REPOSITORY" --signer-workflow "$workflow" \
    --source-ref "refs/tags/v$VERSION" >/dev/null ||
    refuse "$name@$digest has no provenance of the release of v$VERSION"
docker pull --quiet "$name@$digest" >/dev/null || refuse "$name@$digest cannot be pulled"

hexadecimal=${digest#sha256:}
tag=$VERSION-$(printf '%.12s' "$hexadecimal")
docker tag "$name@$digest" "lead-scoring-api:$tag"
printf 'image=%s\ntag=%s\n' "lead-scoring-api:$tag" "$tag" >>"${GITHUB_OUTPUT:-/dev/null}"
echo "==> genuine: $name@$digest, here as lead-scoring-api:$tag"
