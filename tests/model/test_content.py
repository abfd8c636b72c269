"""A model file is read whole, or rejected with the reason."""

import io
import tracemalloc
from pathlib import Path

import pytest

from leadscoring.errors import ModelNotFound, ModelUnreadable
from leadscoring.model.content import read_all, read_content


def test_a_file_is_read_as_it_is(tmp_path: Path) -> None:
    """Whatever is in it, and however its path is given."""
    (tmp_path / "m.json").write_bytes(bytes(range(256)))
    assert read_content(tmp_path / "m.json") == read_content(str(tmp_path / "m.json")) == bytes(range(256))


def test_absent_files_are_not_found(tmp_path: Path) -> None:
    """A missing file, a folder and an impossible path are all said to be no readable file."""
    with pytest.raises(ModelNotFound, match=r"nowhere\.json.*no such file"):
        read_content(tmp_path / "nowhere.json")
    with pytest.raises(ModelNotFound, match="directory"):
        read_content(tmp_path)
    with pytest.raises(ModelNotFound, match="null"):
        read_content("a\0b")


def test_reading_is_bounded(tmp_path: Path) -> None:
    """A file of more than a gibibyte is refused before it is read."""
    with (tmp_path / "m.json").open("wb") as file:
        file.truncate((1 << 30) + 1)
    with pytest.raises(ModelUnreadable, match="at most 1073741824 bytes"):
        read_content(tmp_path / "m.json")


def test_reading_reserves_no_more_than_the_file_needs(tmp_path: Path) -> None:
    """A host that limits the memory of a process can open a small model."""
    (tmp_path / "m.json").write_bytes(bytes(1 << 20))
    tracemalloc.start()
    try:
        read_content(tmp_path / "m.json")
        assert tracemalloc.get_traced_memory()[1] < 3 << 20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("size", [0, 1, 5, 99, 100])
def test_what_is_appended_to_a_file_meanwhile_is_read_too(size: int) -> None:
    """Its size is where reading begins, not where it ends."""
    assert read_all(io.BytesIO(bytes(range(100))), size) == bytes(range(100))
