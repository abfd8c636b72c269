"""Starts servers on one core, and loads them from the other."""

import json
import os
import random
import re
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SERVER_CORE, CLIENT_CORE = "0", "1"
KEY = "benchmark-key"
READY_SECONDS = 30
HERE = Path(__file__).parent


PORTS = range(15_000, 32_000)
"""Ports below the ephemeral range, so that a free port is not taken by an outgoing connection."""


def free_port() -> int:
    """Returns a free loopback port."""
    while True:
        port = random.choice(PORTS)  # so that concurrent runs hardly pick the same
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


@contextmanager
def running(command: list[str], path: str, environ: dict[str, str], port: int) -> Iterator[tuple[str, float, int]]:
    """Runs a server on one core; yields its address, the seconds until it answered ``path``, and its process id."""
    pinned = ["taskset", "-c", SERVER_CORE, *command]
    began = time.perf_counter()
    with Path(os.devnull).open("wb") as nowhere:
        process = subprocess.Popen(pinned, env=os.environ | environ, stdout=nowhere, stderr=nowhere)
    try:
        url = f"http://127.0.0.1:{port}"
        while not answers(url + path):
            if process.poll() is not None or time.perf_counter() - began > READY_SECONDS:
                raise RuntimeError(f"{command} did not answer {path}")
        yield url, time.perf_counter() - began, process.pid
    finally:
        process.terminate()
        process.wait(10)


def answers(url: str) -> bool:
    """Whether a server responds, with any status."""
    try:
        urllib.request.urlopen(url, timeout=1).close()
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False
    return True


@contextmanager
def service(model: Path, **environ: str) -> Iterator[tuple[str, float, int]]:
    """Runs our service by ``leadscoring serve``, with one worker; yields as ``running``."""
    port = free_port()
    settings = {"MODEL_PATH": str(model), "API_KEYS": KEY, "PORT": str(port), "HOST": "127.0.0.1", "WORKERS": "1"}
    settings["DRAIN_SECONDS"] = "0"
    command = [str(Path(sys.executable).parent / "leadscoring"), "serve"]
    with running(command, "/health/ready", settings | environ, port) as found:
        yield found


@contextmanager
def reference(name: str, **environ: str) -> Iterator[tuple[str, float, int]]:
    """Runs one of the applications in ``apps``, on the same uvicorn; yields as ``running``."""
    port = free_port()
    options = ["--host", "127.0.0.1", "--port", str(port), "--no-access-log", "--log-level", "warning"]
    command = [sys.executable, "-m", "uvicorn", "--app-dir", str(HERE / "apps"), f"{name}:app", *options]
    with running(command, "/", {"API_KEYS": KEY} | environ, port) as found:
        yield found


def post(url: str, body: bytes) -> bytes:
    """Sends one request with our key."""
    request = urllib.request.Request(url, body, {"Content-Type": "application/json", "X-API-Key": KEY})
    with urllib.request.urlopen(request, timeout=30) as answer:
        return bytes(answer.read())


def load(url: str, body: bytes, seconds: int = 3, connections: int = 16) -> float:
    """Returns the requests per second that a server sustains, measured by wrk from the other core."""
    script = Path("/tmp") / f"leadscoring-wrk-{os.getpid()}.lua"  # noqa: S108  # wrk reads its script from a file
    headers = {"Content-Type": "application/json", "X-API-Key": KEY}
    script.write_text(
        f"wrk.method = 'POST'\nwrk.body = {json.dumps(body.decode())}\n"
        + "".join(f"wrk.headers['{name}'] = '{value}'\n" for name, value in headers.items())
    )
    try:
        command = [
            "taskset",
            "-c",
            CLIENT_CORE,
            "wrk",
            "-t1",
            f"-c{connections}",
            f"-d{seconds}s",
            "-s",
            str(script),
            url,
        ]
        said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    finally:
        script.unlink()
    if "Non-2xx" in said or "Socket errors" in said:
        raise RuntimeError(f"not every request was answered:\n{said}")
    found = re.search(r"Requests/sec:\s+([\d.]+)", said)
    if found is None:
        raise RuntimeError(f"wrk said nothing of its rate:\n{said}")
    return float(found[1])


def proportional_memory(pid: int) -> float:
    """Returns the proportional set size of a process in MB."""
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    found = re.search(r"^Pss:\s+(\d+) kB", rollup, re.MULTILINE)
    if found is None:
        raise RuntimeError("the kernel tells no proportional set size")
    return int(found[1]) / 1024
