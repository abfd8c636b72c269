#!/bin/sh
# Makes an environment apart from .venv, with what a lock pins: `make-venv.sh FOLDER LOCK`. PYTHON names the interpreter.
set -eu
cd "$(dirname "$0")/.."

if [ $# -ne 2 ]; then
    echo "make-venv: say where and of what: make-venv.sh FOLDER LOCK" >&2
    exit 2
fi
VENV=$1
LOCK=$2
PYTHON=${PYTHON:-.venv/bin/python}
"$PYTHON" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || {
    echo "make-venv: PYTHON must name a Python 3.11 or newer, not '$PYTHON'" >&2
    exit 1
}

echo "==> dependencies: $LOCK, into $VENV"
rm -rf "$VENV"
# uv takes seconds, pip a minute; both take the same file.
if uv --version >/dev/null 2>&1; then
    uv venv --quiet --python "$PYTHON" "$VENV"
    uv pip install --quiet --python "$VENV/bin/python" --require-hashes -r "$LOCK"
else
    "$PYTHON" -m venv "$VENV"
    "$VENV/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes -r "$LOCK"
fi
