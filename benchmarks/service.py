"""A service that a benchmark starts, monitors and stops."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

import psutil

from benchmarks.open_loop import Load, Outcome, in_own_process
from benchmarks.servers import CLIENT_CORE, KEY, SERVER_CORE, free_port

ENDS_WITHIN = 60.0


class Service:
    """A service that this program has started on a free port."""

    def __init__(self, model: Path, port: int = 0, core: str | None = SERVER_CORE, **environ: str) -> None:
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        settings = {"MODEL_PATH": str(model), "API_KEYS": KEY, "PORT": str(self.port), "HOST": "127.0.0.1"}
        command = [str(Path(sys.executable).parent / "leadscoring"), "serve"]
        if core is not None:
            command = ["taskset", "-c", core, *command]
        with Path(os.devnull).open("wb") as nowhere:
            self.process = subprocess.Popen(
                command, env=os.environ | settings | environ, stdout=nowhere, stderr=nowhere
            )
        until(lambda: self.process.poll() is not None or status(self.url + "/health/ready") == 200)

    def memory(self) -> float:
        """Returns the resident memory in MB."""
        return float(psutil.Process(self.process.pid).memory_info().rss) / 1e6

    def workers(self) -> list[int]:
        """Returns the worker processes, without the helpers of multiprocessing."""
        return [
            child.pid
            for child in psutil.Process(self.process.pid).children()
            if child.status() != psutil.STATUS_ZOMBIE and "spawn_main" in " ".join(child.cmdline())
        ]

    def serving(self) -> int:
        """Returns the number of serving workers by ``/status``; 0 if there is no response."""
        try:
            with urllib.request.urlopen(self.url + "/status", timeout=5) as answer:
                return int(json.load(answer)["workers"]["serving"])
        except OSError:
            return 0

    def answering(self) -> set[int]:
        """Returns the ids of the processes that respond on a few new connections."""
        found = set()
        for _ in range(8):
            try:
                with urllib.request.urlopen(self.url + "/resources", timeout=5) as answer:
                    found.add(int(json.load(answer)["process"]["pid"]))
            except OSError:
                continue
        return found

    def stop(self) -> int:
        """Stops the service; returns its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(ENDS_WITHIN)


def status(url: str) -> int:
    """Returns the status of a URL; 0 if there is no response."""
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as answer:
        return answer.code
    except OSError:
        return 0


def scraped(url: str, name: str) -> float:
    """Returns the current value of a metric without labels; NaN if it is not available."""
    try:
        with urllib.request.urlopen(url + "/metrics", timeout=5) as answer:
            lines = answer.read().decode().splitlines()
    except OSError:
        return float("nan")
    return next((float(line.split()[1]) for line in lines if line.startswith(name + " ")), float("nan"))


def until(holds: Callable[[], bool], seconds: float = ENDS_WITHIN) -> float:
    """Polls until a condition holds; returns the seconds that it took."""
    began = time.monotonic()
    while not holds():
        if time.monotonic() - began > seconds:
            return float("inf")
        time.sleep(0.02)  # between two polls of a condition with a deadline
    return time.monotonic() - began


def run(load: Load) -> Outcome:
    """Runs a load on the core of the clients; returns the outcome."""
    with in_own_process(load, int(CLIENT_CORE)) as running:
        return running.result()
