#!/bin/sh
# Makes build/release/env: what builds wheels, writes bills of materials and looks for vulnerabilities and secrets.
# Apart from .venv, because nothing else needs any of it, and without it, so that a wheel can be built anywhere. PYTHON
# names the interpreter, 3.11 or newer.
set -eu
cd "$(dirname "$0")/.."

VENV=build/release/env
if [ -z "${PYTHON:-}" ]; then
    PYTHON=python3
    [ ! -x .venv/bin/python ] || PYTHON=.venv/bin/python
fi
"$PYTHON" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || {
    echo "release-environment: PYTHON must name a Python 3.11 or newer, not '$PYTHON'" >&2
    exit 1
}

rm -rf "$VENV"
# uv takes seconds, pip a minute; both take the same file.
if uv --version >/dev/null 2>&1; then
    uv venv --quiet --python "$PYTHON" "$VENV"
    uv pip install --quiet --python "$VENV/bin/python" --require-hashes -r requirements/release.txt
else
    "$PYTHON" -m venv "$VENV"
    "$VENV/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/release.txt
fi
echo "==> ready: what makes a release in $VENV"
