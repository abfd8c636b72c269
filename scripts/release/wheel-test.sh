#!/bin/sh
# Builds the source distribution and from it the wheel, installs the wheel with the locked dependencies, and serves:
# `make wheel-test`. Both are in build/wheel/dist.
set -eu
. "$(dirname "$0")/../common.sh"

check_arguments 0 0 "$@"

WORK=build/wheel
TOOLS=build/release/env

[ -x "$TOOLS/bin/python" ] || fail "$TOOLS is missing: run make release-install"
rm -rf "$WORK"
mkdir -p "$WORK"
PATH=$PWD/$TOOLS/bin:$PATH
export PATH
python -m build --no-isolation --outdir "$WORK/dist" . >"$WORK/build.log" 2>&1 ||
    { tail -n 30 "$WORK/build.log" >&2; fail "the build failed; its log is $WORK/build.log"; }
say "built: $(ls -C "$WORK/dist")"

PYTHON=$TOOLS/bin/python ./scripts/install/from-lock.sh "$WORK/env" requirements/serve.txt
"$TOOLS/bin/pip" --python "$WORK/env/bin/python" install --quiet --disable-pip-version-check --no-deps --no-index \
    "$WORK"/dist/*.whl
"$WORK/env/bin/python" scripts/release/serve_once.py --lead docs/examples/sample_request_1.json
