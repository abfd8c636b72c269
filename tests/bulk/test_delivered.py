"""A worker scores with the model that was sent or not at all, and opens it once."""

import clusters
import pytest

from leadscoring.bulk.shipped import Asked, Shipment, shipment
from leadscoring.errors import ModelMisdelivered

pytestmark = clusters.needs("pyarrow")
delivered = clusters.module("leadscoring.bulk.delivered", "pyarrow")
ASKED = Asked(5, False, "lead", None, ("note",))


@pytest.fixture(scope="module")
def sent(tmp_path_factory: pytest.TempPathFactory) -> Shipment:
    """The small model, ready to be sent."""
    return shipment(clusters.model_file(tmp_path_factory.mktemp("model")), ASKED)


def test_other_bytes_than_those_that_were_sent_are_not_opened(sent: Shipment) -> None:
    """The error names the model and both digests."""
    with pytest.raises(ModelMisdelivered, match=f"model.json.*{sent.plan.sha256[:12]}.*{len(sent.content) - 1} bytes"):
        delivered.scorer_of(sent.plan, lambda: sent.content[:-1])


def test_a_process_opens_a_model_once(sent: Shipment) -> None:
    """Its bytes are fetched by the first batch alone; another plan is another scorer."""
    fetched = []

    def fetch() -> bytes:
        fetched.append(1)
        return sent.content

    assert delivered.scorer_of(sent.plan, fetch) is delivered.scorer_of(sent.plan, fetch)
    assert len(fetched) == 1
    other = shipment(sent.plan.path, ASKED._replace(reasons=1)).plan
    assert delivered.scorer_of(other, fetch) is not delivered.scorer_of(sent.plan, fetch)
