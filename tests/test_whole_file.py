"""A file that a command writes appears whole or not at all."""

import errno
import os
from pathlib import Path

import pytest

from leadscoring.whole_file import UNFINISHED, remove_unfinished, whole_file


def test_a_file_appears_with_its_whole_content(tmp_path: Path) -> None:
    """Until then the old one is there, and nothing beside both remains."""
    path = tmp_path / "model.json"
    path.write_text("old")
    with whole_file(path) as part:
        part.write_text("half")
        assert path.read_text() == "old"
        part.write_text("new")
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


def test_after_an_error_nothing_has_changed(tmp_path: Path) -> None:
    """Neither the old file, nor the list of what is unfinished."""

    def half(path: Path) -> None:
        with whole_file(path) as part:
            part.write_text("half")
            raise OSError(28, "No space left on device")

    path = tmp_path / "model.json"
    path.write_text("old")
    with pytest.raises(OSError, match="No space"):
        half(path)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]
    assert set() == UNFINISHED


def test_a_place_below_a_file_is_refused_and_forgotten(tmp_path: Path) -> None:
    """Where no temporary file can be, either."""
    (tmp_path / "file").write_text("x")
    with pytest.raises(NotADirectoryError), whole_file(tmp_path / "file" / "model.json") as part:
        part.write_text("new")
    assert set() == UNFINISHED


def test_a_link_stays_and_its_file_is_written(tmp_path: Path) -> None:
    """As with a model that is served under a name that points to its version."""
    path, link = tmp_path / "model-1.json", tmp_path / "model.json"
    link.symlink_to(path)
    with whole_file(link) as part:
        part.write_text("new")
    assert link.is_symlink()
    assert path.read_text() == "new"


def test_a_pipe_is_written_directly(tmp_path: Path) -> None:
    """Since a file that replaces it reaches nobody."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reading = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    with whole_file(pipe) as part:
        part.write_text("all of it")
    assert os.read(reading, 100) == b"all of it"
    assert pipe.is_fifo()
    os.close(reading)


def test_a_name_of_the_greatest_length_can_be_written(tmp_path: Path) -> None:
    """The temporary one is no longer than a file system takes."""
    path = tmp_path / ("a" * 250 + ".json")
    with whole_file(path) as part:
        part.write_text("new")
    assert path.read_text() == "new"


def test_who_ends_at_once_removes_what_is_unfinished(tmp_path: Path) -> None:
    """Also where it is gone already."""

    def ended(path: Path) -> None:
        with whole_file(path) as part:
            part.write_text("half")
            remove_unfinished()
            assert list(tmp_path.iterdir()) == []
            remove_unfinished()

    with pytest.raises(FileNotFoundError):
        ended(tmp_path / "a.csv")


def test_an_error_without_a_name_names_the_file(tmp_path: Path) -> None:
    """A full disk names nothing; an error about another file keeps its name."""
    with pytest.raises(OSError, match="No space") as full, whole_file(tmp_path / "a.json"):
        raise OSError(errno.ENOSPC, "No space left on device")
    assert full.value.filename == str(tmp_path / "a.json")
    with pytest.raises(FileNotFoundError) as absent, whole_file(tmp_path / "a.json"):
        (tmp_path / "b.json").read_bytes()
    assert absent.value.filename == str(tmp_path / "b.json")


def test_a_file_that_appeared_meanwhile_stays_where_a_fresh_one_is_wanted(tmp_path: Path) -> None:
    """Of two that write it at once, the second is refused, and nothing remains beside it."""
    path = tmp_path / "model.json"

    def fresh(content: str) -> None:
        with whole_file(path, fresh=True) as part:
            part.write_text(content)

    def second() -> None:
        with whole_file(path, fresh=True) as part:
            part.write_text("second")
            fresh("first")

    with pytest.raises(FileExistsError, match="appeared there meanwhile, and stays"):
        second()
    assert path.read_text() == "first"
    assert list(tmp_path.iterdir()) == [path]
    with whole_file(path) as part:
        part.write_text("in its place")
    assert path.read_text() == "in its place"


def test_where_files_have_one_name_only_a_fresh_one_is_renamed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on file systems without links; one that is there stays as well."""

    def refused(_self: Path, _target: Path) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(Path, "hardlink_to", refused)
    path = tmp_path / "model.json"
    with whole_file(path, fresh=True) as part:
        part.write_text("first")
    with pytest.raises(FileExistsError), whole_file(path, fresh=True) as part:
        part.write_text("second")
    assert path.read_text() == "first"
    assert list(tmp_path.iterdir()) == [path]
