#!/bin/sh
# Makes build/infra-venv: what writes the clouds' templates and tests them, with a Node.js of its own.
#
# It is apart from .venv, since the service needs none of it. PYTHON names the interpreter, as in install.sh.
set -eu
cd "$(dirname "$0")/.."

./scripts/make-venv.sh build/infra-venv requirements/infra.txt
