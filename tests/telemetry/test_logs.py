"""Logs tell operators what they look for, in one shape, and nothing of any lead."""

import ast
import asyncio
import fcntl
import json
import os
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from factories import LEAD, body, lead, model_file
from serving import DEADLINE, KEY, Server, free_port, serving, wait_until_ready

import leadscoring
from leadscoring.errors import ModelNotFound, RequestError, ValidationError
from leadscoring.telemetry.access_log import AccessLog, Answered
from leadscoring.telemetry.events import EVENTS, events_markdown
from leadscoring.telemetry.log import in_words
from leadscoring.telemetry.output import Output
from leadscoring.telemetry.output import written as written_out

SECRET = "hidden-company"  # stands for what a lead may hold
SOURCES = sorted(Path(leadscoring.__file__).parent.rglob("*.py"))


def lines(server: Server) -> list[dict[str, Any]]:
    """What a server has logged."""
    return [json.loads(line) for line in server.logged().splitlines()]


@pytest.mark.integration
def test_every_line_has_one_shape_from_the_start_to_the_end(tmp_path: Path) -> None:
    """Those of the server below us and of its supervisor too."""
    with serving(tmp_path, model_file(tmp_path), WORKERS="2") as server:
        server.http.get("/health", headers={"X-Request-ID": "asked"})
        assert server.stop() == 0
        told = lines(server)
    assert all({"timestamp", "level", "event"} <= set(line) for line in told)
    assert {line["level"] for line in told} == {"INFO"}
    events = " ".join(line["event"] for line in told)
    for said in ("listening", "draining", "model loaded", "Finished server process"):
        assert said in events
    (request,) = [line for line in told if line.get("request_id") == "asked"]
    assert request["event"] == "request"
    assert (request["method"], request["path"], request["status"], request["leads"]) == ("GET", "/health", 200, 0)


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
        told = lines(server)
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
        told = lines(server)
    assert [(line["level"], line["event"]) for line in told] == [("WARNING", "demo key accepted")]


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
    wanted = os.environ | {"MODEL_PATH": str(model)} | environ
    ran = subprocess.run(
        [sys.executable, "-c", FAILING], env=wanted, capture_output=True, text=True, check=False, timeout=DEADLINE
    )
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


def read_all(descriptor: int) -> bytes:
    """What is in a pipe until its last writer closes it."""
    with os.fdopen(descriptor, "rb") as file:
        return file.read()


def test_a_reader_that_stalls_keeps_nobody_waiting() -> None:
    """What fits is kept for it, the rest is counted; when it reads again, every line that was kept is whole."""
    reading, writing = os.pipe()
    lost: list[float] = []
    output = Output(writing, lost.append, room=200_000)
    for number in range(3000):
        output.write(b"%099d\n" % number)
    output.flush(0.01)
    output.close()
    assert sum(lost) > 0
    kept: list[bytes] = []
    reader = threading.Thread(target=lambda: kept.append(read_all(reading)))
    reader.start()
    output.flush(DEADLINE)
    os.close(writing)
    reader.join(DEADLINE)
    lines = kept[0].splitlines()
    assert len(lines) + sum(lost) == 3000
    assert lines == sorted(set(lines))
    assert {len(line) for line in lines} == {99}


def test_lines_are_written_in_pieces_that_the_kernel_keeps_whole() -> None:
    """Whole lines, so that those of two workers are never mixed in one pipe."""
    near, far = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with near, far:
        assert (
            written_out(near.fileno(), b"x" * 3000 + b"\n" + b"y" * 3000 + b"\n" + b"z" * 5000 + b"\n" + b"a\n" * 9)
            == 0
        )
        pieces = [far.recv(65536) for _ in range(4)]
    assert [(piece[:1], len(piece)) for piece in pieces] == [(b"x", 3001), (b"y", 3001), (b"z", 5001), (b"a", 18)]


def test_a_pipe_that_another_program_made_impatient_is_waited_for() -> None:
    """Whoever shares it can do so; no line is lost for that."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    output, kept = Output(writing), list[bytes]()
    reader = threading.Thread(target=lambda: kept.append(read_all(reading)))
    for _ in range(100):
        output.write(b"x" * 9999 + b"\n")
    reader.start()
    output.flush(DEADLINE)
    os.close(writing)
    reader.join(DEADLINE)
    assert kept == [(b"x" * 9999 + b"\n") * 100]


@pytest.mark.integration
@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_service_whose_log_nobody_reads_serves_and_ends(tmp_path: Path, workers: str) -> None:
    """As when the reader of its pipe was stopped."""
    port = free_port()
    settings = {"MODEL_PATH": str(model_file(tmp_path)), "API_KEYS": KEY, "PORT": str(port), "WORKERS": workers}
    process = subprocess.Popen(
        [str(Path(sys.executable).parent / "leadscoring"), "serve"],
        env=os.environ | settings | {"HOST": "127.0.0.1", "DRAIN_SECONDS": "0"},
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None
    fcntl.fcntl(process.stdout, fcntl.F_SETPIPE_SZ, 4096)
    server = Server(process, port, tmp_path / "none.log")
    with process.stdout:
        wait_until_ready(server)
        for _ in range(50):
            path = "/" + "x" * 199
            assert server.http.get(path, headers={"X-Request-ID": "y" * 128}).status_code == 404
        assert server.http.post("/api/v1/score", json=LEAD).status_code == 200
        server.http.close()
        assert server.stop() == 0


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


def logged_calls() -> dict[str, tuple[str, set[str]]]:
    """Every event in the sources, with its level and fields."""
    found = {}
    for source in SOURCES:
        for node in ast.walk(ast.parse(source.read_text("utf-8"))):
            match node:
                case ast.Call(ast.Attribute(ast.Name("log"), level), [ast.Constant(str(event))], keywords):
                    found[event] = (level, {keyword.arg or "" for keyword in keywords})
    return found


def test_every_event_is_in_the_table_with_its_level_and_fields() -> None:
    """And the table has no other; the request line is made by itself."""
    found = logged_calls()
    assert set(found) | {"request"} == set(EVENTS)
    for event, (level, fields) in found.items():
        told = {"exception" if field == "exc_info" else field for field in fields}
        assert told | ({"exception"} if level == "exception" else set()) == set(EVENTS[event].fields), event
        assert EVENTS[event].level == ("ERROR" if level == "exception" else level.upper())


def test_a_request_line_has_the_fields_of_the_table() -> None:
    """Some only when there is something to say."""
    line = json.loads(written(answered(200, error="E", E=1)))
    assert set(line) == {"timestamp", "level", "event", *EVENTS["request"].fields}


def test_nothing_is_logged_past_the_table() -> None:
    """No print, no logger of another name."""
    for source in SOURCES:
        if "training" in source.parts or source.name == "log.py":
            continue
        for node in ast.walk(ast.parse(source.read_text("utf-8"))):
            match node:
                case ast.Call(ast.Name("print")) | ast.Call(
                    ast.Attribute(ast.Name("logging" | "warnings"), "getLogger" | "warning" | "error" | "info")
                ):
                    raise AssertionError(f"{source.name}:{node.lineno}")


def test_the_table_of_events_can_be_put_into_the_documentation() -> None:
    """A row each."""
    assert all(f"| `{name}` | {event.level} |" in events_markdown() for name, event in EVENTS.items())
