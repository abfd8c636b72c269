"""The longer way of a request: for browsers, old clients, unusual methods, and paths that are none."""

import gzip
import json
from collections.abc import Iterator

import pytest
from asking import asking
from factories import LEAD, lead, model_file
from serving import KEY, Server, serving
from wire import wired

from leadscoring.api.framework import failed
from leadscoring.errors import MissingKey

pytestmark = pytest.mark.integration

LINES = "application/x-ndjson"
BATCH = "/api/v1/score/batch"
OLD = f"POST {BATCH} HTTP/1.0\r\nHost: x\r\nX-API-Key: {KEY}\r\nContent-Type: {LINES}\r\n"


def lines(leads: int) -> bytes:
    """So many leads, one a line."""
    return b"".join(json.dumps(lead(f"lead-{place}")).encode() + b"\n" for place in range(leads))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A service that takes small batches."""
    folder = tmp_path_factory.mktemp("framework")
    with serving(folder, model_file(folder), MAX_BATCH_SIZE="10") as running:
        yield running


def test_pages_and_old_clients_get_an_answer_in_lines_too(server: Server) -> None:
    """Through CORS; and in one piece for HTTP/1.0, which knows no parts."""
    headers = {"Content-Type": LINES, "Origin": "https://crm.example.com"}
    answer = server.http.post(BATCH, content=lines(300), headers=headers)
    assert answer.headers["access-control-allow-origin"] == "*"
    assert sum("score" in json.loads(line) for line in answer.text.splitlines()) == 300
    sent = lines(10)  # as many as an array may hold
    with wired(server) as wire:
        wire.send(f"{OLD}Content-Length: {len(sent)}\r\n\r\n".encode() + sent)
        old = wire.answer()
    assert old is not None
    assert "transfer-encoding" not in old.headers
    assert len(old.body.splitlines()) == 10


def test_an_old_client_gets_no_more_than_an_array_may_hold(server: Server) -> None:
    """Its answer is in memory as a whole: a thousand times as large as these lines in gzip."""
    packed = gzip.compress(b"{}\n" * 100_000)
    with wired(server) as wire:
        wire.send(f"{OLD}Content-Encoding: gzip\r\nContent-Length: {len(packed)}\r\n\r\n".encode() + packed)
        old = wire.answer()
    assert old is not None
    assert old.status == 400
    assert b"batch_too_large" in old.body


def test_a_browser_of_any_origin_gets_the_same_answer_with_cors(server: Server) -> None:
    """The way through the framework and the straight one agree."""
    plain = server.http.post("/api/v1/score", json=LEAD)
    browser = server.http.post("/api/v1/score", json=LEAD, headers={"Origin": "https://crm.example.com"})
    assert browser.headers["access-control-allow-origin"] == "*"
    assert {**browser.json(), "request_id": ""} == {**plain.json(), "request_id": ""}
    preflight = server.http.options(
        "/api/v1/score",
        headers={
            "Origin": "https://crm.example.com",
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "content-type,x-api-key",
        },
    )
    assert preflight.status_code == 200
    refusal = server.http.post("/api/v1/score", json=lead(revenue=-1), headers={"Origin": "https://crm.example.com"})
    assert (refusal.status_code, refusal.json()["code"]) == (422, "invalid_lead")
    assert refusal.headers["access-control-allow-origin"] == "*"


@pytest.mark.parametrize("path", ["/nothing", "/api/v1/score/", "/api/v2/score", "/%00", "/docs/../x"])
def test_a_path_that_is_none_is_a_problem_too(server: Server, path: str) -> None:
    """404 in the one shape."""
    answer = server.http.get(path)
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert answer.json()["request_id"] == answer.headers["x-request-id"]


def test_a_method_that_a_path_does_not_take_is_a_problem_too(server: Server) -> None:
    """405 says which it takes."""
    answer = server.http.get("/api/v1/score")
    assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed")
    assert answer.headers["allow"] == "POST"
    assert server.http.head("/health").status_code == 200


def test_an_error_that_nobody_expected_is_a_problem_and_a_log_entry_with_its_traceback(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The client gets nothing of it but the id by which the log has it; one that was expected is not logged."""
    asked = asking()
    reply = failed(ZeroDivisionError("secret"), asked)
    assert (reply.status, asked.error) == (500, "ZeroDivisionError")
    assert b"secret" not in reply.body
    assert json.loads(reply.body)["request_id"] == "r1"
    (record,) = caplog.records
    assert record.exc_info
    assert (failed(MissingKey(), asked).status, asked.error, len(caplog.records)) == (401, "MissingKey", 1)
