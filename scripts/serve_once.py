"""Says whether the installed package serves: starts it somewhere else than the sources, and scores one lead.

What ``make wheel-test`` and cibuildwheel run with the Python of the environment that a wheel was installed into. It
needs nothing beside that wheel.
"""

import argparse
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

import leadscoring

KEY = "only-for-this-once"
DEADLINE = 60


def main() -> None:
    """Runs the three checks; ends with 1 and a sentence at the first that fails."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=Path, required=True, help="a model, which the package does not hold")
    parser.add_argument("--lead", type=Path, required=True, help="a lead of that model, as a request has it")
    given = parser.parse_args()
    model, lead = given.model.resolve(strict=True), given.lead.read_bytes()
    is_installed()
    with tempfile.TemporaryDirectory() as elsewhere:
        says_what_is_missing(Path(elsewhere))
        answer = serve(Path(elsewhere), model, lead)
    print(f"ok: {leadscoring.__file__} serves: tier {answer['score']['tier']}")


def is_installed() -> None:
    """The package is that of this environment, engine and all, and not a checkout beside it."""
    home = Path(leadscoring.__file__).resolve()
    if not home.is_relative_to(Path(sys.prefix).resolve()):
        sys.exit(f"serve_once: the package must be installed in {sys.prefix}, not be that of {home.parent}")


def command() -> list[str]:
    """The service as its users start it."""
    return [str(Path(sys.executable).parent / "leadscoring"), "serve"]


def says_what_is_missing(folder: Path) -> None:
    """Without a model its start ends with 2 and says which setting names one."""
    ran = subprocess.run(command(), cwd=folder, capture_output=True, text=True, check=False, timeout=DEADLINE)
    if ran.returncode != 2 or "MODEL_PATH" not in ran.stderr or "Traceback" in ran.stderr:
        sys.exit(f"serve_once: a start without a model must end with 2 and name MODEL_PATH, not {ran}")


def serve(folder: Path, model: Path, lead: bytes) -> dict[str, dict[str, object]]:
    """The answer of a service to a lead; it has ended well when this returns."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    settings = {"MODEL_PATH": str(model), "HOST": "127.0.0.1", "PORT": str(port), "API_KEYS": KEY, "WORKERS": "1"}
    log = folder / "log"
    with log.open("wb") as out:
        given = os.environ | settings | {"DRAIN_SECONDS": "0"}
        service = subprocess.Popen(command(), cwd=folder, env=given, stdout=out, stderr=subprocess.STDOUT)
    try:
        answer = score(f"http://127.0.0.1:{port}/api/v1/score", lead, service)
        service.send_signal(signal.SIGTERM)
        if service.wait(DEADLINE) != 0:
            sys.exit(f"serve_once: told to end, it ended with {service.returncode}\n{log.read_text()}")
        return answer
    except OSError as failure:
        sys.exit(f"serve_once: {failure}\n{log.read_text()}")
    finally:
        service.kill()
        service.wait()


def score(url: str, lead: bytes, service: "subprocess.Popen[bytes]") -> dict[str, dict[str, object]]:
    """What is answered as soon as somebody answers; raises ``OSError`` when nobody does in time."""
    request = urllib.request.Request(url, lead, {"Content-Type": "application/json", "X-API-Key": KEY})  # noqa: S310  # our own server
    deadline = time.monotonic() + DEADLINE
    while True:
        try:
            with urllib.request.urlopen(request, timeout=DEADLINE) as answer:  # noqa: S310  # the same
                return dict(json.load(answer))
        except urllib.error.HTTPError:
            raise
        except OSError:
            if service.poll() is not None or time.monotonic() > deadline:
                raise
            time.sleep(0.05)


if __name__ == "__main__":
    main()
