#!/bin/sh
# Pins every dependency, with hashes, to the newest version that pyproject.toml allows.
#
# The lock files contain no package index: each machine uses its own. `./scripts/release/lock.sh --keep` adds missing
# packages and keeps the pins that are still valid.
set -eu
. "$(dirname "$0")/../common.sh"

upgrade=--upgrade
if [ "${1:-}" = --keep ]; then
    upgrade=
    shift
fi
check_arguments 0 0 "$@"
uv --version >/dev/null 2>&1 || fail "uv is required, to resolve for every platform at once (pip install uv)"

# $1 is the lock file; the rest are its sources and platforms.
# Extras are kept in names: the pip of Python 3.11 otherwise selects the newest version for `coverage[toml]`, finds no
# hash for it, and installs nothing once a newer one is published.
# Every supported Python gets the same version of a package if possible: tests on one are valid for another, and the
# shipped model does not depend on the version of Python.
compile() {
    lock=$1
    shift
    # shellcheck disable=SC2086  # an empty $upgrade must vanish
    uv pip compile --quiet "$@" $upgrade --python-version 3.11 --generate-hashes --no-header \
        --fork-strategy fewest --no-strip-extras --no-emit-index-url --no-emit-find-links --output-file "requirements/$lock"
    echo "requirements/$lock: $(grep -c '^[a-z]' "requirements/$lock") packages"
}

compile dev.txt --universal pyproject.toml --extra train --extra aws --extra azure --extra load --extra otel \
    --extra postgres --extra dev
# Lock files that are installed into the same environment, step by step, need the same versions.
compile serve.txt --universal pyproject.toml -c requirements/dev.txt
compile train.txt --universal pyproject.toml --extra train -c requirements/dev.txt
compile build.txt --universal requirements/build.in -c requirements/dev.txt
# Lock files for the container image, each with the driver of PostgreSQL; the first is the default.
compile serve-postgres.txt --universal pyproject.toml --extra postgres -c requirements/dev.txt
compile serve-aws.txt --universal pyproject.toml --extra aws --extra postgres
compile serve-azure.txt --universal pyproject.toml --extra azure --extra postgres
compile serve-otel.txt --universal pyproject.toml --extra aws --extra azure --extra otel --extra postgres
compile release.txt --universal requirements/release.in
compile zig.txt --universal requirements/zig.in
# Azure ML runs Linux; on Windows its server requires a psutil that is too old for the service.
compile azureml.txt --python-platform linux requirements/azureml.in pyproject.toml
# Spark, Ray and clouds are tested on Linux; the rest is what .venv has.
compile clusters.txt --python-platform linux requirements/clusters.in pyproject.toml --extra spark --extra ray --extra cloud \
    -c requirements/dev.txt
compile docs.txt --universal requirements/docs.in
compile infra.txt --universal requirements/infra.in
compile clients.txt --universal requirements/clients.in

# Packages of npm are pinned with the Node.js of their environment. package.json has exact versions, which npm does not
# update. $1 is the folder below requirements, $2 the environment, $3 the make target that creates it.
npm_lock() {
    if [ -x "$2/bin/npm" ]; then
        PATH=$PWD/$2/bin:$PATH npm install --prefix "requirements/$1" --package-lock-only \
            --omit-lockfile-registry-resolved --silent --no-audit --no-fund
        echo "requirements/$1/package-lock.json: $(grep -c integrity "requirements/$1/package-lock.json") packages"
    else
        echo "requirements/$1/package-lock.json: unchanged; make $3 installs npm"
    fi
}

npm_lock kql build/infra-venv infra-install
npm_lock clients build/clients/venv clients
