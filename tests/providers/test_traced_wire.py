"""A call that is traced arrives as any other, and whoever is called hears of the trace."""

import asyncio
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from endpoint_double import API_KEY, Double, doubling
from opentelemetry import trace
from serving import free_port

from leadscoring.errors import EndpointUnreachable
from leadscoring.providers.traced_wire import TracedWire
from leadscoring.providers.wire import Response
from leadscoring.telemetry.tracing import caller, within

HEADERS = {"Content-Type": "application/json", "Authorization": f"Bearer {API_KEY}"}
BODY = b'{"data":[[1,2,3,1,1,1,0.5]]}'
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
ASKED = {"traceparent": f"00-{TRACE}-00f067aa0ba902b7-01", "tracestate": "vendor=1"}


@pytest.fixture(scope="module")
def double(model: Path) -> Iterator[Double]:
    """One double for all tests here."""
    with doubling(model) as opened:
        yield opened


def posted(url: str, asked: Mapping[str, str]) -> Response:
    """The answer to a call within the trace that a request asked for."""

    async def call() -> Response:
        wire = TracedWire("azure", url)
        wire.open()
        try:
            with within(trace.get_current_span(caller(asked))):
                return await wire.post(BODY, HEADERS, 1000)
        finally:
            await wire.close()

    return asyncio.run(call())


def test_whoever_is_called_belongs_to_the_trace_of_the_request(double: Double) -> None:
    """By the headers of W3C, beside those that were sent; the body is as it was."""
    assert posted(double.azure_url, ASKED | {"baggage": "lead=1"}).status == 200
    heard = double.last.headers
    assert heard["traceparent"].split("-")[1] == TRACE
    assert heard["tracestate"] == "vendor=1"
    assert heard["authorization"] == HEADERS["Authorization"]
    assert "baggage" not in heard
    assert double.last.body == BODY


def test_without_a_trace_nothing_is_added(double: Double) -> None:
    """Where nobody records one."""
    assert posted(double.azure_url, {}).status == 200
    assert "traceparent" not in double.last.headers


def test_a_status_that_failed_is_an_answer_all_the_same(double: Double) -> None:
    """What it means is for the provider to say."""
    assert posted(f"{double.azure_url}/nowhere", ASKED).status >= 400


def test_a_call_that_does_not_arrive_fails_as_without_a_trace() -> None:
    """In the error of the wire."""
    with pytest.raises(EndpointUnreachable):
        posted(f"http://127.0.0.1:{free_port()}/score", ASKED)
