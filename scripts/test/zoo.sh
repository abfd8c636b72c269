#!/usr/bin/env bash
# Trains models with several versions of XGBoost, each in a separate environment, and compares the scores of the service
# with the predictions of those versions: `scripts/test/zoo.sh [VERSION...]`, by default all known versions; `locked` is
# the one that training uses. A version whose Python is not installed is skipped and listed, or fails with CI=true.
set -euo pipefail
. "$(dirname "$0")/../common.sh"

FOLDER=build/zoo
LOCKED=$(.venv/bin/python -c 'from importlib.metadata import version; print(version("xgboost-cpu"))')
OLD="numpy<1.24 scipy<1.11 pandas<2 scikit-learn<1.3"
NEW="numpy<2.3 scipy<1.16 pandas<3 scikit-learn<1.6"
EVERY=(0.90 1.0.2 1.2.1 1.3.0.post0 1.3.3 1.4.2 1.5.2 1.6.2 1.7.2 1.7.6 2.0.3 2.1.4 3.0.5 3.1.3 3.2.0 3.3.0 3.4.1)

# The versions of Python that a version supports, the preferred one first.
pythons() {
    case $1 in
        0.* | 1.*) echo 3.8 3.9 3.10 3.11 3.7 ;;
        2.* | 3.[0-2].*) echo 3.11 3.10 3.12 ;;
        *) echo 3.12 3.13 3.14 ;;
    esac
}

# The libraries that it supports: later releases broke it.
companions() {
    case $1 in
        0.* | 1.*) echo "$OLD" ;;
        2.* | 3.[0-2].*) echo "$NEW" ;;
        *) echo "pandas scikit-learn" ;;
    esac
}

# Prints an interpreter of one of these versions, from PATH, pyenv or the tool cache of GitHub.
interpreter() {
    local version candidate
    for version in "$@"; do
        for candidate in "$(command -v "python$version" || true)" "$HOME"/.pyenv/versions/"$version".*/bin/python \
            "${RUNNER_TOOL_CACHE:-/opt/hostedtoolcache}"/Python/"$version".*/x64/bin/python; do
            if [ -x "$candidate" ] && "$candidate" -c 'import venv, ssl' 2>/dev/null; then
                echo "$candidate"
                return
            fi
        done
    done
}

# Trains the models of one version.
collect() {
    local version=$1 python wanted=() companion=() env="$FOLDER/env-$1"
    read -ra wanted <<<"$(pythons "$version")"
    python=$(interpreter "${wanted[@]}")
    if [ -z "$python" ]; then
        complain "XGBoost $version is skipped: it requires one of Python ${wanted[*]}, and none is installed"
        [ "${CI:-}" != true ]
        return
    fi
    if [ ! -e "$env/.made" ]; then
        rm -rf "$env"
        "$python" -m venv "$env"
        read -ra companion <<<"$(companions "$version")"
        "$env/bin/python" -m pip install --quiet --disable-pip-version-check "xgboost==$version" "${companion[@]}"
        touch "$env/.made"
    fi
    rm -rf "${FOLDER:?}/$version"
    if ! "$env/bin/python" tests/zoo/keeper.py "$FOLDER/$version" 2>"$FOLDER/$version.log"; then
        cat "$FOLDER/$version.log" >&2
        return 1
    fi
}

mkdir -p "$FOLDER"
rm -rf "${FOLDER:?}"/[0-9]*
[ $# -gt 0 ] || set -- "${EVERY[@]}"
for version in "$@"; do
    collect "${version/#locked/$LOCKED}"
done
ZOO_FOLDER=$FOLDER exec .venv/bin/python -m pytest -q -n "${JOBS:-logical}" tests/zoo
