#!/bin/sh
# Makes build/azureml/venv: the server that Azure ML runs scoring scripts in, and this package as it is in .venv.
# Apart from .venv, because that server pins libraries that ours must not be held to.
set -eu
cd "$(dirname "$0")/.."

VENV=build/azureml/venv

rm -rf "$VENV"
# uv takes seconds, pip a minute; both take the same file.
if uv --version >/dev/null 2>&1; then
    uv venv --quiet --python .venv/bin/python "$VENV"
    uv pip install --quiet --python "$VENV/bin/python" --require-hashes -r requirements/azureml.txt
else
    .venv/bin/python -m venv "$VENV"
    "$VENV/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/azureml.txt
fi
# The package is linked, and not built again, so that a changed source is the one that is tested.
for installed in "$PWD"/.venv/lib/python*/site-packages/*leadscoring*; do
    ln -s "$installed" "$VENV"/lib/python*/site-packages/
done
"$VENV/bin/python" -c 'import azureml_inference_server_http, leadscoring._engine'
echo "==> ready: the server of Azure ML in $VENV"
