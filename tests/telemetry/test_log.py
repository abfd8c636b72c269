"""Logs tell operators what they look for, in one shape, and nothing of any lead."""

import json
import logging
from pathlib import Path

import pytest
from factories import model_file
from serving import ended, logged_lines, serving

from leadscoring.errors import ModelNotFound, RequestError, ValidationError
from leadscoring.telemetry.log import Json, Readable, hush, in_words

SECRET = "hidden-company"  # stands for what a lead may hold


@pytest.mark.integration
def test_every_line_has_one_shape_from_the_start_to_the_end(tmp_path: Path) -> None:
    """Those of the server below us and of its supervisor too."""
    with serving(tmp_path, model_file(tmp_path), WORKERS="2") as server:
        server.http.get("/health", headers={"X-Request-ID": "asked"})
        assert server.stop() == 0
        told = logged_lines(server)
    assert all({"timestamp", "level", "event"} <= set(line) for line in told)
    assert {line["level"] for line in told} == {"INFO"}
    events = " ".join(line["event"] for line in told)
    for said in ("listening", "draining", "model loaded", "Finished server process"):
        assert said in events
    (request,) = [line for line in told if line.get("request_id") == "asked"]
    assert request["event"] == "request"
    assert (request["method"], request["path"], request["status"], request["leads"]) == ("GET", "/health", 200, 0)


FAILING = """
import asyncio, os, sys
from contextlib import ExitStack
from leadscoring.api.app import App
from leadscoring.transport.head import Head
from leadscoring.scoring.lifecycle import Lifecycle
from leadscoring.settings import read_settings
from leadscoring.serving.wiring import backlog_of, lifespan, open_service

async def fails(exchange):
    local = "hidden-company"
    try:
        float(local)
    except ValueError as failure:
        raise KeyError(local) from failure

async def lost():
    local = "hidden-company"
    raise ValueError(local)

async def main():
    with open_service(read_settings(os.environ), ["/boom"]) as service:
        life = Lifecycle()
        routes = {("GET", "/boom"): fails}
        app = App(service, routes, lifespan(life, ExitStack()), life, backlog_of(service), {"/boom": fails})
        sent = []
        async def send(message):
            sent.append(message)
        scope = {"type": "http", "method": "GET", "path": "/boom", "query_string": b""}
        scope |= {"http_version": "1.1", "headers": [(b"host", b"x")]}
        await app(scope, None, send)
        assert sent[0]["status"] == 500
        assert b"hidden" not in sent[1]["body"]
        if os.environ.get("AT_ONCE"):
            reply, _ = app.answer_at_once(Head("POST", "/boom", b"", {b"host": b"x"}, 0, 0), b"")
            assert (reply.status, b"hidden" in reply.body) == (500, False)
        loop = asyncio.get_running_loop()
        loop.call_soon(float, "hidden-company")
        task = loop.create_task(lost())
        await asyncio.sleep(0)
        del task

asyncio.run(main())
"""


def failing(model: Path, **environ: str) -> str:
    """What is logged when a handler fails with a lead in its hands."""
    ran = ended(FAILING, MODEL_PATH=str(model), **environ)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


@pytest.mark.parametrize("level", ["INFO", "ERROR"])
def test_a_failure_of_ours_says_where_but_not_with_what(tmp_path: Path, level: str) -> None:
    """Kinds and places of the exception and its cause; no message, no variable. The request's line is there too."""
    said = failing(model_file(tmp_path), LOG_LEVEL=level)
    assert SECRET not in said
    told = [json.loads(line) for line in said.splitlines()]
    failed, request = (next(line for line in told if line["event"] == name) for name in ("request failed", "request"))
    assert failed["level"] == request["level"] == "ERROR"
    assert (request["status"], request["error"]) == (500, "KeyError")
    assert request["request_id"] == failed["request_id"]
    assert failed["exception"].splitlines()[0] == "KeyError"
    assert "because of\nValueError" in failed["exception"]
    assert "in fails" in failed["exception"]
    assert {"Exception in callback float", "Task exception was never retrieved"} <= {line["event"] for line in told}


def test_a_failure_of_a_request_that_is_answered_at_once_is_told_the_same(tmp_path: Path) -> None:
    """With its status, its line and its exception."""
    told = [json.loads(line) for line in failing(model_file(tmp_path), AT_ONCE="yes").splitlines()]
    for event in ("request failed", "request"):
        by_parser, at_once = (line for line in told if line["event"] == event)
        changes = {"timestamp", "request_id", "duration_ms", "method", "exception"}
        assert {name: by_parser[name] for name in by_parser.keys() - changes} == {
            name: at_once[name] for name in at_once.keys() - changes
        }
    assert SECRET not in json.dumps(told)


def raised_in_words(failure: BaseException) -> str:
    """What a log line tells of an exception."""
    try:
        raise failure
    except type(failure) as raised:
        return in_words(raised)


def test_messages_that_hold_no_lead_are_told() -> None:
    """The system's, and our own of files and settings; never one that a request ended with."""
    assert raised_in_words(OSError(28, "No space left on device")).startswith("OSError: No space left on device\n")
    assert "model file 'm.json' cannot be read" in raised_in_words(ModelNotFound("m.json"))
    assert SECRET not in raised_in_words(ValidationError([], SECRET)) + raised_in_words(RequestError(SECRET))
    assert SECRET not in raised_in_words(OSError(SECRET))


def test_a_chain_of_exceptions_without_end_is_cut() -> None:
    """Two that blame each other."""
    first, second = ValueError(), TypeError()
    first.__cause__, second.__cause__ = second, first
    assert raised_in_words(first).count("because of") == 4


def record(event: str, name: str = "leadscoring", **more: object) -> logging.LogRecord:
    """One line of a logger; ``fields`` makes it an event of ours."""
    return logging.makeLogRecord({"name": name, "msg": event, "levelname": "WARNING", "levelno": 30, **more})


def test_an_event_has_its_fields_and_a_librarys_line_the_name_of_its_logger() -> None:
    """So that both can be looked for; what JSON does not know is written as Python shows it."""
    ours = json.loads(Json().format(record("draining", fields={"seconds": 3, "path": Path("a")})))
    assert (ours["level"], ours["event"], ours["seconds"], ours["path"]) == ("WARNING", "draining", 3, repr(Path("a")))
    assert "logger" not in ours
    theirs = json.loads(Json().format(record("Shutting down", "uvicorn.error")))
    assert (theirs["event"], theirs["logger"]) == ("Shutting down", "uvicorn.error")


def test_a_readable_line_shows_the_level_the_event_and_the_fields() -> None:
    """In the order in which they are looked at, on one line."""
    line = Readable().format(record("draining", fields={"seconds": 3}))
    assert line.split("  ")[1:] == ["WARNING", "draining", "seconds=3"]


def test_a_library_that_is_hushed_writes_warnings_alone() -> None:
    """Whatever LOG_LEVEL says: it would write requests with the tokens in them."""
    hush("tests.of.a.library")
    logger = logging.getLogger("tests.of.a.library")
    assert (logger.isEnabledFor(logging.INFO), logger.isEnabledFor(logging.WARNING)) == (False, True)
