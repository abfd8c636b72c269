"""One line for each request, which says what became of it and nothing of any lead."""

import asyncio
import json
import os
from pathlib import Path

import pytest
from factories import LEAD, body, lead, model_file
from serving import logged_lines, serving

from leadscoring.telemetry.access_log import AccessLog, Answered
from leadscoring.telemetry.events import EVENTS
from leadscoring.telemetry.output import Output

SECRET = "hidden-company"  # stands for what a lead may hold


def answered(status: int, path: str = "/x", leads: int = 0, error: str | None = None, **refused: int) -> Answered:
    """A request, as its line will tell it."""
    return Answered(0.0, "r1", "crm", "GET", path, status, 0.001, leads, error, refused)


def written(told: Answered, readable: bool = False, enabled: bool = True) -> str:
    """The line of a request."""
    reading, writing = os.pipe()

    async def write() -> None:
        log = AccessLog(output, readable, enabled)
        log.note(told)
        log.flush()

    output = Output(writing)
    asyncio.run(write())
    output.close()
    os.close(writing)
    with os.fdopen(reading) as file:
        return file.read()


def test_a_line_on_a_terminal_is_readable_and_cannot_steer_it() -> None:
    """Whatever path a client asks for."""
    said = written(answered(200, "/a\n\x1b[2Jb", leads=3, ValidationError=2), readable=True)
    assert said.endswith("200 GET  /a\\n\\x1b[2Jb  1.00 ms  3 leads  2 ValidationError  crm  r1\n")
    assert "ERROR 500" in written(answered(500, error="KeyError"), readable=True)


@pytest.mark.parametrize(("status", "level"), [(200, "INFO"), (404, "INFO"), (500, "ERROR"), (503, "WARNING")])
def test_only_our_own_failures_are_errors(status: int, level: str) -> None:
    """A service that says that it cannot take more does as it should."""
    assert json.loads(written(answered(status)))["level"] == level


@pytest.mark.parametrize(("status", "kept"), [(200, False), (499, False), (500, True), (503, True)])
def test_a_request_that_we_failed_is_always_written(status: int, kept: bool) -> None:
    """Whatever the level."""
    assert bool(written(answered(status), enabled=False)) is kept


def test_a_request_line_has_the_fields_of_the_table() -> None:
    """Some only when there is something to say."""
    line = json.loads(written(answered(200, error="E", E=1)))
    assert set(line) == {"timestamp", "level", "event", *EVENTS["request"].fields}


@pytest.mark.integration
def test_a_clients_mistakes_are_named_but_are_no_errors_of_ours(tmp_path: Path) -> None:
    """Nor is anything of the lead or the key told."""
    sent = lead(lead_id="", source=SECRET, revenue=SECRET, **{SECRET: SECRET})
    with serving(tmp_path, model_file(tmp_path)) as server:
        post = server.http.post
        assert post("/api/v1/score", json=sent, headers={"X-Request-ID": "one"}).status_code == 422
        mixed = [LEAD, sent, lead(revenue=-1), 7, lead(source=SECRET)]
        assert post("/api/v1/score/batch", json=mixed, headers={"X-Request-ID": "many"}).status_code == 200
        in_lines = {"X-Request-ID": "lines", "Content-Type": "application/jsonl"}
        assert post("/api/v1/score/batch", content=b"\n".join(map(body, mixed)), headers=in_lines).status_code == 200
        assert post(f"/api/v1/score?{SECRET}={SECRET}", json=LEAD, headers={"X-Request-ID": "query"}).status_code == 422
        assert post("/api/v1/score", content=SECRET, headers={"X-Request-ID": "text"}).status_code in (400, 415)
        assert post("/api/v1/score", json=LEAD, headers={"X-API-Key": SECRET}).status_code == 401
        assert server.stop() == 0
        told = logged_lines(server)
        assert SECRET not in server.logged()
    by_id = {line.get("request_id"): line for line in told}
    assert by_id["one"]["error"] == "ValidationError"
    for many in ("many", "lines"):
        assert by_id[many]["refused"] == {"ValidationError": 3}
        assert (by_id[many]["leads"], by_id[many]["status"]) == (5, 200)
    assert by_id["query"]["error"] == "InvalidParameter"
    assert by_id["text"]["error"] in ("MalformedJson", "UnsupportedMediaType")
    assert "ERROR" not in {line["level"] for line in told}


@pytest.mark.integration
def test_the_level_warning_silences_requests_and_nothing_that_matters(tmp_path: Path) -> None:
    """The demo key's warning stays."""
    with serving(tmp_path, model_file(tmp_path), LOG_LEVEL="WARNING", API_KEYS="demo-api-key-123") as server:
        server.http.get("/health")
        server.http.get("/nothing")
        assert server.stop() == 0
        told = logged_lines(server)
    assert [(line["level"], line["event"]) for line in told] == [("WARNING", "demo key accepted")]
