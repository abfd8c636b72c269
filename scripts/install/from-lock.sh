#!/bin/sh
# Makes an environment apart from .venv, with what a lock pins: `from-lock.sh FOLDER LOCK`.
#
# PYTHON names the interpreter, 3.11 or newer: by default that of .venv where there is one, else python3. A machine that
# only builds wheels has no .venv.
set -eu
. "$(dirname "$0")/../common.sh"

check_arguments 2 2 "$@"
VENV=$1
LOCK=$2
if [ -z "${PYTHON:-}" ]; then
    PYTHON=python3
    [ ! -x .venv/bin/python ] || PYTHON=.venv/bin/python
fi
"$PYTHON" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null ||
    fail "PYTHON must name a Python 3.11 or newer, not '$PYTHON'"

say "dependencies: $LOCK, into $VENV"
rm -rf "$VENV"
# uv takes seconds, pip a minute; both take the same file.
if uv --version >/dev/null 2>&1; then
    uv venv --quiet --python "$PYTHON" "$VENV"
    uv pip install --quiet --python "$VENV/bin/python" --require-hashes -r "$LOCK"
else
    "$PYTHON" -m venv "$VENV"
    "$VENV/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes -r "$LOCK"
fi
