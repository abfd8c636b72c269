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
    parser.add_argument("--lead", type=Path, required=True, help="a lead of the shipped model, as a request has it")
    lead = parser.parse_args().lead.read_bytes()
    is_installed()
    with tempfile.TemporaryDirectory() as elsewhere:
        says_what_is_missing(Path(elsewhere))
        names_the_extra(Path(elsewhere))
        answer = serve(Path(elsewhere), lead)
    print(f"ok: {leadscoring.__file__} serves: tier {answer['score']['tier']}")


def is_installed() -> None:
    """The package is that of this environment, engine and all, and not a checkout beside it."""
    home = Path(leadscoring.__file__).resolve()
    if not home.is_relative_to(Path(sys.prefix).resolve()):
        sys.exit(f"serve_once: the package must be installed in {sys.prefix}, not be that of {home.parent}")


def command(*words: str) -> list[str]:
    """The program as its users start it."""
    return [str(Path(sys.executable).parent / "leadscoring"), *words]


def says_what_is_missing(folder: Path) -> None:
    """With MODEL_PATH naming nothing its start ends with 2 and names that setting."""
    ran = run(folder, command("serve"), MODEL_PATH="none.json")
    if ran.returncode != 2 or "MODEL_PATH" not in ran.stderr or "Traceback" in ran.stderr:
        sys.exit(f"serve_once: a start without its model must end with 2 and name MODEL_PATH, not {ran}")


def names_the_extra(folder: Path) -> None:
    """Training without its libraries ends with 1 and the command that installs them."""
    (folder / "leads.csv").write_text("a,converted\n1,1\n", "utf-8")
    ran = run(folder, command("train", "leads.csv", "--target", "converted", "--out", "model.json"))
    if ran.returncode != 1 or "pip install 'leadscoring[train]'" not in ran.stderr or "Traceback" in ran.stderr:
        sys.exit(f"serve_once: train without its extra must end with 1 and name the extra, not {ran}")


def run(folder: Path, words: list[str], **environ: str) -> "subprocess.CompletedProcess[str]":
    """How a command ends, and what it prints."""
    given = os.environ | environ
    return subprocess.run(words, cwd=folder, env=given, capture_output=True, text=True, check=False, timeout=DEADLINE)


def serve(folder: Path, lead: bytes) -> dict[str, dict[str, object]]:
    """The answer of a service to a lead, by the model inside the package; it has ended well when this returns."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    settings = {"HOST": "127.0.0.1", "PORT": str(port), "API_KEYS": KEY, "WORKERS": "1"}
    log = folder / "log"
    with log.open("wb") as out:
        given = os.environ | settings | {"DRAIN_SECONDS": "0"}
        service = subprocess.Popen(command("serve"), cwd=folder, env=given, stdout=out, stderr=subprocess.STDOUT)
    try:
        answer = score(f"http://127.0.0.1:{port}/api/v1/score", lead, service)
        if "shipped model served" not in log.read_text():
            sys.exit(f"serve_once: its log must say which model it serves\n{log.read_text()}")
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
