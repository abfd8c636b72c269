#!/bin/sh
# Installs in build/azureml/venv the server in which Azure ML runs scoring scripts, and links the package of .venv.
# It is separate from .venv, because that server pins versions of libraries that must not bind the service.
set -eu
. "$(dirname "$0")/../common.sh"
check_arguments 0 0 "$@"

VENV=build/azureml/venv

./scripts/install/from-lock.sh "$VENV" requirements/azureml.txt
# The package is linked, not built again, so that tests use the current source.
for installed in "$PWD"/.venv/lib/python*/site-packages/*leadscoring*; do
    ln -s "$installed" "$VENV"/lib/python*/site-packages/
done
"$VENV/bin/python" -c 'import azureml_inference_server_http, leadscoring._engine'
say "ready: the Azure ML server in $VENV"
