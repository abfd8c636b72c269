"""A year of a sales team through the real service: every lead scored, scored again each night, won and lost by HTTP.

The service is a process of its own with a ledger, and its clock follows the events. What it answers is kept beside what
the generator knows, so that what it says of the year can be checked.
"""

import hashlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from datetime import time as time_of_day
from itertools import groupby
from pathlib import Path
from typing import Any

import httpx
import msgspec

from benchmarks.servers import KEY, free_port
from benchmarks.simulated_clock import SimulatedClock
from leadscoring.demo.live import START, Event

MOST = 1000
"""Leads and outcomes of one request (MAX_BATCH_SIZE)."""

LAST = time_of_day(23, 59, 59)
"""When the outcomes of a day are reported."""

DEADLINE = 180.0


class Lead(msgspec.Struct):
    """What is known of a lead: its first score, as it was answered, its truth, and its outcomes, as they were sent."""

    lead_id: str
    features: dict[str, Any]
    true_probability: float
    scored_at: datetime
    probability: float
    tier: str
    scores: int = 1
    outcomes: list[tuple[datetime, str]] = []

    def kind(self, before: datetime) -> tuple[datetime | None, str]:
        """Returns the outcome that counts at a moment, and when it occurred; ``open`` without one."""
        known = [one for one in self.outcomes if one[0] < before]
        return known[-1] if known and known[-1][1] != "open" else (None, "open")


class Service:
    """A service that runs, with what was sent to it; ``leads`` are by their id."""

    def __init__(self, folder: Path, url: str, environ: dict[str, str], clock: SimulatedClock) -> None:
        self.folder, self.url, self.environ, self.clock = folder, url, environ, clock
        self.http = httpx.Client(base_url=url, headers={"X-API-Key": KEY}, timeout=60)
        self.leads: dict[str, Lead] = {}
        self.scored = self.sent = 0

    def live_through(self, events: Iterable[Event]) -> None:
        """Sends events: scores at their time, those of one moment together, and the outcomes of a day at its end."""
        for day, of_day in groupby(events, key=lambda one: one.at.date()):
            every = list(of_day)
            for at, together in groupby((one for one in every if one.name == "scored"), key=lambda one: one.at):
                self.clock.set(at)
                self._each(self._score, list(together))
            self.clock.set(datetime.combine(day, LAST, UTC))
            self._each(self._report, [one for one in every if one.name == "outcome"])

    def _each(self, send: Callable[[list[Event]], None], events: list[Event]) -> None:
        for begin in range(0, len(events), MOST):
            send(events[begin : begin + MOST])

    def _score(self, events: list[Event]) -> None:
        sent = [{"lead_id": one.fields["lead_id"], "features": one.fields["features"]} for one in events]
        for event, answer in zip(events, self.post("/api/v1/score/batch?reasons=0", sent), strict=True):
            self.scored += 1
            if (known := self.leads.get(event.fields["lead_id"])) is not None:
                known.scores += 1
                continue
            score = answer["score"]
            self.leads[event.fields["lead_id"]] = Lead(
                **event.fields, scored_at=event.at, probability=score["raw_score"], tier=score["tier"]
            )

    def _report(self, events: list[Event]) -> None:
        sent = [event.plain() for event in events]
        for event, one in zip(events, sent, strict=True):
            del one["event"]
            self.leads[one["lead_id"]].outcomes.append((event.at, event.fields["outcome"]))
        for place in self.post("/api/v1/outcomes", sent):
            assert place["status"] == "recorded", place
            self.sent += 1

    def post(self, path: str, body: Any) -> Any:
        """Sends a request that must succeed; returns its answer."""
        answer = self.http.post(path, content=msgspec.json.encode(body), headers={"Content-Type": "application/json"})
        assert answer.status_code == 200, f"{path}: {answer.status_code} {answer.text[:500]}"
        return msgspec.json.decode(answer.content)

    def get(self, path: str) -> Any:
        """Returns the answer to a request that must succeed."""
        answer = self.http.get(path)
        assert answer.status_code == 200, f"{path}: {answer.status_code} {answer.text[:500]}"
        return answer.json()

    def wait_until_kept(self) -> None:
        """Waits until every score is in the ledger."""
        wait(lambda: self.get("/status")["ledger"]["moved"] >= self.scored, "the keeper moves every score")

    def run(self, *command: str) -> str:
        """Returns what a command prints that must succeed, in the environment and at the time of the service."""
        program = [str(Path(sys.executable).parent / "leadscoring"), *command]
        done = subprocess.run(program, env=self.environ, capture_output=True, text=True, check=False, timeout=600)
        assert done.returncode == 0, f"{command} ended with {done.returncode}: {done.stdout}{done.stderr}"
        return done.stdout

    def quality(self, day: int) -> Any:
        """Returns the live quality at the start of a day of the year, by the command."""
        return json.loads(self.run("quality", "--json", "--at", (START + timedelta(days=day)).date().isoformat()))


def wait(holds: Callable[[], bool], words: str) -> None:
    """Waits until something holds. Raises ``AssertionError`` if it never does."""
    deadline = time.monotonic() + DEADLINE
    while not holds():
        assert time.monotonic() < deadline, f"not within {DEADLINE:.0f} s: {words}"
        time.sleep(0.05)


def key_file(folder: Path) -> Path:
    """Writes the file with the key, which may do everything."""
    sha256, scopes = hashlib.sha256(KEY.encode()).hexdigest(), ["score", "outcomes", "admin"]
    path = folder / "keys.json"
    path.write_text(json.dumps([{"sha256": sha256, "label": "crm", "scopes": scopes}]))
    path.chmod(0o600)
    return path


@contextmanager
def serving_a_year(folder: Path, model: Path, **environ: str) -> Iterator[Service]:
    """Runs the service with a ledger in a folder, at the start of the year of the generator."""
    clock, port = SimulatedClock(folder), free_port()
    clock.set(START)
    settings = {
        "MODEL_PATH": str(model),
        "API_KEYS": "",
        "API_KEYS_FILE": str(key_file(folder)),
        "PORT": str(port),
        "HOST": "127.0.0.1",
        "WORKERS": "1",
        "LOG_LEVEL": "WARNING",
        "DRAIN_SECONDS": "0",
        "LEDGER": f"sqlite:///{folder}/ledger.db",
        "LEDGER_KEY_FILE": str(folder / "ledger.key"),
        "LEDGER_TAPE_PATH": str(folder / "tape"),
    }
    every = os.environ | settings | clock.environ | environ
    log = folder / "service.log"
    with log.open("wb") as out:
        command = [str(Path(sys.executable).parent / "leadscoring"), "serve"]
        process = subprocess.Popen(command, env=every, stdout=out, stderr=subprocess.STDOUT)
    service = Service(folder, f"http://127.0.0.1:{port}", every, clock)

    def ready() -> bool:
        assert process.poll() is None, log.read_text()
        try:
            return service.http.get("/health/ready").status_code == 200
        except httpx.TransportError:
            return False

    try:
        wait(ready, "the service is ready")
        yield service
    finally:
        service.http.close()
        process.terminate()
        process.wait(DEADLINE)
