"""A real server process over a socket, ended by the handle that started it."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import psutil
from benchmarks.servers import free_port

__all__ = ["free_port"]

KEY = "test-key"
DEADLINE = 60


class Server:
    """A running service, and a client that holds its key."""

    def __init__(self, process: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
        self.process = process
        self.port = port
        self.log = log
        self.url = f"http://127.0.0.1:{port}"
        self.http = httpx.Client(base_url=self.url, headers={"X-API-Key": KEY}, timeout=30)

    def logged(self) -> str:
        """What it has written so far."""
        return self.log.read_text()

    def stop(self) -> int:
        """Asks it to end, waits until it has, and gives its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(DEADLINE)


def start(folder: Path, model: Path, **environ: str) -> Server:
    """Starts ``leadscoring serve`` and does not wait."""
    given = environ.get("PORT", "")
    port = int(given) if given.isdigit() else free_port()
    settings = {"MODEL_PATH": str(model), "API_KEYS": KEY, "PORT": str(port), "HOST": "127.0.0.1", "WORKERS": "1"}
    settings["DRAIN_SECONDS"] = "0"
    log = folder / f"server-{port}.log"
    with log.open("wb") as out:
        command = [str(Path(sys.executable).parent / "leadscoring"), "serve"]
        process = subprocess.Popen(command, env=os.environ | settings | environ, stdout=out, stderr=subprocess.STDOUT)
    return Server(process, port, log)


def logged_lines(server: Server) -> list[dict[str, Any]]:
    """What a server has logged, a line each; the last one may be still in the writing."""
    whole, _, _ = server.logged().rpartition("\n")
    return [json.loads(line) for line in whole.splitlines()]


def events(server: Server, name: str) -> list[dict[str, Any]]:
    """Its lines about one kind of event, of every worker."""
    return [line for line in logged_lines(server) if line["event"] == name]


def ended(program: str, **environ: str) -> "subprocess.CompletedProcess[str]":
    """A program in Python that has ended by itself."""
    command = [sys.executable, "-c", program]
    return subprocess.run(
        command, env=os.environ | environ, capture_output=True, text=True, timeout=DEADLINE, check=False
    )


def children(pid: int) -> list[int]:
    """The processes that one has started and that live."""
    return [child.pid for child in psutil.Process(pid).children() if serves(child)]


def serves(process: psutil.Process) -> bool:
    """Whether a child is a worker, and not what multiprocessing keeps beside them."""
    try:
        return process.status() != psutil.STATUS_ZOMBIE and "spawn_main" in " ".join(process.cmdline())
    except psutil.NoSuchProcess:
        return False


def eventually(holds: Callable[[], bool], seconds: float = DEADLINE) -> bool:
    """Whether something becomes true in time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if holds():
            return True
        time.sleep(0.02)
    return False


@contextmanager
def serving(folder: Path, model: Path, **environ: str) -> Iterator[Server]:
    """A service that is ready, for as long as the context is open."""
    server = start(folder, model, **environ)
    try:
        wait_until_ready(server)
        yield server
    finally:
        server.http.close()
        if server.process.poll() is None:
            server.stop()


def wait_until_ready(server: Server) -> None:
    """Polls readiness until it is there; fails with the log when the process ends or time runs out."""
    deadline = time.monotonic() + DEADLINE
    while time.monotonic() < deadline:
        assert server.process.poll() is None, server.logged()
        try:
            if server.http.get("/health/ready").status_code == 200:
                return
        except httpx.TransportError:
            continue
    raise AssertionError(f"not ready within {DEADLINE} s:\n{server.logged()}")


def refuses(port: int) -> bool:
    """Whether nothing listens on a port."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


def status(server: Server) -> dict[str, Any]:
    """What ``/status`` says, over a connection of its own."""
    said: dict[str, Any] = httpx.get(server.url + "/status", timeout=30).json()
    return said


def kept(folder: Path) -> Path:
    """The copy of the model that the workers of a service in this folder share."""
    (found,) = folder.glob("leadscoring-*/model")
    return found
