#!/bin/sh
# Installs in build/clusters-venv Spark and Ray, and links the package of .venv, for the tests of scoring on clusters.
# It is separate from .venv, because the service needs none of them, and they pin libraries. Spark needs Java 17.
set -eu
. "$(dirname "$0")/../common.sh"
check_arguments 0 0 "$@"

VENV=build/clusters-venv

./scripts/install/from-lock.sh "$VENV" requirements/clusters.txt
# The package is linked, not built again, so that tests use the current source.
for installed in "$PWD"/.venv/lib/python*/site-packages/*leadscoring*; do
    ln -s "$installed" "$VENV"/lib/python*/site-packages/
done
"$VENV/bin/python" -c 'import pyspark, ray.data, leadscoring._engine'
say "ready: Spark and Ray in $VENV"
