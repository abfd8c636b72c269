#!/bin/sh
# Writes bills of materials in the CycloneDX format to build/sbom: `sbom.sh [IMAGE]`.
#
# One for each lock file for images (serve.cdx.json and so on), with the version and hashes of every package; and one of
# the content of IMAGE (image.cdx.json), with its Debian packages.
#
#   IMAGE   an image of Docker or Podman, or the folder of an unpacked one
#
# Exit code: 0 if they are written, 2 if they could not be written.
set -eu
. "$(dirname "$0")/../common.sh"

TOOLS=build/release/env/bin
OUT=build/sbom

check_arguments 0 1 "$@"

[ -x "$TOOLS/cyclonedx-py" ] || cannot_run "$TOOLS/cyclonedx-py is missing: run make release-install"
version=$(sed -n 's/^version = "\(.*\)"$/\1/p' pyproject.toml | head -n 1)
rm -rf "$OUT"
mkdir -p "$OUT"
for lock in requirements/serve*.txt; do
    name=$(basename "$lock" .txt)
    # Without its validation, which takes longer than all the rest: the tests validate its output.
    "$TOOLS/cyclonedx-py" requirements --output-reproducible --no-validate --spec-version 1.6 --mc-type application \
        --pyproject pyproject.toml --output-file "$OUT/$name.cdx.json" "$lock" >"$OUT/log" 2>&1 ||
        { cat "$OUT/log" >&2; cannot_run "$lock could not be read"; }
    echo "$OUT/$name.cdx.json"
done

rm -f "$OUT/log"
[ $# -gt 0 ] || exit 0
source=$1
if [ -d "$source" ]; then
    source=dir:$(cd "$source" && pwd -P)
elif command -v docker >/dev/null; then
    source=docker:$source
else
    source=podman:$source
fi
SYFT_CHECK_FOR_APP_UPDATE=false "$TOOLS/syft" scan --quiet "$source" --source-name lead-scoring-api \
    --source-version "$version" --output "cyclonedx-json=$OUT/image.cdx.json" || cannot_run "$source could not be read"
echo "$OUT/image.cdx.json"
