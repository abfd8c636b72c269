"""Records what came of a lead, with nothing but Python.

``python3 docs/examples/record_an_outcome.py LEAD won|lost|open [TIME]``

BASE_URL names the service (http://localhost:8000, or the PORT that is set), API_KEY a key with the scope ``outcomes``.
TIME is in ISO 8601 with a zone, by default now. The outcome is sent again until it is committed, which is harmless.
"""

import json
import os
import sys
import time
import urllib.error
import urllib.request
from datetime import UTC, datetime

BASE_URL = os.environ.get("BASE_URL") or f"http://localhost:{os.environ.get('PORT') or 8000}"
HEADERS = {"Content-Type": "application/json", "X-API-Key": os.environ.get("API_KEY", "demo-api-key-123")}
ATTEMPTS = 5


def answer(body: bytes) -> tuple[int, dict[str, str]]:
    """The status and the body of the service's answer."""
    request = urllib.request.Request(f"{BASE_URL}/api/v1/outcomes", body, HEADERS)
    try:
        with urllib.request.urlopen(request, timeout=30) as response:
            return response.status, json.load(response)
    except urllib.error.HTTPError as refusal:
        return refusal.code, json.load(refusal)


def main() -> None:
    """Prints what became of the outcome; an error ends it with its reason."""
    if not 3 <= len(sys.argv) <= 4:
        sys.exit(__doc__)
    lead_id, outcome, *at = sys.argv[1:]
    sent = {"lead_id": lead_id, "outcome": outcome, "at": at[0] if at else datetime.now(UTC).isoformat()}
    body = json.dumps(sent).encode()  # the same in each attempt, so that it is recorded once
    for attempt in range(1, ATTEMPTS + 1):
        try:
            status, said = answer(body)
        except OSError as failure:
            status, said = 503, {"detail": f"no service answers at {BASE_URL} ({failure})"}
        if status != 503 or attempt == ATTEMPTS:
            break
        time.sleep(attempt)
    if status != 200:
        sys.exit(said["detail"])
    print(f"{said['lead_id']}: {said['status']}" + ("" if said["scored"] else ", but this lead was never scored here"))


if __name__ == "__main__":
    main()
