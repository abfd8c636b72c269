#!/bin/sh
# Looks for secrets in the files and in the whole history of a repository: `secrets.sh [FOLDER]`.
#
#   FOLDER   the repository   (this one)
#
# What it finds is told by its kind, file, line and commit, never by its value. Nothing leaves the machine: whether a key
# would open something is not tried. The demo key is no finding: everyone knows it, and production refuses it.
#
# Exit code: 0 when there is none, 1 when there is one, 2 when it could not be looked for.
set -eu
. "$(dirname "$0")/../common.sh"

PROJECT=$PWD
SCANNER=$PROJECT/build/release/env/bin/kingfisher

check_arguments 0 1 "$@"

FOLDER=${1:-$PROJECT}
case "$FOLDER" in /*) ;; *) FOLDER=$CALLER/$FOLDER ;; esac
[ -x "$SCANNER" ] || cannot_run "the scanner is missing: make release-install"
[ -e "$FOLDER/.git" ] || cannot_run "$FOLDER is no repository"
cd "$FOLDER"
export KF_RULE_CACHE_DIR="$PROJECT/build/release/rules"

# Whatever makes it end otherwise has not looked at everything.
code=0
"$SCANNER" scan . --no-validate --no-update-check --redact --quiet \
    --exclude .venv --exclude build --skip-regex '^demo-api-key-123$' || code=$?
case "$code" in
    0) echo "ok: no secret in the files and the history of $FOLDER" ;;
    200 | 205)
        echo "FAILED: what is above must be revoked first, since taking it out of the history does not take it back" >&2
        exit 1
        ;;
    *) cannot_run "the scanner ended with $code" ;;
esac
