#!/bin/sh
# Installs in build/clients the generators of API clients and a Node.js, for the tests of the clients that they generate
# from the OpenAPI document. PYTHON selects the interpreter, as for venv.sh.
set -eu
. "$(dirname "$0")/../common.sh"
check_arguments 0 0 "$@"

./scripts/install/from-lock.sh build/clients/venv requirements/clients.txt

rm -rf build/clients/npm
cp -r requirements/clients build/clients/npm
# With the Node.js of the environment: the system's may be too old.
PATH=$PWD/build/clients/venv/bin:$PATH npm ci --prefix build/clients/npm --silent --no-audit --no-fund --ignore-scripts
say "ready: the client generators in build/clients"
