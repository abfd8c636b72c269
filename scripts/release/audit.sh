#!/bin/sh
# Asks the package index whether a locked dependency has a known vulnerability.
#
# Checks every lock file in requirements/. Those in requirements/vulnerabilities.accepted are ignored until their end date.
# It needs the internet; the reports are in build/audit.
#
# Exit code: 0 if there is none, 1 if there is at least one, 2 if the index could not be asked.
set -eu
. "$(dirname "$0")/../common.sh"

AUDIT=build/release/env/bin/pip-audit
ACCEPTED=requirements/vulnerabilities.accepted
REPORTS=build/audit

check_arguments 0 0 "$@"

[ -x "$AUDIT" ] || cannot_run "$AUDIT is missing: run make release-install"
need jq
# Dates in this format sort as text.
today=$(date -u +%Y-%m-%d)
while read -r id until reason; do
    case "$id" in '' | '#'*) continue ;; esac
    case "$until" in
        [0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]) ;;
        *) cannot_run "$ACCEPTED must give $id an end date, as year-month-day, not '$until'" ;;
    esac
    [ -n "$reason" ] || cannot_run "$ACCEPTED must give $id a reason"
    if [ "$until" != "$today" ] && [ "$(printf '%s\n' "$today" "$until" | sort | head -n 1)" = "$until" ]; then
        echo "no longer accepted since $until: $id ($reason)" >&2
        continue
    fi
    set -- "$@" --ignore-vuln "$id"
done <"$ACCEPTED"

# pip-audit exits with 1 both for a vulnerability and without a response; only with a response does it write a report.
# One lock file at a time, since they contain the same packages.
rm -rf "$REPORTS"
mkdir -p "$REPORTS"
found=
for lock in requirements/*.txt; do
    report=$REPORTS/$(basename "$lock" .txt).json
    code=0
    "$AUDIT" --disable-pip --require-hashes --progress-spinner off --format json --output "$report" \
        --requirement "$lock" "$@" || code=$?
    [ -s "$report" ] ||
        cannot_run "the package index could not be asked about $lock, so the result is unknown; it needs the internet"
    [ "$code" -eq 0 ] || found=yes
done
if [ -n "$found" ]; then
    jq -r '.dependencies[] | select(.vulns) | . as $of | .vulns[] |
        "\($of.name) \($of.version) \(.id), fixed in \(.fix_versions | join(", "))"' "$REPORTS"/*.json | sort -u >&2
    echo "FAILED: a dependency has a known vulnerability; make lock updates the versions" >&2
    exit 1
fi
echo "ok: no known vulnerability in requirements/*.txt"
