"""What is counted by what a model has stands beside all other metrics, each model in a room of its own."""

import multiprocessing
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from drift_reference import REFERENCE
from factories import card
from hypothesis import given, settings
from hypothesis import strategies as st
from models_worker import count_until_told
from msgspec.structs import replace
from prometheus_client.parser import text_string_to_metric_families
from serving import DEADLINE

from leadscoring.quality.drift import baseline
from leadscoring.quality.model_counts import AREA, ROOMS, CountedModels, ModelCounts
from leadscoring.telemetry.metrics import Metrics
from leadscoring.telemetry.tally import Tally, make_file

CARD = card(reference=REFERENCE)


def opened(counted: CountedModels, version: str, digest: str = "") -> ModelCounts:
    """The counts for a model of this version, with bins."""
    made = replace(CARD, version=version)
    return counted.open(made, digest or version, baseline(made))


def shown(counted: CountedModels, served: ModelCounts | None) -> dict[str, float]:
    """The reasons that are shown, by version."""
    found: dict[str, float] = {}
    for family in text_string_to_metric_families(counted.exposition(served).decode()):
        for sample in family.samples:
            if sample.name == "model_reasons_total":
                version = sample.labels["model_version"]
                found[version] = found.get(version, 0.0) + sample.value
    return found


@contextmanager
def sharing(path: Path) -> Iterator[CountedModels]:
    """A process that counts in a file."""
    tally = Tally((), path, AREA)
    yield CountedModels(tally)
    tally.close()


@contextmanager
def worker(path: Path, *models: tuple[str, float]) -> Iterator[None]:
    """Another process that has counted so many reasons for models of these versions, one after the other."""
    spawn = multiprocessing.get_context("spawn")
    ours, theirs = spawn.Pipe()
    counts = [(replace(CARD, version=version), reasons) for version, reasons in models]
    process = spawn.Process(target=count_until_told, args=(path, counts, theirs))
    process.start()
    try:
        assert ours.poll(DEADLINE)
        assert ours.recv() == "done"
        yield
    finally:
        process.kill()
        process.join(DEADLINE)


def test_a_model_without_a_reference_counts_reasons_alone() -> None:
    """There are no heads of metrics without a series."""
    metrics = Metrics((), "local", area=AREA)
    counted = CountedModels(metrics.tally)
    counts = counted.open(card(), "", None)
    assert b"model_reasons" not in metrics.exposition()
    metrics.of_model = lambda: counted.exposition(counts)
    assert b"model_reasons" in metrics.exposition()
    assert b"model_score_bins" not in metrics.exposition()


def test_who_is_not_counted_shows_nothing() -> None:
    """A scorer without counts is one of a script."""
    assert CountedModels(Tally((), area=AREA)).exposition(None) == b""


def test_what_was_served_before_is_shown_beside_what_is_but_for_its_reference() -> None:
    """Counters do not vanish, and what is still under way counts; a family has one head."""
    counted = CountedModels(Tally((), area=AREA))
    one, two = opened(counted, "1"), opened(counted, "2")
    one.reasons.numbers[0] += 3
    two.reasons.numbers[1] += 4
    assert shown(counted, two) == {"1": 3, "2": 4}
    said = counted.exposition(two).decode()
    assert said.count("# TYPE model_reasons_total ") == said.count("# TYPE model_score_bins_total ") == 1
    references = {line for line in said.splitlines() if line.startswith("model_score_reference_share{")}
    assert references
    assert all('model_version="2"' in line for line in references)


def test_a_model_that_is_served_again_goes_on_counting() -> None:
    """In the room that it had."""
    counted = CountedModels(Tally((), area=AREA))
    one = opened(counted, "1")
    one.reasons.numbers[0] += 3
    one.leave()
    opened(counted, "2").leave()
    again = opened(counted, "1")
    again.reasons.numbers[0] += 1
    assert shown(counted, again) == {"1": 4, "2": 0}


def test_another_model_that_calls_itself_alike_is_never_added_up() -> None:
    """The one that is served is shown: a series cannot be there twice."""
    counted = CountedModels(Tally((), area=AREA))
    one, other = opened(counted, "1", "a"), opened(counted, "1", "b")
    one.reasons.numbers[0] += 3
    other.reasons.numbers[0] += 5
    assert shown(counted, other) == {"1": 5}
    assert shown(counted, one) == {"1": 3}


def test_a_room_in_use_is_not_taken() -> None:
    """The one that was served longest ago goes first; where all are in use none is had."""
    counted = CountedModels(Tally((), area=AREA))
    held = [opened(counted, str(number)) for number in range(ROOMS)]
    for counts in held:
        counts.reasons.numbers[0] += 1
    with pytest.raises(RuntimeError, match="in use"):
        opened(counted, "more")
    held[2].leave()
    held[1].leave()
    more = opened(counted, "more")
    assert shown(counted, more) == {"0": 1, "2": 1, "3": 1, "more": 0}


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 5), st.booleans(), st.integers(0, 3)), max_size=40))
def test_no_count_is_lost_or_given_to_another(steps: list[tuple[int, bool, int]]) -> None:
    """Of whatever models come and go: each that is in use shows all that it has counted since it had its room."""
    counted = CountedModels(Tally((), area=AREA))
    users: dict[int, list[ModelCounts]] = {}
    expected: dict[int, float] = {}
    for number, comes, amount in steps:
        if comes and (number in users or len(users) < ROOMS):
            counts = opened(counted, str(number))
            if not counts.reasons.numbers[0]:
                expected[number] = 0.0
            users.setdefault(number, []).append(counts)
        elif number in users:
            users[number].pop().leave()
            users = {kept: held for kept, held in users.items() if held}
        if number in users:
            users[number][0].reasons.numbers[0] += amount
            expected[number] += amount
    for number, held in users.items():
        assert shown(counted, held[0])[str(number)] == expected[number]


def test_workers_are_added_up_whichever_room_each_counts_in(tmp_path: Path) -> None:
    """One serves the second model alone, the other has served the first before."""
    path = tmp_path / "metrics"
    make_file(path, (), 2, AREA)
    with sharing(path) as ours, worker(path, ("1", 1.0), ("2", 2.0)):
        two = ours.open(replace(CARD, version="2"), "2", None)
        two.reasons.numbers[0] += 4
        assert two.room == 0
        assert shown(ours, two) == {"2": 6}
        assert shown(ours, ours.open(replace(CARD, version="1"), "1", None)) == {"1": 1, "2": 6}


def test_a_successor_goes_on_in_the_room_of_its_model(tmp_path: Path) -> None:
    """Even when the one before it had served another since."""
    path = tmp_path / "metrics"
    make_file(path, (), 1, AREA)
    with sharing(path) as before:
        opened(before, "1").reasons.numbers[0] += 1
        opened(before, "2").reasons.numbers[0] += 2
    with sharing(path) as after:
        two = opened(after, "2")
        assert shown(after, two) == {"2": 2}
        assert shown(after, opened(after, "1")) == {"1": 1, "2": 2}
