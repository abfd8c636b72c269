#!/bin/sh
# Builds the source distribution and from it the wheel, installs that into an environment of what is locked, and serves
# from there: `make wheel-test`. Both are in build/wheel/dist.
set -eu
cd "$(dirname "$0")/../.."

WORK=build/wheel
TOOLS=build/release/env

fail() {
    printf 'wheel-test: %s\n' "$@" >&2
    exit 1
}

[ -x "$TOOLS/bin/python" ] || fail "what builds wheels is missing: make release-install"
rm -rf "$WORK"
mkdir -p "$WORK"
PATH=$PWD/$TOOLS/bin:$PATH
export PATH
python -m build --no-isolation --outdir "$WORK/dist" . >"$WORK/build.log" 2>&1 ||
    { tail -n 30 "$WORK/build.log" >&2; fail "it cannot be built; all that was said is in $WORK/build.log"; }
echo "==> built: $(ls -C "$WORK/dist")"

if uv --version >/dev/null 2>&1; then
    uv venv --quiet --python "$TOOLS/bin/python" "$WORK/env"
    uv pip install --quiet --python "$WORK/env/bin/python" --require-hashes -r requirements/serve.txt
    uv pip install --quiet --python "$WORK/env/bin/python" --no-deps --no-index "$WORK"/dist/*.whl
else
    python -m venv "$WORK/env"
    for what in "--require-hashes -r requirements/serve.txt" "--no-deps --no-index $(ls "$WORK"/dist/*.whl)"; do
        # shellcheck disable=SC2086  # each is several words
        "$WORK/env/bin/python" -m pip install --quiet --disable-pip-version-check $what
    done
fi
"$WORK/env/bin/python" scripts/release/serve_once.py --lead docs/examples/sample_request_1.json
