"""Writes the answers of the service to the requests in docs/examples: part of ``make docs``."""

import json
import os
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "docs" / "examples"
PROGRAM = str(ROOT / ".venv" / "bin" / "leadscoring")
KEY = "key-of-the-examples"
START_SECONDS = 60


@contextmanager
def service(key: str = KEY) -> Iterator[str]:
    """Runs a service with the shipped model and one key until the context ends; yields its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    settings = {"HOST": "127.0.0.1", "PORT": str(port), "WORKERS": "1", "API_KEYS": key, "DRAIN_SECONDS": "0"}
    model = {"MODEL_PATH": str(ROOT / "models" / "model.json")}
    with subprocess.Popen([PROGRAM, "serve"], env=os.environ | settings | model, stdout=subprocess.DEVNULL) as process:
        try:
            wait_for(f"http://127.0.0.1:{port}/health/ready")
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()


def wait_for(url: str) -> None:
    """Waits until a URL responds; raises ``TimeoutError`` if it does not."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        try:
            urllib.request.urlopen(url, timeout=5).close()  # noqa: S310  # our own address
        except OSError:
            time.sleep(0.05)  # a refused connection fails immediately
        else:
            return
    raise TimeoutError(url)


def answer(url: str, request: Path) -> bytes:
    """Sends a request; returns the response. A fixed request id makes it reproducible."""
    path = "/api/v1/score/batch" if "batch" in request.name else "/api/v1/score"
    headers = {"X-API-Key": KEY, "X-Request-ID": "example", "Content-Type": "application/json"}
    asked = urllib.request.Request(url + path, request.read_bytes(), headers)  # noqa: S310  # our own address
    with urllib.request.urlopen(asked, timeout=30) as response:  # noqa: S310  # the same
        body: bytes = response.read()
    return body


def main() -> None:
    """Writes all answers."""
    with service() as url:
        for request in sorted(EXAMPLES.glob("*.json")):
            decoded = json.loads(answer(url, request))
            text = json.dumps(decoded, indent=2, ensure_ascii=False) + "\n"
            (EXAMPLES / "answers" / request.name).write_text(text, "utf-8")


if __name__ == "__main__":
    main()
