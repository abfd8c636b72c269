#!/bin/sh
# Makes build/docs/env: Sphinx, which builds the documentation site, and Playwright, which takes its pictures.
# Apart from .venv, because nothing else needs either of them.
set -eu
cd "$(dirname "$0")/.."

VENV=build/docs/env

rm -rf "$VENV"
# uv takes seconds, pip a minute; both take the same file.
if uv --version >/dev/null 2>&1; then
    uv venv --quiet --python .venv/bin/python "$VENV"
    uv pip install --quiet --python "$VENV/bin/python" --require-hashes -r requirements/docs.txt
else
    .venv/bin/python -m venv "$VENV"
    "$VENV/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/docs.txt
fi
echo "==> ready: Sphinx and Playwright in $VENV"
