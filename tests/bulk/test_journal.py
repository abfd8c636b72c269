"""A journal says how far a run has come; half a line says nothing."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from leadscoring.bulk.batch import Position
from leadscoring.bulk.counts import Counts
from leadscoring.bulk.journal import Checkpoint, Job, Journal, differences, refuse_other
from leadscoring.bulk.sources import Identity, Source
from leadscoring.errors import ScoringFileError

JOB = Job("a" * 64, "2.0", {"reasons": 5}, (Source("a.csv", identity=Identity(10, 1, "b")),), "s.csv", "r.csv", 7)
POINT = Checkpoint(1, Position(100, 5), 20, 30, Counts(rows=4, scored=4), ((4, b"\0group\xff"),))


def written(path: Path) -> bytes:
    """A journal of two places."""
    journal = Journal(path)
    journal.lock()
    journal.begin(JOB)
    journal.add(POINT)
    journal.add(Checkpoint(done=True))
    journal.close()
    return path.read_bytes()


def test_it_is_read_as_it_was_written_up_to_any_byte(tmp_path: Path) -> None:
    """A line counts when it is complete; what is added after half of one stands by itself."""
    content = written(tmp_path / "journal")
    ends = [at + 1 for at, byte in enumerate(content) if byte == 10]
    for length in range(len(content) + 1):
        (tmp_path / "cut").write_bytes(content[:length])
        journal = Journal(tmp_path / "cut")
        journal.lock()
        job, points = journal.read()
        assert (job == JOB) == (length >= ends[0])
        assert points == [POINT, Checkpoint(done=True)][: sum(end <= length for end in ends[1:])]
        if job is not None:
            journal.add(POINT)
            assert journal.read() == (JOB, [*points, POINT])
        journal.remove()
        assert not (tmp_path / "cut").exists()


def test_a_damaged_journal_is_an_error(tmp_path: Path) -> None:
    """It says which file to delete."""
    (tmp_path / "journal").write_bytes(b"{}\n")
    journal = Journal(tmp_path / "journal")
    journal.lock()
    with pytest.raises(ScoringFileError, match="is damaged: delete it"):
        journal.read()
    journal.close()


def test_one_run_has_it_at_a_time(tmp_path: Path) -> None:
    """The lock ends with the run."""
    first, second = Journal(tmp_path / "journal"), Journal(tmp_path / "journal")
    first.lock()
    with pytest.raises(ScoringFileError, match="another run"):
        second.lock()
    first.close()
    second.lock()
    second.close()


def test_what_differs_is_named(tmp_path: Path) -> None:
    """Model, version, options, outputs and files, each in its own words."""
    changed = msgspec.structs.replace(
        JOB,
        model="c" * 64,
        engine="3.0",
        options={"reasons": 2},
        out="t.csv",
        sources=(Source("a.csv", identity=Identity(11, 1, "b")), Source("b.csv")),
    )
    words = " ".join(differences(changed, JOB))
    for part in (
        "model is another",
        "version 3.0",
        "reasons is 2, not 5",
        "t.csv",
        "a.csv has changed",
        "b.csv was not",
    ):
        assert part in words
    assert differences(JOB, JOB) == []
    cases: tuple[tuple[dict[str, Any], dict[str, Any], str], ...] = (
        ({"details": True}, {"details": False}, "--details is given now, and was not"),
        ({"details": False}, {"details": True}, "--details is not given now, but was"),
        ({"reasons": 0}, {"reasons": 5}, "--reasons is 0, not 5"),
        ({"keep": ["a", "b"]}, {"keep": []}, "--columns a,b is given now, and was not"),
        ({"keep": ["a"]}, {"keep": ["b", "c"]}, "--columns is a, not b,c"),
        ({"as_of": None}, {"as_of": "now"}, "--as-of now is not given now, but was"),
    )
    for now, before, part in cases:
        one, two = (msgspec.structs.replace(JOB, options=options) for options in (now, before))
        assert differences(one, two) == [part]
    refuse_other(JOB, JOB, tmp_path)
    with pytest.raises(ScoringFileError, match="--resume cannot go on"):
        refuse_other(changed, JOB, tmp_path / "journal")
