"""Traces: carried from the client to the remote model, told to a collector, and nothing at all unless asked for."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import pytest
from collector import Collector, Seen, collecting
from endpoint_replies import fails
from factories import LEAD, body, lead, model_file
from serving import DEADLINE, Server, eventually, serving, start
from ways import Way, way

pytestmark = pytest.mark.integration

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
CALLER = {"traceparent": f"00-{TRACE}-{PARENT}-01", "tracestate": "vendor=opaque"}
SERVER, CLIENT, INTERNAL = 2, 3, 1
"""Kinds of spans, as the protocol numbers them."""

JSON = {"Content-Type": "application/json"}
MARK = "a-text-of-this-lead-alone"


def tracing(collector: Collector) -> dict[str, str]:
    """The settings of a service that tells this collector soon."""
    return {
        "OTEL_TRACES": "on",
        "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
        "OTEL_BSP_SCHEDULE_DELAY": "100",
        "no_proxy": "127.0.0.1",
    }


class Traced(NamedTuple):
    """A service with a remote model, and where its traces arrive."""

    server: Server
    way: Way
    collector: Collector

    def trace(self, spans: int, trace: str = TRACE) -> list[Seen]:
        """The spans of a trace as soon as so many have come, with that of the request, which ends last."""

        def told() -> bool:
            found = self.collector.of(trace)
            return len(found) >= spans and any(span.kind == SERVER for span in found)

        assert eventually(told), self.collector.spans
        return self.collector.of(trace)


@pytest.fixture(params=["sagemaker-csv", "azure"])
def traced(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Traced]:
    """A service over each way."""
    model = model_file(tmp_path)
    with (
        collecting() as collector,
        way(request.param, tmp_path, model) as asked,
        asked.serving(tmp_path, **tracing(collector)) as server,
    ):
        yield Traced(server, asked, collector)


@pytest.fixture
def local(tmp_path: Path) -> Iterator[tuple[Server, Collector]]:
    """A service with its own model."""
    with collecting() as collector, serving(tmp_path, model_file(tmp_path), **tracing(collector)) as server:
        yield server, collector


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


def test_spans_tell_what_was_done(traced: Traced) -> None:
    """Route, status, leads, provider; and nothing else of the request than its id."""
    answer = traced.server.http.post("/api/v1/score/batch", content=body([lead("a"), lead("b")]), headers=JSON | CALLER)
    spans = {span.kind: span for span in traced.trace(3)}
    assert spans[SERVER].name == "POST /api/v1/score/batch"
    assert spans[SERVER].told == {
        "http.request.method": "POST",
        "http.route": "/api/v1/score/batch",
        "http.response.status_code": 200,
        "leadscoring.leads": 2,
        "leadscoring.request_id": answer.headers["x-request-id"],
    }
    provider = traced.way.provider
    assert spans[INTERNAL].told == {"leadscoring.provider": provider, "leadscoring.leads": 2}
    assert spans[CLIENT].told == {
        "http.request.method": "POST",
        "http.response.status_code": 200,
        "leadscoring.provider": provider,
        "server.address": "127.0.0.1",
        "server.port": traced.way.double.port,
    }
    assert not any(span.failed for span in spans.values())


def test_a_second_attempt_is_a_span_of_its_own(traced: Traced) -> None:
    """The one that failed says so; the request did not fail."""
    traced.way.double.script(fails(503))
    assert traced.server.http.post("/api/v1/score", json=LEAD, headers=CALLER).status_code == 200
    spans = traced.trace(4)
    calls = [span for span in spans if span.kind == CLIENT]
    assert [(span.told["http.response.status_code"], span.failed) for span in calls] == [(503, True), (200, False)]
    assert [span.failed for span in spans if span.kind == SERVER] == [False]


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


@pytest.mark.parametrize("name", ["OTEL_EXPORTER_OTLP_PROTOCOL", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL"])
def test_a_protocol_that_is_not_spoken_stops_the_start(tmp_path: Path, name: str) -> None:
    """Spans that go where nobody takes them would be missed much later; with traces off it is nobody's business."""
    for protocol in ("grpc", "http/json"):
        server = start(tmp_path, model_file(tmp_path), OTEL_TRACES="on", **{name: protocol})
        assert server.process.wait(DEADLINE) == 2
        assert f"{name}={protocol}" in server.logged()
        assert "only http/protobuf" in server.logged()
        server.http.close()
    with serving(tmp_path, model_file(tmp_path), **{name: "grpc"}) as untold:
        assert untold.http.post("/api/v1/score", json=LEAD).status_code == 200


def test_the_protocol_of_traces_alone_goes_before_the_one_of_everything(tmp_path: Path) -> None:
    """As OpenTelemetry has it: metrics of others may go by gRPC."""
    said = {"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "http/protobuf"}
    with collecting() as collector, serving(tmp_path, model_file(tmp_path), **tracing(collector) | said) as server:
        assert server.http.post("/api/v1/score", json=LEAD, headers=CALLER).status_code == 200
        assert eventually(lambda: len(collector.of(TRACE)) == 2)


def test_nothing_of_a_lead_is_told(local: tuple[Server, Collector]) -> None:
    """Neither of one that was scored nor of one that was refused, whose fault is told to its client alone."""
    server, collector = local
    scored = server.http.post("/api/v1/score", json=lead(MARK), headers=CALLER)
    refused = server.http.post("/api/v1/score", json=LEAD | {MARK: MARK}, headers=CALLER)
    broken = server.http.post("/api/v1/score", content=MARK.encode(), headers=JSON | CALLER)
    assert [scored.status_code, refused.status_code, broken.status_code] == [200, 422, 400]
    assert MARK in refused.text
    assert eventually(lambda: len(collector.of(TRACE)) >= 6), collector.spans
    requests = [span for span in collector.of(TRACE) if span.kind == SERVER]
    assert [span.told.get("error.type") for span in requests] == [None, "ValidationError", "MalformedJson"]
    assert not any(span.failed for span in requests)  # they were answered as they should be
    assert not any(MARK.encode() in body for body in collector.bodies)


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


def test_spans_are_of_a_service_with_a_name(local: tuple[Server, Collector]) -> None:
    """A version and an environment, for whoever looks at several."""
    server, collector = local
    server.http.post("/api/v1/score", json=LEAD)
    assert eventually(lambda: bool(collector.spans))
    service = collector.spans[0].service
    assert service["service.name"] == "lead-scoring"
    assert service["deployment.environment.name"] == "production"
    assert service["service.version"]


def test_the_variables_of_opentelemetry_have_the_last_word(tmp_path: Path) -> None:
    """Another name, and what else is to stand with it; spans that are left are sent at the end."""
    with collecting() as collector:
        told = {"OTEL_SERVICE_NAME": "leads-eu", "OTEL_RESOURCE_ATTRIBUTES": "team=sales,service.version=7"}
        patient = {"OTEL_BSP_SCHEDULE_DELAY": "60000"}
        with serving(tmp_path, model_file(tmp_path), **tracing(collector) | told | patient) as server:
            server.http.post("/api/v1/score", json=LEAD)
            assert not collector.spans
        service = collector.spans[0].service
    assert (service["service.name"], service["team"], service["service.version"]) == ("leads-eu", "sales", "7")


def test_every_worker_tells(tmp_path: Path) -> None:
    """Also where there are several."""
    with (
        collecting() as collector,
        serving(tmp_path, model_file(tmp_path), **tracing(collector), WORKERS="2") as server,
    ):

        def both() -> bool:
            server.http.post("/api/v1/score", json=LEAD, headers={"Connection": "close"})
            return len({span.service["service.instance.id"] for span in collector.spans}) == 2

        assert eventually(both)


def test_a_collector_that_is_gone_costs_no_request(tmp_path: Path) -> None:
    """Leads are scored, and the service ends in its time."""
    with collecting() as gone:
        settings = tracing(gone)
    with serving(tmp_path, model_file(tmp_path), **settings) as server:
        answers = [server.http.post("/api/v1/score", json=LEAD) for _ in range(20)]
        assert {answer.status_code for answer in answers} == {200}
        assert server.stop() == 0


def test_scores_do_not_depend_on_traces(tmp_path: Path, local: tuple[Server, Collector]) -> None:
    """To the last bit."""
    asked = body([lead(f"lead-{place}") for place in range(100)] + [{"lead_id": "incomplete"}])
    with serving(tmp_path, tmp_path / "model.json") as server:
        plain, seen = (
            each.http.post("/api/v1/score/batch", content=asked, headers=JSON | {"X-Request-ID": "same"}).json()
            for each in (server, local[0])
        )
    assert plain == seen


def test_nothing_of_opentelemetry_is_imported_unless_asked_for(tmp_path: Path) -> None:
    """Even where its variables are set and its libraries installed."""
    program = (
        "import json, os, sys; import leadscoring.serving.server; from leadscoring.serving.wiring import create; from leadscoring.settings import read_settings; create(read_settings(os.environ));"
        "print(json.dumps([name for name in sys.modules if name.partition('.')[0] in ('opentelemetry', 'google')]))"
    )
    environ = os.environ | {
        "MODEL_PATH": str(model_file(tmp_path)),
        "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318",
    }
    for value, wanted in (("off", False), ("on", True)):
        ran = subprocess.run(
            [sys.executable, "-c", program], env=environ | {"OTEL_TRACES": value}, capture_output=True, text=True,
            check=True, timeout=DEADLINE,
        )  # fmt: skip
        assert bool(json.loads(ran.stdout.splitlines()[-1])) == wanted


def test_missing_libraries_are_told_with_what_to_install(tmp_path: Path) -> None:
    """Before anything is served."""
    hidden = tmp_path / "hidden" / "opentelemetry"
    hidden.mkdir(parents=True)
    (hidden / "__init__.py").touch()
    server = start(tmp_path, model_file(tmp_path), OTEL_TRACES="on", PYTHONPATH=str(hidden.parent))
    assert server.process.wait(DEADLINE) == 2
    assert "pip install 'leadscoring[otel]'" in server.logged()
    server.http.close()
