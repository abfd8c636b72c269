"""Each reason that is given is counted once, whichever way its lead came, over all workers and for one model."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from factories import LEAD, SMALL, body, card, lead, model_file
from prometheus_client.parser import text_string_to_metric_families
from serving import Server, serving

from leadscoring.contract.features import Contract, Feature
from leadscoring.lead import Scored
from leadscoring.model.card import Card
from leadscoring.model.file import open_model
from leadscoring.model.loaded import LoadedModel
from leadscoring.providers.local import Local
from leadscoring.quality.reason_counts import AREA, ReasonCounts, stamp_of
from leadscoring.scoring.answer import Asked
from leadscoring.scoring.scorer import Scorer
from leadscoring.scoring.served import Served
from leadscoring.telemetry.metrics import Spent
from leadscoring.telemetry.tally import Tally, make_file, written_out

Counted = dict[tuple[str, str], float]


def shown(exposition: str) -> Counted:
    """What was counted, by feature and direction."""
    return {
        (sample.labels["feature"], sample.labels["direction"]): sample.value
        for family in text_string_to_metric_families(exposition)
        for sample in family.samples
        if sample.name == "model_reasons_total"
    }


def text_of(counts: ReasonCounts) -> str:
    """What is shown."""
    return written_out([counts.series()]).decode()


def counted(counts: ReasonCounts) -> Counted:
    """The same without zeros."""
    return {key: value for key, value in shown(text_of(counts)).items() if value}


@pytest.fixture
def model(tmp_path: Path) -> LoadedModel:
    """The small model."""
    return open_model(model_file(tmp_path))


def test_a_lead_alone_and_a_batch_count_what_they_are_answered(model: LoadedModel) -> None:
    """As many of each feature and direction as the answers hold, and none where none was asked for."""
    counts = ReasonCounts(Tally((), area=AREA), model.card, stamp_of(model.card))
    scorer = Scorer(Served(model, Local(model.trees), model.trees.counting(counts.numbers)))

    async def ask(reasons: int) -> Counter[tuple[str, str]]:
        asked = Asked(reasons)
        answers: list[object] = [(await scorer.one(body(LEAD), asked, "id"))[0]]
        batch = body([lead(f"lead-{place}", revenue=place * 1e5) for place in range(70)])
        async for part in scorer.many(batch, 100, asked, "id", Spent()):
            answers += part
        scored = [each for each in answers if isinstance(each, Scored)]
        return Counter((reason.feature, reason.direction) for each in scored for reason in each.reasons or ())

    expected = asyncio.run(ask(3))
    assert asyncio.run(ask(0)) == Counter()
    assert counted(counts) == expected
    assert sum(expected.values()) == 3 * 71


def test_series_are_shown_at_zero() -> None:
    """Each feature of the contract with both directions: a rate must see the first."""
    found = shown(text_of(ReasonCounts(Tally((), area=AREA), card(), stamp_of(card()))))
    assert found == {(name, way): 0.0 for name in SMALL.names for way in ("increases", "decreases")}


def test_a_successor_goes_on_unless_it_has_another_model(tmp_path: Path) -> None:
    """Then it begins anew, and what the other model has counted is nowhere."""
    path = tmp_path / "metrics"
    make_file(path, (), 1, AREA)
    found = []
    for version in ("1", "1", "2", "2"):
        tally = Tally((), path, AREA)
        made = card(version=version)
        counts = ReasonCounts(tally, made, stamp_of(made))
        counts.numbers[0] += 2.0
        counts.numbers[3] += 1.0
        found.append(counted(counts))
        tally.close()
    once = {("revenue", "increases"): 2.0, ("visits", "decreases"): 1.0}
    twice = {key: 2 * value for key, value in once.items()}
    assert found == [once, twice, once, twice]


def test_features_are_bounded_and_their_names_read_back() -> None:
    """The first two hundred count; quotes and any script stay what they are, in the version of the model too."""
    names = ("a 'b' {c} ü", *(f"x{place}" for place in range(300)))
    wide = Card("wide", 'a "b" \\ c\nd', Contract(tuple(Feature(name, "number") for name in names)))
    counts = ReasonCounts(Tally((), area=AREA), wide, stamp_of(wide))
    assert [name for name, _ in list(shown(text_of(counts)))[::2]] == list(names[:200])


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A service with two workers."""
    folder = tmp_path_factory.mktemp("reasons")
    with serving(folder, model_file(folder), WORKERS="2", DRIFT_METRICS="off", ENDPOINT_PROTOCOLS="v2") as running:
        yield running


@pytest.mark.integration
def test_metrics_show_the_reasons_that_clients_got(server: Server) -> None:
    """Of all workers, by the API and by the protocol of model servers, with drift counted or not."""
    expected: Counter[tuple[str, str]] = Counter()
    given: list[tuple[str, str]] = []
    for _ in range(10):
        answer = server.http.post("/api/v1/score?reasons=2", json=LEAD, headers={"Connection": "close"})
        given = [(reason["feature"], reason["direction"]) for reason in answer.json()["reasons"]]
        expected.update(given)
    tensors = [
        {"name": name, "shape": [1], "datatype": kind, "data": [value]}
        for (name, value), kind in zip(
            LEAD["features"].items(), ("FP64", "INT64", "FP64", "BOOL", "BYTES", "BYTES", "FP64"), strict=True
        )
    ]
    asked = {"inputs": tensors, "parameters": {"reasons": 2}}
    said = server.http.post("/v2/models/small/infer", json=asked)
    assert said.status_code == 200, said.text
    expected.update(given)
    found = {key: value for key, value in shown(server.http.get("/metrics").text).items() if value}
    assert found == expected
