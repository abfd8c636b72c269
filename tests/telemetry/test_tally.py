"""What several processes count together is exact, never falls, and outlives any of them."""

import math
import multiprocessing
import os
import signal
from collections.abc import Iterable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Metric, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from leadscoring._engine import Recorder
from leadscoring.telemetry.tally import Family, Tally, make_file

FAMILIES = (
    Family("counter", "calls", "Calls", {"route": ("/a", "/b", "other"), "status": ("200", "other")}),
    Family("gauge", "active", "Active"),
    Family("histogram", "seconds", "Seconds", {"route": ("/a", "other")}, (0.1, 1.0)),
)


def samples(tally: Tally) -> dict[str, float]:
    """Every sample of the exposition, by name and labels."""
    found = {}
    for family in text_string_to_metric_families(tally.exposition().decode()):
        for sample in family.samples:
            labels = ",".join(f"{name}={value}" for name, value in sorted(sample.labels.items()))
            found[f"{sample.name}{{{labels}}}"] = sample.value
    return found


def test_counts_appear_under_their_names_and_labels() -> None:
    """In the text format that Prometheus reads."""
    tally = Tally(FAMILIES)
    tally.count("calls", "/a", "200").add()
    tally.count("calls", "/a", "200").add(2)
    tally.count("active").set(4)
    tally.count("active").add(-1)
    found = samples(tally)
    assert found["calls_total{route=/a,status=200}"] == 3
    assert found["calls_total{route=/b,status=200}"] == 0
    assert found["active{}"] == 3


def test_a_value_that_no_label_has_is_other() -> None:
    """So that nobody outside can make series."""
    tally = Tally(FAMILIES)
    tally.count("calls", "/made-up", "777").add()
    assert samples(tally)["calls_total{route=other,status=other}"] == 1


class Read(NamedTuple):
    """An exposition as prometheus-client reads it, for it to write again."""

    text: str

    def collect(self) -> Iterable[Metric]:
        """Its families."""
        return text_string_to_metric_families(self.text)


@given(
    st.one_of(st.floats(max_value=1e6, exclude_max=True), st.sampled_from((math.inf, math.nan))),
    st.text(st.characters(codec="utf-8", exclude_characters="\r")),
    st.lists(st.floats(0, 3), max_size=9),
)
def test_the_text_is_the_one_that_prometheus_own_client_writes(value: float, name: str, seen: list[float]) -> None:
    """To the byte, whatever a label holds; that it takes large numbers apart in another way means nothing."""
    tally = Tally((*FAMILIES, Family("gauge", "info", "Told", {"env": (name, "other"), "a": ("b",)})))
    tally.count("info", name, "b").set(value)
    tally.count("calls", "/a", "200").add(len(seen))
    for seconds in seen:
        tally.spread("seconds", "/a").observe(seconds)
    said = tally.exposition()
    registry = CollectorRegistry()
    registry.register(Read(said.decode()))
    assert said == generate_latest(registry)


@given(st.lists(st.floats(0, 3), max_size=50))
def test_a_histogram_counts_each_value_once_and_adds_them_up(values: list[float]) -> None:
    """Buckets count all that is at most their edge."""
    tally = Tally(FAMILIES)
    spread = tally.spread("seconds", "/a")
    for value in values:
        spread.observe(value)
    found = samples(tally)
    for edge in (0.1, 1.0):
        assert found[f"seconds_bucket{{le={edge},route=/a}}"] == sum(value <= edge for value in values)
    assert found["seconds_bucket{le=+Inf,route=/a}"] == found["seconds_count{route=/a}"] == len(values)
    assert found["seconds_sum{route=/a}"] == pytest.approx(sum(values))


@given(st.lists(st.tuples(st.integers(0, 5), st.floats(0, 3)), max_size=30))
def test_counting_together_is_counting_one_by_one(events: list[tuple[int, float]]) -> None:
    """One call or several, the numbers are the same."""
    apart, joined = Tally(FAMILIES), Tally(FAMILIES)
    together = joined.together(joined.count("calls", "/b", "200"), joined.spread("seconds", "/a"))
    for calls, seconds in events:
        apart.count("calls", "/b", "200").add(calls)
        apart.spread("seconds", "/a").observe(seconds)
        together(calls, seconds)
    assert samples(joined) == samples(apart)


def test_a_recorder_never_writes_outside_of_its_numbers() -> None:
    """Whatever place it is told."""
    numbers = memoryview(bytearray(80)).cast("d")
    for plan in ([(10, None)], [(8, (0.1,))], [(2**63, None)], [(-1, None)], [(0, tuple(map(float, range(20))))]):
        with pytest.raises((ValueError, TypeError, RuntimeError, OverflowError)):
            Recorder(numbers, plan)
    with pytest.raises(ValueError, match="doubles"):
        Recorder(bytearray(80), [(0, None)])
    with pytest.raises((BufferError, TypeError)):
        Recorder(bytes(80), [(0, None)])
    recorder = Recorder(numbers, [(9, None), (0, (1.0, 2.0))])
    for values in ((), (1.0,), (1.0, 2.0, 3.0)):
        with pytest.raises(ValueError, match="one value for each"):
            recorder.record(*values)
    with pytest.raises(TypeError):
        recorder.record(1.0, "two")  # type: ignore[arg-type]
    recorder.record(1.0, float("nan"))


def test_a_large_family_shows_only_what_it_counted() -> None:
    """Thousands of zeros help nobody."""
    wide = Family("counter", "wide", "Wide", {"a": tuple(map(str, range(100)))})
    tally = Tally((wide,))
    assert samples(tally) == {}
    tally.count("wide", "7").add()
    assert samples(tally) == {"wide_total{a=7}": 1}


def count_until_told(path: Path, times: int, pipe: Connection) -> None:
    """A worker: counts, says so, and waits to be killed."""
    tally = Tally(FAMILIES, path)
    calls = tally.count("calls", "/a", "200")
    for _ in range(times):
        calls.add()
    tally.count("active").add()
    pipe.send("done")
    pipe.recv()


def test_what_a_killed_worker_counted_is_kept_and_its_successor_goes_on(
    tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """Exact through SIGKILL; gauges of the dead are forgotten; the file does not grow."""
    path = tmp_path / "metrics"
    make_file(path, FAMILIES, slots=3)
    size = path.stat().st_size
    reader = Tally(FAMILIES, path)
    request.addfinalizer(reader.close)
    spawn = multiprocessing.get_context("spawn")
    for generation in range(1, 4):
        ours, theirs = spawn.Pipe()
        worker = spawn.Process(target=count_until_told, args=(path, 1000, theirs))
        worker.start()
        assert ours.poll(60)
        ours.recv()
        found = samples(reader)
        assert found["calls_total{route=/a,status=200}"] == 1000 * generation
        assert found["active{}"] == 1
        assert worker.pid is not None
        os.kill(worker.pid, signal.SIGKILL)
        worker.join(60)
    assert path.stat().st_size == size
    assert list(tmp_path.iterdir()) == [path]


def test_two_processes_never_share_a_slot(tmp_path: Path) -> None:
    """And when all are taken, the next is told so."""
    path = tmp_path / "metrics"
    make_file(path, FAMILIES, slots=1)
    spawn = multiprocessing.get_context("spawn")
    ours, theirs = spawn.Pipe()
    worker = spawn.Process(target=count_until_told, args=(path, 1, theirs))
    worker.start()
    assert ours.poll(60)
    with pytest.raises(OSError, match="every one of the 1 slots"):
        Tally(FAMILIES, path)
    ours.send("end")
    worker.join(60)


def test_a_full_disk_is_noticed_before_anything_is_counted(tmp_path: Path) -> None:
    """Every block is taken when the file is made."""
    path = tmp_path / "metrics"
    make_file(path, FAMILIES, slots=4)
    taken = path.stat().st_blocks * 512
    assert taken >= path.stat().st_size == sum(family.size for family in FAMILIES) * 8 * 4
    with pytest.raises(OSError):  # noqa: PT011  # which errno depends on the file system
        make_file(path, FAMILIES, slots=1 << 50)
