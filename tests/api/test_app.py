"""Every request has an id, an answer, a count and a line in the log, whichever way it takes through the service."""

import json
import re
from collections.abc import Generator, Iterator
from typing import Any

import pytest
from factories import LEAD, SMALL, body, lead, model_file
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lead_strategies import leads
from serving import KEY, Server, serving
from wire import Answer, wired

from leadscoring.api.app import at_once
from leadscoring.transport.exchange import Reply

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One service for this file."""
    folder = tmp_path_factory.mktemp("serving")
    with serving(folder, model_file(folder), MAX_BODY_BYTES="8000") as running:
        yield running


def request(sent: bytes, *lines: str, query: str = "", key: str | None = KEY) -> bytes:
    """A plain request."""
    told = [f"POST /api/v1/score{query} HTTP/1.1", "Host: a", f"Content-Length: {len(sent)}", "X-Request-ID: mine"]
    told += [f"X-API-Key: {key}"] if key else []
    return "\r\n".join([*told, *lines, "", ""]).encode() + sent


def answer(server: Server, sent: bytes) -> Answer:
    """What is answered to some bytes."""
    with wired(server) as wire:
        wire.send(sent)
        found = wire.answer()
    assert found is not None
    return found


def compared(found: Answer) -> tuple[int, dict[str, str], Any]:
    """An answer without what time it was and how long it took."""
    headers = {name: value for name, value in found.headers.items() if name not in ("date", "server-timing")}
    assert "date" in found.headers
    said = json.loads(found.body)
    if "timing" in said:
        headers["content-length"] = ""
        assert said.pop("timing")["latency_ms"] > 0
        assert "server-timing" in found.headers
    return found.status, headers, said


def both_ways(server: Server, plain: bytes) -> Answer:
    """The answer to a plain request, which must be that to the same with a header that the parser alone takes."""
    head, _, sent = plain.partition(b"\r\n\r\n")
    unusual = head + b"\r\nX-Twice: a\r\nX-Twice: b\r\n\r\n" + sent
    found = answer(server, plain)
    assert compared(found) == compared(answer(server, unusual))
    return found


@given(
    sent=leads(SMALL),
    query=st.sampled_from(["", "?reasons=0", "?reasons=2&include_details=0", "?include_details=true"]),
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
def test_the_answer_is_the_same_by_either_way(server: Server, sent: dict[str, Any], query: str) -> None:
    """To the last bit, with the same headers."""
    assert both_ways(server, request(body(sent), query=query)).status == 200


REFUSED = {
    "no key": (request(body(LEAD), key=None), 401, "key_missing"),
    "an unknown key": (request(body(LEAD), key="other"), 401, "key_unknown"),
    "no JSON": (request(b"{"), 400, "malformed_json"),
    "nothing": (request(b""), 400, "malformed_json"),
    "a lead that is wrong": (request(body(lead(open_rate=2))), 422, "invalid_lead"),
    "another kind": (request(body(LEAD), "Content-Type: text/plain"), 415, "unsupported_media_type"),
    "packed": (request(body(LEAD), "Content-Encoding: br"), 415, "unsupported_encoding"),
    "too much": (request(body(lead("x" * 9000))), 413, "body_too_large"),
    "a query that is wrong": (request(body(LEAD), query="?reasons=many"), 422, "invalid_parameter"),
}


@pytest.mark.parametrize("given_name", REFUSED)
def test_what_is_wrong_is_told_the_same_by_either_way(server: Server, given_name: str) -> None:
    """With the same problem."""
    sent, status, code = REFUSED[given_name]
    found = both_ways(server, sent)
    assert (found.status, json.loads(found.body)["code"]) == (status, code)
    assert found.headers["x-request-id"] == "mine"


def test_requests_of_a_pipeline_are_answered_in_order(server: Server) -> None:
    """Plain ones, ones for the parser, and one that is cut in the middle of its body."""
    plain = [request(body(lead(f"p{place}"))) for place in range(8)]
    unusual = request(body(lead("u")), "X-A: 1", "X-A: 2")
    last = request(body(lead("last")))
    with wired(server) as wire:
        wire.send(b"".join([*plain, unusual, *plain, last[:-20]]))
        answers = [wire.answer() for _ in range(17)]
        wire.send(last[-20:])
        answers.append(wire.answer())
    told = [json.loads(found.body)["lead_id"] for found in answers if found]
    names = [f"p{place}" for place in range(8)]
    assert told == [*names, "u", *names, "last"]


def test_a_client_that_does_not_read_gets_all_answers_when_it_does(server: Server) -> None:
    """However many: the service holds the rest of what it sends back, and loses none."""
    many = 2000
    with wired(server) as wire:
        for start in range(0, many, 100):
            wire.send(b"".join(request(body(lead(f"p{start + place}"))) for place in range(100)))
        told = [found and json.loads(found.body)["lead_id"] for found in (wire.answer() for _ in range(many))]
    assert told == [f"p{place}" for place in range(many)]


def metric(server: Server, name: str) -> float:
    """The value of one series."""
    found = re.search(rf"^{re.escape(name)} (\S+)$", server.http.get("/metrics").text, re.MULTILINE)
    return float(found[1]) if found else 0.0


def test_each_is_counted_and_logged_as_any_other(server: Server) -> None:
    """With its status, its time and its key; none is left active."""
    counted = 'http_requests_total{endpoint="/api/v1/score",method="POST",status="200"}'
    timed = 'http_request_duration_seconds_count{endpoint="/api/v1/score",method="POST"}'
    before = metric(server, counted), metric(server, timed)
    both_ways(server, request(body(LEAD)))
    assert (metric(server, counted), metric(server, timed)) == (before[0] + 2, before[1] + 2)
    assert metric(server, "http_requests_active") == 1.0  # the one that asks
    with serving(server.log.parent, server.log.parent / "model.json") as other:
        both_ways(other, request(body(LEAD)))
        assert other.stop() == 0
        lines = [json.loads(line) for line in other.logged().splitlines() if '"event":"request"' in line]
    scored = [line for line in lines if line["path"] == "/api/v1/score"]
    assert len(scored) == 2
    for line in scored:
        del line["timestamp"], line["duration_ms"]
    assert scored[0] == scored[1]
    assert (scored[0]["request_id"], scored[0]["leads"], scored[0]["status"]) == ("mine", 1, 200)


def test_what_would_wait_is_no_answer_at_once() -> None:
    """It ends with an error that says so, and not with half an answer."""

    class Pending:
        """Something to wait for."""

        def __await__(self) -> Generator[None, None, None]:
            yield

    async def waits() -> Reply:
        await Pending()
        return Reply(200, b"")

    with pytest.raises(RuntimeError, match="waited for something"):
        at_once(waits())


def test_a_sane_request_id_is_kept_and_another_replaced(server: Server) -> None:
    """So that a caller finds its request in the log, and nobody writes into it."""
    answer = server.http.post("/api/v1/score", json=LEAD, headers={"X-Request-ID": "crm-42"})
    assert answer.headers["x-request-id"] == answer.json()["request_id"] == "crm-42"
    for odd in ("a b", "x" * 200, '"}{'):
        answer = server.http.post("/api/v1/score", json=LEAD, headers={"X-Request-ID": odd})
        assert answer.json()["request_id"] != odd


def test_the_log_has_one_line_a_request_and_nothing_of_the_lead(server: Server) -> None:
    """Who, what, how long, how many; an expected mistake of a client is no error of ours."""
    server.http.post(
        "/api/v1/score", json=lead("secret-lead", revenue=123456.75), headers={"X-Request-ID": "find-me-1"}
    )
    server.http.post(
        "/api/v1/score", json=lead("secret-lead", revenue=-123456.75), headers={"X-Request-ID": "find-me-2"}
    )
    lines = logged(server, "find-me-1") + logged(server, "find-me-2")
    assert [(line["status"], line["leads"], line["level"]) for line in lines] == [(200, 1, "INFO"), (422, 0, "INFO")]
    assert lines[1]["error"] == "ValidationError"
    assert all(len(line["key"]) == 8 and line["path"] == "/api/v1/score" for line in lines)
    assert not [word for word in ("123456.75", "secret-lead", KEY) if word in server.logged()]


def logged(server: Server, request_id: str) -> list[dict[str, Any]]:
    """The log lines of one request, as soon as they are written."""
    found: list[dict[str, Any]] = []
    while not found:
        assert server.http.get("/health").status_code == 200
        lines = [json.loads(line) for line in server.logged().splitlines() if line.startswith("{")]
        found = [line for line in lines if line.get("request_id") == request_id]
    return found


def test_metrics_count_leads_requests_and_refusals_by_route_and_never_by_what_was_sent(server: Server) -> None:
    """The names that dashboards and runbooks use."""
    server.http.post("/api/v1/score", json=LEAD)
    server.http.post("/api/v1/score/batch", json=[LEAD, lead(revenue=-1)])
    server.http.get("/made-up-path")
    said = server.http.get("/metrics").text
    for line in (
        'http_requests_total{endpoint="/api/v1/score",method="POST",status="200"}',
        'http_requests_total{endpoint="unknown",method="GET",status="404"}',
        'http_request_duration_seconds_bucket{endpoint="/api/v1/score",le="0.1",method="POST"}',
        "http_requests_active 1.0",
        'model_predictions_total{endpoint_provider="local",tier="',
        'model_prediction_latency_seconds_count{endpoint_provider="local"}',
        'model_prediction_errors_total{endpoint_provider="local",error_type="ValidationError"}',
        'model_prediction_raw_scores_count{endpoint_provider="local"}',
        'model_prediction_buckets_count{endpoint_provider="local"}',
        "model_batch_size_count",
    ):
        assert line in said
    assert "made-up-path" not in said
