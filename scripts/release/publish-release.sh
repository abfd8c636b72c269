#!/bin/sh
# Makes the release of a tag on GitHub: `publish-release.sh TAG`. Only the release workflow can.
#
#   TAG            v and the version
#
#   IMAGE_NAME     where the image is published   (needed)
#   IMAGE_DIGEST   which it is, sha256:...        (needed)
#   GH_TOKEN       who publishes
#
# It holds the notes of the changelog, how to verify what was built, the distributions in dist and the bills of materials
# in build/sbom. A version with letters in it is marked as not ready for everyone.
#
# Exit code: 0 when it is published, 1 when something was refused, 2 when it could not begin.
set -eu
. "$(dirname "$0")/../common.sh"

check_arguments 1 1 "$@"

TAG=$1
need_set IMAGE_NAME IMAGE_DIGEST
need gh
for kind in dist/*.whl dist/*.tar.gz build/sbom/*.json; do
    [ -e "$kind" ] || cannot_run "there is no $kind to publish"
done

mkdir -p build/release
notes=build/release/notes.md
"${PYTHON:-python3}" scripts/release/release_notes.py "$TAG" >"$notes" || exit 2
cat >>"$notes" <<EOF

## Verify it

The image is \`$IMAGE_NAME@$IMAGE_DIGEST\`. Nothing here is signed with a key that could be lost: every file says by which
run of which workflow it was made.

\`\`\`bash
gh attestation verify oci://$IMAGE_NAME@$IMAGE_DIGEST --repo ${GITHUB_REPOSITORY:-OWNER/NAME}
gh attestation verify leadscoring-*.whl --repo ${GITHUB_REPOSITORY:-OWNER/NAME}
\`\`\`
EOF
case "$TAG" in
    *[!v0-9.]*) set -- --prerelease ;;
    *) set -- ;;
esac
gh release create "$TAG" --verify-tag --title "$TAG" --notes-file "$notes" "$@" dist/*.whl dist/*.tar.gz build/sbom/*.json ||
    exit 1
