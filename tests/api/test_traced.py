"""A request to score is a span of its caller's trace, refused at its head or not."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from collector import Collector, Seen, collecting
from endpoint_replies import fails
from factories import LEAD, body, lead, model_file
from serving import Server, eventually, serving
from traces import (
    CALLER,
    CLIENT,
    INTERNAL,
    PARENT,
    SERVER,
    TRACE,
    WAYS,
    Traced,
    traced_locally,
    traced_remotely,
    tracing,
)

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


def test_a_trace_goes_from_the_client_to_the_remote_model(traced: Traced) -> None:
    """One id all the way; each span is the child of the one before, and the endpoint hears of the last."""
    assert traced.server.http.post("/api/v1/score", json=LEAD, headers=CALLER).status_code == 200
    spans = {span.kind: span for span in traced.trace(3)}
    request, scoring, call = spans[SERVER], spans[INTERNAL], spans[CLIENT]
    assert (request.parent, scoring.parent, call.parent) == (PARENT, request.id, scoring.id)
    heard = traced.way.double.last
    assert heard.refusal is None  # what was signed is still right
    assert heard.headers["traceparent"] == f"00-{TRACE}-{call.id}-01"
    assert heard.headers["tracestate"] == CALLER["tracestate"]
    assert {span.state for span in spans.values()} == {CALLER["tracestate"]}
    assert "baggage" not in heard.headers


def test_a_request_that_fails_is_a_span_that_failed(traced: Traced) -> None:
    """With the error's type, and the status that the client got."""
    traced.way.double.always(fails(500))
    status = traced.server.http.post("/api/v1/score", json=LEAD, headers=CALLER).status_code
    (request,) = (span for span in traced.trace(3) if span.kind == SERVER)
    assert status >= 500
    assert request.failed
    assert request.told["http.response.status_code"] == status
    assert request.told["error.type"] == "EndpointFailed"


def test_a_request_that_is_refused_at_its_head_is_a_span_too(tmp_path: Path) -> None:
    """Every answer has its span, of the caller's trace, with its id and status; so have those made without a handler."""
    crowd, batch = 24, body([lead(f"lead-{place}") for place in range(200)])
    with (
        collecting() as collector,
        serving(tmp_path, model_file(tmp_path), **tracing(collector), MAX_QUEUE_SECONDS="0.001") as server,
        ThreadPoolExecutor(crowd) as asking,
    ):

        def ask(_: int) -> tuple[str, int]:
            answer = server.http.post("/api/v1/score/batch", content=batch, headers=JSON | CALLER)
            return answer.headers["x-request-id"], answer.status_code

        answers: dict[str, int] = {}
        for _ in range(50):
            answers |= asking.map(ask, range(crowd))
            if at_once := refused_at_once(server):
                break
        else:
            pytest.fail("nothing was refused at its head")

        def requests() -> list[Seen]:
            return [span for span in collector.of(TRACE) if span.kind == SERVER]

        assert eventually(lambda: len(requests()) == len(answers)), collector.spans
        for span in requests():
            status = answers.pop(span.told["leadscoring.request_id"])
            assert span.parent == PARENT
            assert span.told["http.response.status_code"] == status
            assert (span.told.get("error.type"), span.failed) == (
                ("Overloaded", True) if status == 503 else (None, False)
            )
            at_once.discard(span.told["leadscoring.request_id"])
        assert not at_once


def refused_at_once(server: Server) -> set[str]:
    """The ids of the requests that took no time, by the log."""
    lines = [json.loads(line) for line in server.logged().splitlines()]
    return {line["request_id"] for line in lines if line.get("status") == 503 and line["duration_ms"] == 0}


def test_a_request_without_a_trace_begins_one(local: tuple[Server, Collector]) -> None:
    """And so does one whose header makes no sense. Looks at health and metrics tell nothing."""
    server, collector = local
    for path in ("/health", "/health/ready", "/metrics"):
        assert server.http.get(path, headers=CALLER).status_code == 200
    for sent in ({}, {"traceparent": "nonsense"}):
        assert server.http.post("/api/v1/score", json=LEAD, headers=sent).status_code == 200
    assert eventually(lambda: len(collector.spans) >= 4)
    roots = [span for span in collector.spans if span.kind == SERVER]
    assert [span.parent for span in roots] == ["", ""]
    assert len({span.trace for span in roots}) == 2
    assert len(collector.spans) == 4


def test_what_a_client_does_not_want_traced_is_not(local: tuple[Server, Collector]) -> None:
    """Its flags say so; the answer is the same."""
    server, collector = local
    unwanted = CALLER | {"traceparent": CALLER["traceparent"][:-2] + "00"}
    assert server.http.post("/api/v1/score", json=LEAD, headers=unwanted).status_code == 200
    assert server.http.post("/api/v1/score", json=LEAD).status_code == 200
    assert eventually(lambda: len(collector.spans) == 2)
    assert not collector.of(TRACE)
