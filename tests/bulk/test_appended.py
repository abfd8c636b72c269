"""An output grows under a temporary name, and has its own name only when it is complete."""

import os
from pathlib import Path

import pytest

from leadscoring._engine import crc32c
from leadscoring.bulk.appended import Appended, Standard
from leadscoring.errors import ScoringFileError


def test_nothing_is_at_the_place_until_the_end(tmp_path: Path) -> None:
    """An old file stays until then."""
    path = tmp_path / "scores.csv"
    path.write_text("old")
    file = Appended(path)
    file.write(b"new ")
    file.write(b"scores")
    file.sync()
    assert path.read_text() == "old"
    file.finish()
    assert path.read_text() == "new scores"
    assert [one.name for one in tmp_path.iterdir()] == ["scores.csv"]


def test_it_is_continued_from_a_size(tmp_path: Path) -> None:
    """What was written beyond it is dropped."""
    file = Appended(tmp_path / "scores.csv")
    file.write(b"0123456789")
    file.close()
    again = Appended(tmp_path / "scores.csv")
    again.resume(4)
    again.write(b"x")
    again.finish()
    assert (tmp_path / "scores.csv").read_bytes() == b"0123x"


def test_a_temporary_file_that_lacks_bytes_is_an_error(tmp_path: Path) -> None:
    """Somebody else has changed it."""
    file = Appended(tmp_path / "scores.csv")
    with pytest.raises(ScoringFileError, match=r"scores\.csv\.part is gone.*: start again without --resume"):
        file.resume(4)
    (tmp_path / ".scores.csv.part").write_bytes(b"01")
    with pytest.raises(ScoringFileError, match="is shorter"):
        file.resume(4)
    file.close()


def test_bytes_that_somebody_changed_are_not_kept(tmp_path: Path) -> None:
    """Those beyond the size do not matter; a journal without a digest cannot show it."""
    file = Appended(tmp_path / "scores.csv")
    file.write(b"01")
    file.write(b"23")
    size, digest = file.size, file.digest
    file.write(b"45")
    file.close()
    again = Appended(tmp_path / "scores.csv")
    again.resume(size, digest)
    again.write(b"45")
    assert (again.size, again.digest) == (6, crc32c(b"012345"))
    again.close()
    again.part.write_bytes(b"012?45")
    with pytest.raises(ScoringFileError, match="was changed since the interrupted run wrote it: start again without"):
        Appended(tmp_path / "scores.csv").resume(size, digest)
    Appended(tmp_path / "scores.csv").resume(size, None)


def test_a_complete_file_is_there_under_one_of_its_names(tmp_path: Path) -> None:
    """Else nothing gets its name, and the run says so."""
    file = Appended(tmp_path / "scores.csv")
    file.write(b"0123")
    file.complete(4, file.digest)
    file.finish()
    file.complete(4, file.digest)
    with pytest.raises(ScoringFileError, match=r"scores\.csv was changed"):
        file.complete(4, 1)
    file.path.unlink()
    with pytest.raises(ScoringFileError, match=r"\.scores\.csv\.part is gone"):
        file.complete(4, file.digest)


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    """The error has the file, the cause and the byte."""
    file = Appended(tmp_path / "absent" / "scores.csv")
    with pytest.raises(ScoringFileError, match=r"scores\.csv: No such file or directory \(at byte 0"):
        file.write(b"x")


def test_standard_output_takes_bytes_and_says_if_nobody_reads() -> None:
    """A reader that has gone is an error of its own, on which the command ends quietly."""
    reading, writing = os.pipe()
    out = Standard(writing)
    out.write(b"abc")
    assert os.read(reading, 10) == b"abc"
    assert out.size == 3
    os.close(reading)
    with pytest.raises(BrokenPipeError):
        out.write(b"x")
    os.close(writing)


def test_two_runs_do_not_write_one_file(tmp_path: Path) -> None:
    """The second is refused, and removes nothing of the first, not even when it gives up."""
    first, second = Appended(tmp_path / "scores.csv"), Appended(tmp_path / "scores.csv")
    first.write(b"0123")
    with pytest.raises(ScoringFileError, match="another run is writing"):
        second.write(b"x")
    with pytest.raises(ScoringFileError, match="another run is writing"):
        second.resume(4)
    second.discard()
    first.finish()
    assert (tmp_path / "scores.csv").read_bytes() == b"0123"
    second.write(b"x")
    second.discard()
    assert [one.name for one in tmp_path.iterdir()] == ["scores.csv"]


def test_a_file_that_was_removed_meanwhile_is_an_error(tmp_path: Path) -> None:
    """Nothing else gets its name instead."""
    file = Appended(tmp_path / "scores.csv")
    file.write(b"0123")
    file.part.unlink()
    with pytest.raises(ScoringFileError, match="was removed or replaced while it was written"):
        file.finish()
    file.part.write_bytes(b"other")
    with pytest.raises(ScoringFileError, match="was removed or replaced while it was written"):
        file.finish()
    file.close()
