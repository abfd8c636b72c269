"""A model file is read whole, or rejected with the reason."""

from pathlib import Path

import pytest

from leadscoring.errors import ModelNotFound, ModelUnreadable
from leadscoring.model.content import read_content


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
