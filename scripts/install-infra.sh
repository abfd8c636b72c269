#!/bin/sh
# Makes build/infra-venv: what writes the clouds' templates and tests them, with a Node.js of its own.
#
# It is apart from .venv, since the service needs none of it. PYTHON names the interpreter, as in install.sh.
set -eu
cd "$(dirname "$0")/.."

VENV=build/infra-venv
PYTHON=${PYTHON:-.venv/bin/python}
"$PYTHON" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || {
    echo "install-infra: PYTHON must name a Python 3.11 or newer, not '$PYTHON'" >&2
    exit 1
}

echo "==> dependencies: requirements/infra.txt, into $VENV"
rm -rf "$VENV"
if uv --version >/dev/null 2>&1; then
    uv venv --quiet --python "$PYTHON" "$VENV"
    uv pip install --quiet --python "$VENV/bin/python" --require-hashes -r requirements/infra.txt
else
    "$PYTHON" -m venv "$VENV"
    "$VENV/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/infra.txt
fi
# Compiled once, since every deployment and test reads these large tables, and some machines keep no bytecode.
for models in "$VENV"/lib/python*/site-packages/azure/mgmt/*/models \
    "$VENV"/lib/python*/site-packages/azure/mgmt/*/*/models; do
    "$VENV/bin/python" -W ignore -m compileall -q "$models"
done
# With the Node.js out of the environment.
cp -r requirements/kql "$VENV/kql"
PATH=$PWD/$VENV/bin:$PATH npm ci --prefix "$VENV/kql" --silent --no-audit --no-fund --ignore-scripts
