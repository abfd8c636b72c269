#!/bin/sh
# Runs the transport tests with the oldest uvicorn that pyproject.toml allows, and with the newest: `make uvicorn-test`.
# The service uses private parts of uvicorn; these tests must pass before the bounds are changed.
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
        say "uvicorn$wanted: $version is the version in .venv, which make test covers"
        continue
    fi
    say "uvicorn$wanted: $version"
    # shellcheck disable=SC2086  # several words
    PYTHONPATH=$place $PYTHON -m pytest -q -p no:cacheprovider $TESTS
done
