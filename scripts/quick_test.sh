#!/bin/sh
# Scores the sample leads with a running service, and prints their tiers and reasons.
#
#   BASE_URL  the address of the service   (http://localhost:8000)
#   API_KEY   the key to send              (the demo key)
#
# Exit code: 0 if every sample got the expected response, 1 if one did not, 2 if the test could not run.
set -eu
. "$(dirname "$0")/common.sh"

BASE_URL=${BASE_URL:-http://localhost:8000}
BASE_URL=${BASE_URL%/}
API_KEY=${API_KEY:-demo-api-key-123}

check_arguments 0 0 "$@"
need curl jq

# Prints the response of a route.
ask() {
    path=$1
    shift
    # the key is passed on standard input: other users can see a program's arguments
    printf 'header = "X-API-Key: %s"\n' "$API_KEY" |
        curl --silent --show-error --max-time 30 --config - "$@" "$BASE_URL$path"
}

ready=$(ask /health/ready) || cannot_run "no service responds at $BASE_URL"
version=$(printf '%s' "$ready" | jq -r '.model_version // empty' 2>/dev/null) || version=
[ -n "$version" ] || cannot_run "the service at $BASE_URL is not ready: $ready"
printf '%s is ready with model %s\n' "$BASE_URL" "$version"

# One line per lead with its id, tier and probability, and one per reason.
show='
def line:
  if .score then
    "  \(.lead_id): tier \(.score.tier), \(.score.raw_score * 10000 | round / 100) % likely to convert"
    + ([.reasons[] | "\n      \(if .direction == "increases" then "+" else "-" end) \(.feature) = \(.value // "unknown")"] | add // "")
  else
    "  \(.lead_id // "no id"): \(.error.code // .code // "no score"): \(.error.detail // .detail // .)"
  end;
if type == "array" then .[] else . end | line'

# The sample batch contains one lead that is invalid on purpose: it must be rejected, and the others scored.
sound='
if type == "array" then
  any(.[]; .score) and all(.[]; .score or .error.code == "invalid_lead")
else
  .score
end'

failed=0
score() {
    path=$1
    sample=$2
    printf '%s\n' "$sample"
    answer=$(ask "$path?reasons=3" --header 'Content-Type: application/json' --data-binary "@$sample") || answer='{}'
    printf '%s' "$answer" | jq -r "$show" || failed=1
    printf '%s' "$answer" | jq -e "$sound" >/dev/null || failed=1
}

for sample in docs/examples/sample_request_*.json; do
    score /api/v1/score "$sample"
done
score /api/v1/score/batch docs/examples/sample_batch.json

if [ "$failed" -ne 0 ]; then
    printf 'FAILED: not every sample got the expected response\n'
    exit 1
fi
printf 'ok: every sample got the expected response\n'
