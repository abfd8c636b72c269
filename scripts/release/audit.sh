#!/bin/sh
# Asks the package index whether a locked dependency has a known vulnerability.
#
# Every lock in requirements/ is asked about. What is in requirements/vulnerabilities.accepted does not count until its
# date. The advisories are on the internet; the answers are in build/audit.
#
# Exit code: 0 when there is none, 1 when there is one, 2 when it could not be asked.
set -eu
. "$(dirname "$0")/../common.sh"

AUDIT=build/release/env/bin/pip-audit
ACCEPTED=requirements/vulnerabilities.accepted
REPORTS=build/audit

check_arguments 0 0 "$@"

[ -x "$AUDIT" ] || cannot_run "what asks is missing: make release-install"
need jq
# Dates of this form are in the order of their letters.
today=$(date -u +%Y-%m-%d)
while read -r id until reason; do
    case "$id" in '' | '#'*) continue ;; esac
    case "$until" in
        [0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]) ;;
        *) cannot_run "$ACCEPTED must say until when $id is accepted, as year-month-day, not '$until'" ;;
    esac
    [ -n "$reason" ] || cannot_run "$ACCEPTED must say why $id is accepted"
    if [ "$until" != "$today" ] && [ "$(printf '%s\n' "$today" "$until" | sort | head -n 1)" = "$until" ]; then
        echo "no longer accepted since $until: $id ($reason)" >&2
        continue
    fi
    set -- "$@" --ignore-vuln "$id"
done <"$ACCEPTED"

# It ends with 1 both for a vulnerability and for no answer; there is a report only when it was answered. One lock at a
# time, since they hold the same packages.
rm -rf "$REPORTS"
mkdir -p "$REPORTS"
found=
for lock in requirements/*.txt; do
    report=$REPORTS/$(basename "$lock" .txt).json
    code=0
    "$AUDIT" --disable-pip --require-hashes --progress-spinner off --format json --output "$report" \
        --requirement "$lock" "$@" || code=$?
    [ -s "$report" ] ||
        cannot_run "the advisories could not be asked about $lock, so nothing is known: they are on the internet"
    [ "$code" -eq 0 ] || found=yes
done
if [ -n "$found" ]; then
    jq -r '.dependencies[] | select(.vulns) | . as $of | .vulns[] |
        "\($of.name) \($of.version) \(.id), mended in \(.fix_versions | join(", "))"' "$REPORTS"/*.json | sort -u >&2
    echo "FAILED: a dependency has a known vulnerability; make lock takes newer versions" >&2
    exit 1
fi
echo "ok: no known vulnerability in requirements/*.txt"
