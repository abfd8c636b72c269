"""The service over HTTP against what else could answer: requests a second, start, memory."""

import json
import tempfile
import time
from pathlib import Path
from statistics import median

import msgspec

from benchmarks.row import Row
from benchmarks.servers import load, post, proportional_memory, reference, service

ROUNDS = 5
BATCH = 1000


def rows(model: Path, lead: bytes) -> list[Row]:
    """Every figure of the service, each against a reference measured in the same run."""
    with tempfile.TemporaryDirectory() as folder:
        answers = {query: answer_file(Path(folder), model, lead, query) for query in ("", "?reasons=0")}
        with service(model) as (ours, _, pid):
            post(ours + "/api/v1/score/batch", batch_of(lead))
            found = [against_bare(ours, lead, query, answers[query]) for query in answers]
            found.append(against_the_usual(ours, model, lead))
            found.append(batch(ours, lead))
            memory = proportional_memory(pid)
    return [
        *found,
        start(model),
        Row("memory of one serving worker", f"{memory:.0f} MB", "", memory, 60.0, at_most=True),
    ]


def answer_file(folder: Path, model: Path, lead: bytes, query: str) -> Path:
    """The very bytes that the service answers, for the bare application to send."""
    path = folder / f"answer{len(query)}"
    with service(model) as (ours, _, _):
        path.write_bytes(post(f"{ours}/api/v1/score{query}", lead))
    return path


def against_bare(ours: str, lead: bytes, query: str, answer: Path) -> Row:
    """Requests a second of one lead, against an application that does nothing."""
    with reference("bare", ANSWER=str(answer)) as (bare, _, _):
        pairs = [(load(f"{ours}/api/v1/score{query}", lead), load(bare + "/", lead)) for _ in range(ROUNDS)]
    ratio = median(mine / theirs for mine, theirs in pairs)  # of neighbours in time: the machine changes its pace
    mine, theirs = map(max, zip(*pairs, strict=True))
    what = "requests/s, one lead, no reasons" if query else "requests/s, one lead, 5 reasons"
    return Row(
        what,
        f"{mine:,.0f}/s",
        f"bare ASGI app {theirs:,.0f}/s",
        ratio,
        0.5 if query else 0.35,
        aim=0.65 if query else 0.5,
    )


def against_the_usual(ours: str, model: Path, lead: bytes) -> Row:
    """Requests a second of one lead with reasons, against FastAPI, pydantic and pred_contribs."""
    with reference("usual", MODEL_PATH=str(model)) as (usual, _, _):
        mine, theirs = load(ours + "/api/v1/score", lead), load(usual + "/api/v1/score", lead)
    return Row(
        "requests/s, one lead, 5 reasons",
        f"{mine:,.0f}/s",
        f"FastAPI + pydantic + xgboost {theirs:,.0f}/s",
        mine / theirs,
        15.0,
    )


def batch(ours: str, lead: bytes) -> Row:
    """Time a lead in a batch of 1,000, against msgspec only decoding that body."""
    sent = batch_of(lead)
    mine = best_of(10, lambda: post(ours + "/api/v1/score/batch", sent)) / BATCH
    decode = msgspec.json.Decoder().decode
    theirs = best_of(20, lambda: decode(sent)) / BATCH
    told = f"{mine * 1e6:.1f} us", f"msgspec decoding it {theirs * 1e6:.1f} us"
    return Row("batch of 1,000 with 5 reasons, time a lead", *told, mine / theirs, 15.0, at_most=True)


def start(model: Path) -> Row:
    """Seconds from the start of the process to ready."""
    seconds = []
    for _ in range(5):
        with service(model) as (_, took, _):
            seconds.append(took)
    return Row("from start of the process to ready", f"{min(seconds):.2f} s", "", min(seconds), 0.5, at_most=True)


def batch_of(lead: bytes) -> bytes:
    """A thousand leads, each with its own id."""
    one = json.loads(lead)
    return json.dumps([one | {"lead_id": f"lead-{place}"} for place in range(BATCH)]).encode()


def best_of(times: int, work: object) -> float:
    """The shortest time, in seconds, that some work takes."""
    assert callable(work)
    best = float("inf")
    for _ in range(times):
        began = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - began)
    return best
