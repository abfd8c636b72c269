#!/bin/sh
# Installs in build/infra-venv the tools that generate and test the clouds' templates, and a Node.js.
#
# It is separate from .venv, since the service needs none of them. PYTHON selects the interpreter, as for venv.sh.
set -eu
. "$(dirname "$0")/../common.sh"
check_arguments 0 0 "$@"

./scripts/install/from-lock.sh build/infra-venv requirements/infra.txt

VENV=build/infra-venv
# Compiled once, since every deployment and test imports these large modules, and some machines cache no bytecode.
for models in "$VENV"/lib/python*/site-packages/azure/mgmt/*/models \
    "$VENV"/lib/python*/site-packages/azure/mgmt/*/*/models; do
    "$VENV/bin/python" -W ignore -m compileall -q "$models"
done
# With the Node.js of the environment.
cp -r requirements/kql "$VENV/kql"
PATH=$PWD/$VENV/bin:$PATH npm ci --prefix "$VENV/kql" --silent --no-audit --no-fund --ignore-scripts
