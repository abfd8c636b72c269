"""Whoever writes a log line never waits for whoever reads it."""

import fcntl
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from factories import LEAD, model_file
from serving import DEADLINE, KEY, Server, eventually, free_port, start, wait_until_ready

from leadscoring.telemetry.output import Output
from leadscoring.telemetry.output import written as written_out


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


@pytest.mark.integration
def test_a_full_disk_for_logs_costs_lines_and_no_request(tmp_path: Path) -> None:
    """They are dropped and counted."""
    with full_log(tmp_path) as server:
        for _ in range(5):
            assert server.http.post("/api/v1/score", json=LEAD).status_code == 200
        assert eventually(lambda: dropped(server) >= 5)
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(DEADLINE) == 0


@contextmanager
def full_log(folder: Path) -> Iterator[Server]:
    """A service whose log goes to a disk that is full."""
    template = start(folder, folder / "none.json")  # for a free port and a client
    template.process.wait(DEADLINE)
    settings = {"MODEL_PATH": str(model_file(folder)), "API_KEYS": KEY, "PORT": str(template.port), "WORKERS": "1"}
    with Path("/dev/full").open("wb") as full:
        process = subprocess.Popen(
            [str(Path(sys.executable).parent / "leadscoring"), "serve"],
            env=os.environ | settings | {"HOST": "127.0.0.1", "DRAIN_SECONDS": "0"},
            stdout=full,
            stderr=subprocess.STDOUT,
        )
    server = Server(process, template.port, template.log)
    try:
        wait_until_ready(server)
        yield server
    finally:
        template.http.close()
        server.http.close()
        if process.poll() is None:
            server.stop()


def dropped(server: Server) -> float:
    """How many log lines were dropped."""
    lines = server.http.get("/metrics").text.splitlines()
    return next(float(line.split()[1]) for line in lines if line.startswith("log_lines_dropped_total"))
