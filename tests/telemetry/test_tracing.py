"""Traces: carried from the client to the remote model, told to a collector, and nothing at all unless asked for."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from collector import Collector, collecting
from endpoint_replies import fails
from factories import LEAD, body, lead, model_file
from serving import DEADLINE, Server, eventually, serving, start
from traces import CALLER, CLIENT, INTERNAL, SERVER, TRACE, WAYS, Traced, traced_locally, traced_remotely, tracing

pytestmark = pytest.mark.integration


JSON = {"Content-Type": "application/json"}
MARK = "a-text-of-this-lead-alone"


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
