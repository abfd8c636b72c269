#!/bin/sh
# Creates an environment separate from .venv, with the packages of a lock file: `from-lock.sh FOLDER LOCK`.
#
# PYTHON selects the interpreter, 3.11 or newer; the default is that of .venv, else python3. A machine that only builds
# wheels has no .venv.
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

say "installing $LOCK in $VENV"
rm -rf "$VENV"
# uv takes seconds, pip a minute; both read the same file.
if uv --version >/dev/null 2>&1; then
    uv venv --quiet --python "$PYTHON" "$VENV"
    uv pip install --quiet --python "$VENV/bin/python" --require-hashes -r "$LOCK"
else
    "$PYTHON" -m venv "$VENV"
    "$VENV/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes -r "$LOCK"
fi
