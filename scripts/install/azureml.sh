#!/bin/sh
# Makes build/azureml/venv: the server that Azure ML runs scoring scripts in, and this package as it is in .venv.
# Apart from .venv, because that server pins libraries that ours must not be held to.
set -eu
. "$(dirname "$0")/../common.sh"
check_arguments 0 0 "$@"

VENV=build/azureml/venv

./scripts/install/from-lock.sh "$VENV" requirements/azureml.txt
# The package is linked, and not built again, so that a changed source is the one that is tested.
for installed in "$PWD"/.venv/lib/python*/site-packages/*leadscoring*; do
    ln -s "$installed" "$VENV"/lib/python*/site-packages/
done
"$VENV/bin/python" -c 'import azureml_inference_server_http, leadscoring._engine'
say "ready: the server of Azure ML in $VENV"
