#!/bin/sh
# Makes build/infra-venv: what writes the clouds' templates and tests them, with a Node.js of its own.
#
# It is apart from .venv, since the service needs none of it. PYTHON names the interpreter, as for venv.sh.
set -eu
. "$(dirname "$0")/../common.sh"
check_arguments 0 0 "$@"

./scripts/install/from-lock.sh build/infra-venv requirements/infra.txt

VENV=build/infra-venv
# Compiled once, since every deployment and test reads these large tables, and some machines keep no bytecode.
for models in "$VENV"/lib/python*/site-packages/azure/mgmt/*/models \
    "$VENV"/lib/python*/site-packages/azure/mgmt/*/*/models; do
    "$VENV/bin/python" -W ignore -m compileall -q "$models"
done
# With the Node.js out of the environment.
cp -r requirements/kql "$VENV/kql"
PATH=$PWD/$VENV/bin:$PATH npm ci --prefix "$VENV/kql" --silent --no-audit --no-fund --ignore-scripts
