"""Two models are swapped thousands of times under load: no answer mixes them, and nothing is counted for the other."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest
from drift_reference import REFERENCE
from factories import LEAD, SMALL, body, booster, card, lead, stock_margins
from msgspec.structs import replace
from project import ROOT
from prometheus_client.parser import text_string_to_metric_families
from serving import KEY, Server, eventually, free_port, serving, wait_until_ready

from leadscoring.contract.features import Contract
from leadscoring.model.calibration import Calibration
from leadscoring.model.card import ATTRIBUTE, GoldenRow, Tiers

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]

CLIENTS = 2
ROUNDS = 8
"""Rounds of all requests that each client makes at least; they go on until the models were swapped often enough."""

SECONDS = 300
"""How long a busy machine may take for that."""

LATENCY = re.compile(rb'"timing":\{"latency_ms":[0-9.e-]+\}')
"""What differs between two answers to the same lead by the same model."""

Counts = Counter[tuple[str, ...]]


class Asks(NamedTuple):
    """One request; where its answer scores leads, ``scores`` how many."""

    path: str
    content: bytes = b""
    content_type: str = "application/json"
    accept: str = "*/*"
    scores: int = 0

    def answer(self, http: httpx.Client) -> tuple[int, bytes]:
        """Status and body, without what the clock says."""
        headers = {"Content-Type": self.content_type, "Accept": self.accept, "X-Request-ID": "the-same"}
        method = "POST" if self.content else "GET"
        answer = http.request(method, self.path, content=self.content or None, headers=headers)
        return answer.status_code, LATENCY.sub(b'"timing":null', answer.content)


def leads(many: int) -> list[dict[str, Any]]:
    """Different leads; what is unknown to one model, or not allowed, is known to the other."""
    sources = ("web", "event", "unknown", "fair")
    return [
        lead(f"lead-{place}", revenue=place * 7e3, visits=place % 9, source=sources[place % 4]) for place in range(many)
    ]


ROWS = b"".join(b"%d,%d,0.35,1,1,0,0.4\n" % (5000 * place, place % 7) for place in range(300))
TENSORS = [
    {"name": name, "shape": [1], "datatype": kind, "data": [value]}
    for (name, value), kind in zip(
        LEAD["features"].items(), ("FP64", "INT64", "FP64", "BOOL", "BYTES", "BYTES", "FP64"), strict=True
    )
]
OUTPUTS = [{"name": name} for name in ("probability", "margin", "tier", "reasons", "warnings")]
SINGLE = "/api/v1/score"
BATCH = "/api/v1/score/batch"

REQUESTS = {
    "single": Asks(SINGLE, body(LEAD), scores=1),
    "details": Asks(SINGLE + "?include_details=true&reasons=2", body(lead(source="unknown")), scores=1),
    "no reasons": Asks(SINGLE + "?reasons=0", body(LEAD), scores=1),
    "allowed by one": Asks(SINGLE, body(lead(revenue=5))),
    "refused": Asks(SINGLE, body(lead(revenue=-1, more=2))),
    "batch": Asks(BATCH + "?include_details=1", body(leads(400)), scores=400),
    "long batch": Asks(BATCH + "?reasons=1", body(leads(900)), scores=900),
    "lines": Asks(BATCH, b"\n".join(map(body, leads(300))), "application/x-ndjson", scores=300),
    "table": Asks(BATCH, b"\n".join(map(body, leads(300))), "application/x-ndjson", "text/csv", scores=300),
    "tensors": Asks("/v2/models/small/infer", body({"inputs": TENSORS, "outputs": OUTPUTS}), scores=1),
    "rows": Asks("/invocations", ROWS, "text/csv", scores=300),
    "leads": Asks("/invocations", body(leads(50)), scores=50),
    "info": Asks("/api/v1/model/info"),
    "features": Asks("/api/v1/model/features"),
    "importance": Asks("/api/v1/model/importance"),
    "service": Asks("/"),
    "metadata": Asks("/v2/models/small"),
    "document": Asks("/openapi.json"),
}


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Two models that take nearly the same leads and answer nothing alike."""
    folder = tmp_path_factory.mktemp("models")
    first = card(version="1.0.0", reference=REFERENCE)
    features = [
        replace(feature, minimum=10.0 if feature.name == "revenue" else feature.minimum, missing=())
        for feature in SMALL.features
    ]
    trees = booster(12, 3, seed=8)
    rows = [list(golden.row) for golden in first.golden]
    second = replace(
        first,
        version="2.0.0",
        contract=Contract(tuple(features)),
        calibration=Calibration((-4.0, 0.0, 4.0), (0.01, 0.3, 0.95), "isotonic"),
        tiers=Tiers((0.5, 0.3, 0.15, 0.05)),
        reference=replace(REFERENCE, quantiles=tuple((step / 100) ** 2 for step in range(101))),
        golden=tuple(
            GoldenRow(tuple(row), margin) for row, margin in zip(rows, stock_margins(rows, trees), strict=True)
        ),
    )
    made = []
    for of, by in ((booster(), first), (trees, second)):
        copy = of.copy()
        copy.set_attr(**{ATTRIBUTE: by.to_json()})
        made.append(folder / f"{by.version}.json")
        copy.save_model(made[-1])
    return made[0], made[1]


OF_A_MODEL = re.compile(r"\w+_bins_total{|model_reasons_total{").match


def counted(http: httpx.Client) -> Counts:
    """What was counted by model: bins and reasons, without zeros. Few lines are of these, and parsing is slow."""
    lines = [line for line in http.get("/metrics").text.splitlines() if OF_A_MODEL(line) and not line.endswith(" 0.0")]
    return Counter(
        {
            (sample.name, *sorted(sample.labels.values())): int(sample.value)
            for family in text_string_to_metric_families("".join(f"{line}\n" for line in lines))
            for sample in family.samples
        }
    )


class Alone(NamedTuple):
    """What one model answers to each request while nothing is swapped, and what it counts then."""

    answers: dict[str, tuple[int, bytes]]
    counts: dict[str, Counts]


def environ(folder: Path, lenient: str) -> dict[str, str]:
    """The settings of every service here."""
    return {
        "ENDPOINT_PROTOCOLS": "v2,sagemaker",
        "LOG_LEVEL": "ERROR",
        "LENIENT_CLIENTS": lenient,
        "TMPDIR": str(folder),
    }


def alone(folder: Path, model: Path, lenient: str) -> Alone:
    """A model by itself."""
    answers, counts = {}, {}
    with serving(folder, model, **environ(folder, lenient)) as server:
        before = counted(server.http)
        for name, asks in REQUESTS.items():
            answers[name] = asks.answer(server.http)
            after = counted(server.http)
            counts[name], before = after - before, after
    return Alone(answers, counts)


class Swapping(NamedTuple):
    """A service that swaps its models all the time."""

    server: Server
    expected: tuple[Alone, Alone]
    times: int

    def stop(self) -> int:
        """Stops the swapping, and returns how often there was one, once nothing is in use but the last."""
        self.server.process.send_signal(signal.SIGUSR1)
        said: list[int] = []

        def ended() -> bool:
            said[:] = [int(number) for number in re.findall(r"swapped (\d+) times", self.server.logged())]
            return bool(said)

        assert eventually(ended), self.server.logged()
        return said[0]


@pytest.fixture(scope="module", params=[("off", 2000), ("on", 200)], ids=["strict", "lenient"])
def swapping(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, models: tuple[Path, Path]
) -> Iterator[Swapping]:
    """A running service, and what its two models answer by themselves."""
    folder = tmp_path_factory.mktemp("swapping")
    lenient, times = request.param
    expected = alone(folder, models[0], lenient), alone(folder, models[1], lenient)
    port, log = free_port(), folder / "swapping.log"
    settings = {"MODEL_PATH": str(models[0]), "API_KEYS": KEY, "PORT": str(port), "HOST": "127.0.0.1", "WORKERS": "1"}
    command = [sys.executable, str(ROOT / "tests" / "support" / "swapping.py"), str(times), *map(str, models)]
    given = os.environ | settings | environ(folder, lenient) | {"DRAIN_SECONDS": "0"}
    with log.open("wb") as out:
        process = subprocess.Popen(command, env=given, stdout=out, stderr=subprocess.STDOUT)
    server = Server(process, port, log)
    try:
        wait_until_ready(server)
        yield Swapping(server, expected, times)
    finally:
        server.http.close()
        if process.poll() is None:
            server.stop()


def test_two_models_answer_nothing_alike(swapping: Swapping) -> None:
    """Otherwise an answer that mixes them would not be seen."""
    first, second = swapping.expected
    for name, asks in REQUESTS.items():
        assert first.answers[name] != second.answers[name] or name == "refused", name
        for one in (first, second):
            score = sum(count for key, count in one.counts[name].items() if key[0] == "model_score_bins_total")
            assert score == asks.scores or name == "allowed by one" or 0 < score < asks.scores, (name, score)
    assert {one.answers["allowed by one"][0] for one in (first, second)} == {200, 422}
    for one in (first, second):
        explained = json.loads(one.answers["details"][1])
        parts = explained["explanation"]
        shown = sum(reason["contribution"] for reason in explained["reasons"])
        assert parts["base_value"] + shown + parts["remainder"] == pytest.approx(parts["margin"], abs=1e-12)


def test_no_answer_mixes_two_models_and_all_is_counted_where_it_belongs(swapping: Swapping) -> None:
    """Every answer is one model's, bit by bit; what was counted for each is the sum of what it answered."""
    seen: Counter[tuple[str, int]] = Counter()
    wrong: list[tuple[str, bytes]] = []
    enough = threading.Event()

    def client() -> None:
        own: Counter[tuple[str, int]] = Counter()
        with httpx.Client(base_url=swapping.server.url, headers={"X-API-Key": KEY}, timeout=60) as http:
            rounds = 0
            while rounds < ROUNDS or not enough.is_set():
                rounds += 1
                for name, asks in REQUESTS.items():
                    answer = asks.answer(http)
                    of = [place for place, one in enumerate(swapping.expected) if one.answers[name] == answer]
                    if not of:
                        wrong.append((name, answer[1]))
                        return
                    own[name, of[0]] += 1
        seen.update(own)

    clients = [threading.Thread(target=client) for _ in range(CLIENTS)]
    for each in clients:
        each.start()
    often = eventually(lambda: "enough" in swapping.server.logged() or bool(wrong), SECONDS)
    enough.set()
    for each in clients:
        each.join()
    assert not wrong, wrong
    assert often
    assert swapping.stop() >= swapping.times
    for place in (0, 1):
        assert len([name for name in REQUESTS if seen[name, place]]) > len(REQUESTS) // 2
    expected: Counts = Counter()
    for (name, place), times in seen.items():
        for key, count in swapping.expected[place].counts[name].items():
            expected[key] += times * count
    assert counted(swapping.server.http) == expected
