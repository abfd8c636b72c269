#!/bin/sh
# Searches the files and the whole history of a repository for secrets: `secrets.sh [FOLDER]`.
#
#   FOLDER   the repository   (this one)
#
# It reports findings by kind, file, line and commit, never by value. It sends nothing, and does not try whether a key
# works. The demo key is allowed: it is public, and production rejects it; and so is the word PASSWORD in a URL.
#
# Exit code: 0 if there are no findings, 1 if there are, 2 if the search could not run.
set -eu
. "$(dirname "$0")/../common.sh"

PROJECT=$PWD
SCANNER=$PROJECT/build/release/env/bin/kingfisher

check_arguments 0 1 "$@"

FOLDER=${1:-$PROJECT}
case "$FOLDER" in /*) ;; *) FOLDER=$CALLER/$FOLDER ;; esac
[ -x "$SCANNER" ] || cannot_run "$SCANNER is missing: run make release-install"
[ -e "$FOLDER/.git" ] || cannot_run "$FOLDER is not a git repository"
cd "$FOLDER"
export KF_RULE_CACHE_DIR="$PROJECT/build/release/rules"

# With any other exit code the scan is incomplete.
code=0
"$SCANNER" scan . --no-validate --no-update-check --redact --quiet \
    --exclude .venv --exclude build --skip-regex '^demo-api-key-123$' --skip-regex ':PASSWORD@' || code=$?
case "$code" in
    0) echo "ok: no secret in the files and the history of $FOLDER" ;;
    200 | 205)
        echo "FAILED: revoke the secrets above first; removing them from the history is not enough" >&2
        exit 1
        ;;
    *) cannot_run "the scanner exited with $code" ;;
esac
