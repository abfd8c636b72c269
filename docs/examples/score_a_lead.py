"""Scores a lead with a running service, with nothing but Python: ``python3 docs/examples/score_a_lead.py [FILE]``.

BASE_URL names the service (http://localhost:8000, or the PORT that is set), API_KEY the key to send (the demo key).
FILE holds a lead as JSON.
"""

import json
import os
import sys
import urllib.error
import urllib.request
from pathlib import Path

BASE_URL = os.environ.get("BASE_URL") or f"http://localhost:{os.environ.get('PORT') or 8000}"
HEADERS = {"Content-Type": "application/json", "X-API-Key": os.environ.get("API_KEY", "demo-api-key-123")}


def answer(lead: bytes) -> tuple[int, bytes]:
    """The status and the body of the service's answer."""
    request = urllib.request.Request(f"{BASE_URL}/api/v1/score?reasons=3", lead, HEADERS)
    try:
        with urllib.request.urlopen(request, timeout=10) as response:
            return response.status, response.read()
    except urllib.error.HTTPError as refusal:
        return refusal.code, refusal.read()
    except OSError as failure:
        why = getattr(failure, "reason", failure)
        sys.exit(f"No service answers at {BASE_URL} ({why}). Start one with `make dev`, or set BASE_URL or PORT.")


def main() -> None:
    """Prints the score and its reasons; a lead that is not valid ends it with every fault of the lead."""
    file = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).with_name("sample_request_3.json")
    try:
        lead = file.read_bytes()
    except OSError as failure:
        sys.exit(f"{file} cannot be read: {failure.strerror}")
    status, body = answer(lead)
    try:
        said = json.loads(body)
        faults = [said["detail"], *(fault["message"] for fault in said.get("errors", ()))] if status != 200 else []
    except (ValueError, KeyError, TypeError, AttributeError):
        sys.exit(
            f"Something other than this service answers at {BASE_URL}, with status {status}. Set BASE_URL or PORT."
        )
    if faults:
        sys.exit("\n".join(faults))
    score = said["score"]
    print(f"{said['lead_id']}: tier {score['tier']}, {score['raw_score']:.1%} likely to convert")
    for reason in said["reasons"]:
        value = "unknown" if reason["value"] is None else reason["value"]
        print(f"  {reason['feature']} = {value} {reason['direction']} it by {abs(reason['contribution']):.2f}")


if __name__ == "__main__":
    main()
