#!/bin/sh
# Checks a deployed service from outside: `validate-deployment.sh [URL]`.
#
#   URL          the address of the service                       (BASE_URL, else http://localhost:8000)
#   API_KEY      a key of the service                             (the demo key)
#   METRICS_URL  the address of its metrics, with OPERATIONS_ACCESS=port; `closed`: they must not be at URL/metrics,
#                and cannot be reached from here               (URL/metrics)
#
# It changes nothing and scores nothing. With OPERATIONS_ACCESS=key, API_KEY must have the scope admin.
#
# Exit code: 0 if every check passed, 1 if one failed, 2 if no service responds or the checks could not run.
set -eu
. "$(dirname "$0")/common.sh"

check_arguments 0 1 "$@"

URL=${1:-${BASE_URL:-http://localhost:8000}}
URL=${URL%/}
API_KEY=${API_KEY:-demo-api-key-123}
METRICS_URL=${METRICS_URL:-$URL/metrics}

need curl jq

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
trap 'exit 2' INT TERM
failed=0
passed=0

# ask KEY URL [arguments of curl]: prints the status; the body is in $folder/body. The key is passed on standard input,
# since other users can see a program's arguments; an empty key is not sent.
ask() {
    key=$1
    url=$2
    shift 2
    if [ -n "$key" ]; then printf 'header = "X-API-Key: %s"\n' "$key"; fi |
        curl --silent --max-time 10 --output "$folder/body" --write-out '%{http_code}' --config - "$@" "$url" || true
}

# check WHAT KEY STATUS URL TEST [arguments of curl]: TEST is a command that reads the body, and succeeds on a valid one.
check() {
    what=$1
    key=$2
    wanted=$3
    url=$4
    sound=$5
    shift 5
    : >"$folder/body"
    status=$(ask "$key" "$url" "$@")
    if [ "$status" != "$wanted" ]; then
        verdict="FAILED: status $status, not $wanted"
    elif ! sh -c "$sound" <"$folder/body" >/dev/null 2>&1; then
        verdict="FAILED: not a response of this service: $(head -c 120 "$folder/body" | tr '\n' ' ')"
    else
        verdict=ok
    fi
    if [ "$verdict" = ok ]; then passed=$((passed + 1)); else failed=$((failed + 1)); fi
    printf '%-26s %s\n' "$what" "$verdict"
}

[ "$(ask '' "$URL/health/live")" != 000 ] || cannot_run "no service responds at $URL"
printf '%s\n' "$URL"

nobody=not-a-key-of-this-service
info=$URL/api/v1/model/info
check "root"                     ''         200 "$URL/"             "jq -e '.service and .version and .docs'"
check "health"                   ''         200 "$URL/health"       "jq -e '.status == \"healthy\"'"
check "alive"                    ''         200 "$URL/health/live"  "jq -e '.status == \"alive\"'"
check "ready"                    ''         200 "$URL/health/ready" "jq -e '.status == \"ready\" and .model_version'"
if [ "$METRICS_URL" = closed ]; then
    check "metrics closed"       "$API_KEY" 404 "$URL/metrics"      "jq -e '.code == \"not_found\"'"
else
    check "metrics"              "$API_KEY" 200 "$METRICS_URL"      "grep -q '^http_requests_total{'"
fi
check "documentation"            ''         200 "$URL/docs"         "grep -qi '<html'"
check "OpenAPI document"         ''         200 "$URL/openapi.json" "jq -e '.openapi and .paths[\"/api/v1/score\"]'"
check "refused without a key"    ''         401 "$info"             "jq -e '.code == \"key_missing\"'"
check "refused with a wrong key" "$nobody"  401 "$info"             "jq -e '.code == \"key_unknown\"'"
check "no score without a key"   ''         401 "$URL/api/v1/score" "jq -e '.code == \"key_missing\"'" --data '{}'
check "model, with the key"      "$API_KEY" 200 "$info"             "jq -e '.name and .version and .n_features > 0'"

if [ "$failed" -ne 0 ]; then
    printf 'FAILED: %d of %d checks\n' "$failed" $((failed + passed))
    exit 1
fi
printf 'ok: all %d checks\n' "$passed"
