"""The leads of a request are scored within a span of their own, and to the same bits."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from collector import Collector
from factories import body, lead
from serving import Server, serving
from traces import CALLER, INTERNAL, SERVER, WAYS, Traced, traced_locally, traced_remotely

pytestmark = pytest.mark.integration
JSON = {"Content-Type": "application/json"}


@pytest.fixture(params=WAYS)
def traced(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Traced]:
    """A service over each way."""
    with traced_remotely(request.param, tmp_path) as opened:
        yield opened


@pytest.fixture
def local(tmp_path: Path) -> Iterator[tuple[Server, Collector]]:
    """A service with its own model."""
    with traced_locally(tmp_path) as opened:
        yield opened


def test_a_batch_of_lines_is_one_request_to_its_last_lead(traced: Traced) -> None:
    """Each of its parts is scored within it, and it tells of all leads."""
    sent = b"".join(body(lead(f"lead-{place}")) + b"\n" for place in range(300))
    answer = traced.server.http.post(
        "/api/v1/score/batch", content=sent, headers=CALLER | {"Content-Type": "application/x-ndjson"}
    )
    assert len(answer.text.splitlines()) == 300
    spans = traced.trace(7)
    (request,) = [span for span in spans if span.kind == SERVER]
    scoring = [span for span in spans if span.kind == INTERNAL]
    assert request.told["leadscoring.leads"] == 300
    assert sorted(span.told["leadscoring.leads"] for span in scoring) == [44, 128, 128]
    assert {span.parent for span in scoring} == {request.id}


def test_scores_do_not_depend_on_traces(tmp_path: Path, local: tuple[Server, Collector]) -> None:
    """To the last bit."""
    asked = body([lead(f"lead-{place}") for place in range(100)] + [{"lead_id": "incomplete"}])
    with serving(tmp_path, tmp_path / "model.json") as server:
        plain, seen = (
            each.http.post("/api/v1/score/batch", content=asked, headers=JSON | {"X-Request-ID": "same"}).json()
            for each in (server, local[0])
        )
    assert plain == seen
