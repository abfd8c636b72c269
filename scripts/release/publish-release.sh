#!/bin/sh
# Creates the GitHub release of a tag: `publish-release.sh TAG`. Only the release workflow can do this.
#
#   TAG            v and the version
#
#   IMAGE_NAME     the name of the published image   (required)
#   IMAGE_DIGEST   its digest, sha256:...            (required)
#   GH_TOKEN       the account that publishes
#
# The release contains the changelog, the commands that verify the artifacts, the distributions in dist and the bills of
# materials in build/sbom. A version with letters is marked as a pre-release.
#
# Exit code: 0 if it is published, 1 if a step was rejected, 2 if it could not start.
set -eu
. "$(dirname "$0")/../common.sh"

check_arguments 1 1 "$@"

TAG=$1
need_set IMAGE_NAME IMAGE_DIGEST
need gh
for kind in dist/*.whl dist/*.tar.gz build/sbom/*.json; do
    [ -e "$kind" ] || cannot_run "$kind is missing"
done

mkdir -p build/release
notes=build/release/notes.md
"${PYTHON:-python3}" scripts/release/release_notes.py "$TAG" >"$notes" || exit 2
cat >>"$notes" <<EOF

## Verify it

The image is \`$IMAGE_NAME@$IMAGE_DIGEST\`. Signatures use no long-lived key: the provenance of each file names the workflow
run that built it.

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
