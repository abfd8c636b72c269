#!/bin/sh
# Makes build/azureml/venv: the server of Azure ML with this package, apart from .venv because it pins
# libraries that ours must not be held to. The tests of the scoring script run it.
set -eu
cd "$(dirname "$0")/.."

VENV=build/azureml/venv
WHEELS=build/azureml/wheels

have_uv() {
    uv --version >/dev/null 2>&1
}

# uv takes seconds, pip a minute; both take the same file.
install() {
    if have_uv; then
        uv pip install --quiet --python "$VENV/bin/python" "$@"
    else
        "$VENV/bin/python" -m pip install --quiet --disable-pip-version-check "$@"
    fi
}

rm -rf "$VENV" "$WHEELS"
mkdir -p "$WHEELS"
if have_uv; then
    uv venv --quiet --python .venv/bin/python "$VENV"
else
    .venv/bin/python -m venv "$VENV"
fi
install --require-hashes -r requirements/azureml.txt
# The build tools are in .venv already, pinned by hash; the backend is asked itself, since .venv may have no pip.
PATH=$PWD/.venv/bin:$PATH .venv/bin/python -c "
from scikit_build_core.build import build_wheel
build_wheel('$WHEELS', {'build-dir': 'build/azureml/engine'})" >build/azureml/build.log 2>&1 || {
    cat build/azureml/build.log >&2
    exit 1
}
install --no-deps "$WHEELS"/*.whl
echo "==> ready: the server of Azure ML in $VENV"
