"""Each scored lead is counted once in one bin of every feature and of the score, whoever counts it."""

import multiprocessing
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from drift_reference import REFERENCE, base, bins_of, counting
from drift_worker import count_until_told
from factories import LEAD, SMALL, card
from grid import choice, choices
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import UNSET
from prometheus_client.parser import text_string_to_metric_families
from serving import DEADLINE

from leadscoring._engine import Rows
from leadscoring.contract.features import Contract, Feature
from leadscoring.model.card import Bins, Card, Reference
from leadscoring.model.loaded import encoder
from leadscoring.quality.drift import LABELS, baseline
from leadscoring.quality.drift_counts import AREA, DriftCounts
from leadscoring.telemetry.tally import Tally, make_file, written_out

CALIBRATION = card().calibration


def encoded(*leads: dict[str, Any]) -> Rows:
    """Leads as the service encodes them."""
    values = [tuple(each.get(name) for name in SMALL.names) for each in leads]
    return encoder(SMALL).encode(values)


def features(**changed: Any) -> dict[str, Any]:
    """The sound lead's features, some of them changed."""
    made: dict[str, Any] = LEAD["features"] | changed
    return made


def test_a_lead_falls_into_one_bin_of_everything() -> None:
    """An edge belongs to the bin below it; a feature without a reference is not counted."""
    counts = counting()
    counts.count(encoded(features(revenue=1e6)), [0.3])
    assert bins_of(counts) == {
        "score": {"5": 1},
        "revenue": {"1": 1},
        "visits": {"2": 1},
        "decision_maker": {"1": 1},
        "source": {"1": 1},
        "region / city (ü)": {"1": 1},
        "open_rate": {"2": 1},
    }


def test_unseen_is_not_missing_whether_the_trees_know_of_rare_ones_or_not() -> None:
    """``source`` has a code for them; ``region`` has none, and its row says missing."""
    counts = counting()
    unseen = features(source="fair", **{"region / city (ü)": "west"})
    known = features(source="unknown", visits=None)
    counts.count(encoded(unseen, known, unseen), [0.0, 0.0, 0.0])
    found = bins_of(counts)
    assert found["source"] == {"unseen": 2, "missing": 1}
    assert found["region / city (ü)"] == {"unseen": 2, "1": 1}
    assert found["visits"] == {"2": 2, "missing": 1}


def test_rows_that_a_caller_encoded_are_counted_alike() -> None:
    """The code after the last is unseen, and so is any that the contract does not have."""
    counts = counting()
    counts.count(Rows([[1.0, None, None, 0.0, 3.0, 9.0, None], [1.0, 0.0, 0.0, 0.0, None, 0.0, 0.0]]), [9.0, -9.0])
    found = bins_of(counts)
    assert found["source"] == {"unseen": 1, "missing": 1}
    assert found["region / city (ü)"] == {"unseen": 1, "0": 1}
    assert found["open_rate"] == {"missing": 1, "0": 1}
    assert found["score"] == {"0": 1, "9": 1}


values = st.one_of(st.none(), st.floats(-1e7, 1e7, width=32), st.sampled_from((0.0, 2.0, 5.0, 1e5, 1e6)))
others = st.one_of(st.floats(1, 1e7, width=32), st.floats(-1e7, -1, width=32))
rows = st.lists(
    st.tuples(values, values, values, values, st.sampled_from((None, 0.0, 1.0, 2.0, 3.0)), others, values),
    min_size=1,
    max_size=20,
)


def expected_bin(edges: tuple[float, ...], value: float | None) -> str:
    """The bin of a number, slowly."""
    return "missing" if value is None else LABELS[sum(edge < value for edge in edges)]


@given(rows, st.data())
def test_bins_are_those_of_a_plain_count(given_rows: list[tuple[float | None, ...]], data: st.DataObject) -> None:
    """Of any numbers; and a batch is its leads one by one."""
    margins = data.draw(st.lists(st.floats(-50, 50, width=32), min_size=len(given_rows), max_size=len(given_rows)))
    together, apart = counting(), counting()
    together.count(Rows(given_rows), margins)
    for row, margin in zip(given_rows, margins, strict=True):
        apart.count(Rows([row]), [margin])
    found = bins_of(together)
    assert found == bins_of(apart)
    for place in (0, 1, 3, 6):
        edges = REFERENCE.features[place].edges
        assert found[SMALL.names[place]] == Counter(expected_bin(edges, row[place]) for row in given_rows)
    probability = CALIBRATION.probability
    tenths = REFERENCE.quantiles[10:100:10]
    assert found["score"] == Counter(expected_bin(tenths, probability(margin)) for margin in margins)


def encoded_rows(leads: int) -> list[list[float | None]]:
    """So many of the sound lead, as rows of numbers."""
    return [encoded(features()).row(0)] * leads


@contextmanager
def worker(path: Path, version: str, leads: int) -> Iterator[None]:
    """A process with a model of this version that has counted, for as long as the context is open."""
    spawn = multiprocessing.get_context("spawn")
    ours, theirs = spawn.Pipe()
    process = spawn.Process(target=count_until_told, args=(path, base(version), encoded_rows(leads), theirs))
    process.start()
    try:
        assert ours.poll(DEADLINE)
        assert ours.recv() == "done"
        yield
    finally:
        process.kill()
        process.join(DEADLINE)


@pytest.fixture
def shared(tmp_path: Path) -> Iterator[tuple[Path, DriftCounts]]:
    """The file of three workers, one of which is this process with the model of version 1."""
    path = tmp_path / "metrics"
    make_file(path, (), 3, AREA)
    tally = Tally((), path, AREA)
    yield path, DriftCounts(tally, base("1"))
    tally.close()


def test_workers_are_added_up_and_a_successor_goes_on(shared: tuple[Path, DriftCounts]) -> None:
    """Nothing that a killed worker has counted is lost."""
    path, ours = shared
    ours.count(encoded(features()), [0.0])
    with worker(path, "1", 2), worker(path, "1", 3):
        assert bins_of(ours)["visits"] == {"2": 6}
    assert bins_of(ours)["visits"] == {"2": 6}
    with worker(path, "1", 4):
        assert bins_of(ours)["visits"] == {"2": 10}


def test_counts_by_another_model_are_never_added_up(shared: tuple[Path, DriftCounts]) -> None:
    """Neither those of a sibling, nor those that a predecessor with another model left behind."""
    path, ours = shared
    ours.count(encoded(features()), [0.0])
    with worker(path, "2", 5):
        assert bins_of(ours)["visits"] == {"2": 1}
    with worker(path, "1", 2):
        assert bins_of(ours)["visits"] == {"2": 3}


def shown(exposition: bytes) -> dict[tuple[str, ...], float]:
    """Every series of drift, by name, feature and bin."""
    return {
        (sample.name, sample.labels.get("feature", ""), sample.labels["bin"]): sample.value
        for family in text_string_to_metric_families(exposition.decode())
        for sample in family.samples
        if "bin" in sample.labels
    }


def test_series_are_shown_at_zero_beside_the_reference() -> None:
    """A rate must see the first lead; bins that a feature does not have are not shown."""
    counts = DriftCounts(Tally((), area=AREA), base())
    counts.count(encoded(features()), [0.0])
    found = shown(written_out([*counts.reference, *counts.series()]))
    assert found["model_feature_bins_total", "visits", "2"] == 1
    assert found["model_feature_bins_total", "visits", "missing"] == 0
    assert found["model_feature_reference_share", "visits", "missing"] == 0.1
    assert found["model_feature_reference_share", "source", "unseen"] == 0.1
    assert found["model_score_reference_share", "", "9"] == pytest.approx(0.1)
    assert ("model_feature_bins_total", "visits", "4") not in found
    assert ("model_feature_bins_total", "visits", "unseen") not in found
    for kind in ("feature", "score"):
        counted = {key[1:] for key in found if key[0] == f"model_{kind}_bins_total"}
        assert counted == {key[1:] for key in found if key[0] == f"model_{kind}_reference_share"}


columns_of_a_lead = st.tuples(st.integers(0, 599), st.integers(0, 395), st.booleans(), st.booleans())


@settings(deadline=None, max_examples=25)
@given(st.lists(columns_of_a_lead, max_size=40))
def test_leads_of_a_thousand_columns_are_counted_in_as_many_as_there_is_room_for(
    leads: list[tuple[int, int, bool, bool]],
) -> None:
    """Each lead once in each counted column, by its own value; what follows in the tally is not touched."""
    with choices():
        contract = Contract((choice("title", 600), choice("city", 396), *(Feature(name, "flag") for name in "abcd")))
        reference = Reference((), (Bins((0.0,), (0.7, 0.2), 0.1),) * 1000)
        base = baseline(Card("wide", "1", contract, reference=reference))
        assert base is not None
        tally = Tally((), area=AREA + 1)
        counts = DriftCounts(tally, base)
        told = [(f"v{title}", None if known else f"v{city}", a, None, known, UNSET) for title, city, a, known in leads]
        counts.count(encoder(contract).encode(told), [0.0] * len(leads))
        found = bins_of(counts)
    assert len(found) == 201
    assert all(sum(found[bins.column].values()) == len(leads) for bins in base.counted)
    titles = Counter(title for title, *_ in leads)
    assert all(found[f"title is v{n}"].get("1", 0) == titles[n] for n in range(98))
    cities = Counter("missing" if known else str(int(city == 97)) for _, city, _, known in leads)
    assert found["city is v97"] == cities
    assert found["a"] == Counter(str(int(a)) for _, _, a, _ in leads)
    assert tally.area[AREA] == 0


def test_columns_have_series_of_their_own_within_the_bound() -> None:
    """By feature and column; a feature that is its own column has no label for it."""
    with choices():
        contract = Contract((choice("title", 600), choice("plan", 1), Feature("age", "number")))
        reference = Reference((), (Bins((0.0,), (0.7, 0.2), 0.1),) * 602)
        base = baseline(Card("wide", "1", contract, reference=reference))
    assert base is not None
    counts = DriftCounts(Tally((), area=AREA), base)
    said = written_out([*counts.reference, *counts.series()]).decode()
    samples = [sample for family in text_string_to_metric_families(said) for sample in family.samples]
    assert len(samples) == len({(sample.name, *sorted(sample.labels.items())) for sample in samples}) == 2 * 200 * 3
    columns = {(sample.labels["feature"], sample.labels.get("column")) for sample in samples}
    assert columns == {("age", None), ("plan", "plan is v0"), *(("title", f"title is v{n}") for n in range(198))}


def test_names_that_need_care_are_read_back() -> None:
    """Quotes, backslashes, line ends and any script, in the version of the model too."""
    name, version = "a 'b' {c} ü", 'a "b" \\ c\nd ü'
    wide = Card(name, version, Contract((Feature(name, "number"),)), reference=Reference((), (Bins((), (1.0,)),)))
    made = baseline(wide)
    assert made is not None
    counts = counting(by=made)
    said = written_out([*counts.reference, *counts.series()]).decode()
    samples = [sample for family in text_string_to_metric_families(said) for sample in family.samples]
    assert {(sample.labels["feature"], sample.labels["model_version"]) for sample in samples} == {(name, version)}
    assert {sample.name for sample in samples} == {"model_feature_bins_total", "model_feature_reference_share"}
