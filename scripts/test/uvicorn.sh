#!/bin/sh
# Runs the tests of the wire with the oldest uvicorn that pyproject.toml allows, and with the newest: `make uvicorn-test`.
# The service uses parts of it that are not public, so what is between the two is taken for tested, and nothing else is.
set -eu
. "$(dirname "$0")/../common.sh"
check_arguments 0 0 "$@"

PYTHON=.venv/bin/python
TESTS="tests/transport/test_connection.py tests/transport/test_wire.py tests/transport/test_ending.py tests/transport/test_cuts.py
    tests/transport/test_cycle.py tests/api/test_app.py tests/transport/test_refusal.py tests/transport/test_acceptor.py"

bounds=$($PYTHON -c 'import tomllib
needs = tomllib.load(open("pyproject.toml", "rb"))["project"]["dependencies"]
print(next(need.removeprefix("uvicorn") for need in needs if need.startswith("uvicorn")))')
installed=$($PYTHON -c 'import uvicorn; print(uvicorn.__version__)')
floor=$(echo "$bounds" | sed 's/^>=\([0-9.]*\),.*/\1/')
for wanted in "==$floor" "$bounds"; do
    place=build/uvicorn/$(echo "$wanted" | tr -c '0-9.\n' _)
    rm -rf "$place"
    $PYTHON -m pip install --quiet --disable-pip-version-check --no-deps --target "$place" "uvicorn$wanted"
    version=$(PYTHONPATH=$place $PYTHON -c 'import uvicorn; print(uvicorn.__version__)')
    if [ "$version" = "$installed" ]; then
        say "uvicorn$wanted: $version, the one in .venv, with which make test runs"
        continue
    fi
    say "uvicorn$wanted: $version"
    # shellcheck disable=SC2086  # they are several
    PYTHONPATH=$place $PYTHON -m pytest -q -p no:cacheprovider $TESTS
done
