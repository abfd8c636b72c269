"""Uses the client that openapi-python-client made: run where that is installed, it prints what the service answered.

Arguments: the service's address, its key, a file with a lead that it takes.
"""

import json
import sys
from pathlib import Path

from lead_scoring_service_client import AuthenticatedClient
from lead_scoring_service_client.api.model import get_model_info
from lead_scoring_service_client.api.scoring import score_batch, score_lead
from lead_scoring_service_client.models import Lead, ModelInfo, Problem, Refused, Scored


def use(url: str, key: str, file: str) -> None:
    """Scores one lead, a batch with a lead that is refused, a lead that is refused alone, and asks for the model."""
    given = json.loads(Path(file).read_bytes())
    lead = Lead.from_dict(given)
    name = next(name for name, value in given["features"].items() if isinstance(value, float))
    wrong = Lead.from_dict({"lead_id": "wrong", "features": given["features"] | {name: -1e300}})
    with AuthenticatedClient(base_url=url, token=key, prefix="", auth_header_name="X-API-Key") as client:
        one = score_lead.sync(client=client, body=lead, reasons=2, include_details=True)
        assert isinstance(one, Scored), one
        both = score_batch.sync(client=client, body=[lead, wrong])
        assert isinstance(both, list), both
        assert [type(place) for place in both] == [Scored, Refused]
        refused = score_lead.sync_detailed(client=client, body=wrong)
        assert isinstance(refused.parsed, Problem), refused
        info = get_model_info.sync(client=client)
        assert isinstance(info, ModelInfo), info
    said = {
        "one": one.to_dict(),
        "batch": [place.to_dict() for place in both],
        "refused": refused.parsed.to_dict(),
        "model": info.to_dict(),
    }
    print(json.dumps(said))


use(*sys.argv[1:])
