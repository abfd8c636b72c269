"""Scores a lead with a running service, with nothing but Python: ``python3 docs/examples/score_a_lead.py [FILE]``.

BASE_URL names the service (http://localhost:8000), API_KEY the key to send (the demo key). FILE holds a lead as JSON.
"""

import json
import os
import sys
import urllib.error
import urllib.request
from pathlib import Path

BASE_URL = os.environ.get("BASE_URL", "http://localhost:8000")
HEADERS = {"Content-Type": "application/json", "X-API-Key": os.environ.get("API_KEY", "demo-api-key-123")}


def main() -> None:
    """Prints the score and its reasons; a lead that is not valid ends it with every fault of the lead."""
    sample = Path(__file__).with_name("sample_request_3.json")
    lead = Path(sys.argv[1] if len(sys.argv) > 1 else sample).read_bytes()
    request = urllib.request.Request(f"{BASE_URL}/api/v1/score?reasons=3", lead, HEADERS)
    try:
        with urllib.request.urlopen(request, timeout=10) as response:
            scored = json.load(response)
    except urllib.error.HTTPError as refusal:
        problem = json.load(refusal)
        sys.exit("\n".join([problem["detail"], *(fault["message"] for fault in problem.get("errors", ()))]))
    except urllib.error.URLError as failure:
        sys.exit(f"No service answers at {BASE_URL} ({failure.reason}). Start one with `make dev`.")
    score = scored["score"]
    print(f"{scored['lead_id']}: tier {score['tier']}, {score['raw_score']:.1%} likely to convert")
    for reason in scored["reasons"]:
        print(
            f"  {reason['feature']} = {reason['value']} {reason['direction']} it by {abs(reason['contribution']):.2f}"
        )


if __name__ == "__main__":
    main()
