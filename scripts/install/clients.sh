#!/bin/sh
# Makes build/clients: the programs that make clients of the OpenAPI document, with a Node.js of their own, for the tests
# of what they make. PYTHON names the interpreter, as for venv.sh.
set -eu
. "$(dirname "$0")/../common.sh"
check_arguments 0 0 "$@"

./scripts/install/from-lock.sh build/clients/venv requirements/clients.txt

rm -rf build/clients/npm
cp -r requirements/clients build/clients/npm
# With the Node.js out of the environment: another may be too old.
PATH=$PWD/build/clients/venv/bin:$PATH npm ci --prefix build/clients/npm --silent --no-audit --no-fund --ignore-scripts
say "ready: the makers of clients in build/clients"
