"""Benchmarks of the service over HTTP against alternatives: requests per second, startup time, memory."""

import json
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

import msgspec

from benchmarks.row import Row
from benchmarks.servers import load, post, proportional_memory, reference, service

TURNS = 8
QUERIES = ("", "?reasons=0")
BATCH = 1000


def rows(model: Path, lead: bytes) -> list[Row]:
    """Runs all benchmarks of the service, each against a reference measured in the same run."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as running:
        files = {query: answer_file(Path(folder), model, lead, query) for query in QUERIES}
        ours, _, pid = running.enter_context(service(model))
        bare = {query: running.enter_context(reference("bare", ANSWER=str(files[query])))[0] for query in QUERIES}
        usual = running.enter_context(reference("usual", MODEL_PATH=str(model)))[0] + "/api/v1/score"
        post(ours + "/api/v1/score/batch", batch_of(lead))
        addresses = [f"{ours}/api/v1/score{query}" for query in QUERIES] + [bare[query] + "/" for query in QUERIES]
        rates = best_rates([*addresses, usual], lead)
        found = [
            rate_row("5 reasons", rates[addresses[0]], "bare ASGI app", rates[addresses[2]], 0.35, 0.5),
            rate_row("no reasons", rates[addresses[1]], "bare ASGI app", rates[addresses[3]], 0.5, 0.65),
            rate_row("5 reasons", rates[addresses[0]], "FastAPI + pydantic + xgboost", rates[usual], 15.0),
            batch(ours, lead),
        ]
        memory = proportional_memory(pid)
    return [
        *found,
        start(model),
        Row("memory of one serving worker", f"{memory:.0f} MB", "", memory, 60.0, at_most=True),
    ]


def best_rates(addresses: list[str], lead: bytes) -> dict[str, float]:
    """Returns the best rate of each server over short alternating turns, since noise only decreases it."""
    best = dict.fromkeys(addresses, 0.0)
    for _ in range(TURNS):
        for address in addresses:
            best[address] = max(best[address], load(address, lead, seconds=1))
    return best


def rate_row(what: str, mine: float, against: str, theirs: float, bound: float, aim: float | None = None) -> Row:
    """Compares requests per second with those of another server."""
    told = f"{mine:,.0f}/s", f"{against} {theirs:,.0f}/s"
    return Row(f"requests/s, one lead, {what}", *told, mine / theirs, bound, aim=aim)


def answer_file(folder: Path, model: Path, lead: bytes, query: str) -> Path:
    """Returns the exact response of the service, for the bare application to send."""
    path = folder / f"answer{len(query)}"
    with service(model) as (ours, _, _):
        path.write_bytes(post(f"{ours}/api/v1/score{query}", lead))
    return path


def batch(ours: str, lead: bytes) -> Row:
    """Measures the time per lead in a batch of 1,000, relative to decoding that body with msgspec."""
    sent = batch_of(lead)
    mine = best_of(10, lambda: post(ours + "/api/v1/score/batch", sent)) / BATCH
    decode = msgspec.json.Decoder().decode
    theirs = best_of(20, lambda: decode(sent)) / BATCH
    told = f"{mine * 1e6:.1f} us", f"msgspec decoding it {theirs * 1e6:.1f} us"
    return Row("batch of 1,000 with 5 reasons, time a lead", *told, mine / theirs, 15.0, at_most=True)


def start(model: Path) -> Row:
    """Measures the seconds from the start of the process until it is ready."""
    seconds = []
    for _ in range(5):
        with service(model) as (_, took, _):
            seconds.append(took)
    return Row("from start of the process to ready", f"{min(seconds):.2f} s", "", min(seconds), 0.5, at_most=True)


def batch_of(lead: bytes) -> bytes:
    """Returns a thousand leads with distinct ids."""
    one = json.loads(lead)
    return json.dumps([one | {"lead_id": f"lead-{place}"} for place in range(BATCH)]).encode()


def best_of(times: int, work: object) -> float:
    """Returns the shortest time of several runs, in seconds."""
    assert callable(work)
    best = float("inf")
    for _ in range(times):
        began = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - began)
    return best
