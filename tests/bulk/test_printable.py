"""Names that are not UTF-8 cost no run."""

import os
from pathlib import Path

import pytest
from bulk_files import content, rejects_of, rows_of, run
from killed import Killed, killed_at

from leadscoring.bulk.printable import printable
from leadscoring.model.loaded import LoadedModel


def test_every_text_can_be_written() -> None:
    """A sound one stays as it is."""
    assert printable("ü\n'") == "ü\n'"
    assert printable(os.fsdecode(b"a\xff.csv")) == "a\\udcff.csv"


def test_files_of_any_name_are_scored_and_resumed(model: LoadedModel, tmp_path: Path, small_blocks: None) -> None:
    """In scores, rejects, journal and summary the name is escaped."""
    folder, out = tmp_path / os.fsdecode(b"in\xff"), tmp_path / os.fsdecode(b"s\xfe.csv")
    folder.mkdir()
    for name in (b"a\xff.csv", b"new\nline.csv"):
        (folder / os.fsdecode(name)).write_text(content(["sound", "text"] * 40))
    with killed_at(40, True), pytest.raises(Killed):
        run(model, str(folder), out, recorded=0, lead_id=None)
    found = run(model, str(folder), out, recorded=0, lead_id=None, resume=True)
    assert found.resumed
    assert (found.counts.scored, found.counts.rejected) == (80, 80)
    assert found.out.endswith("s\\udcfe.csv")
    assert rows_of(out)[0]["id"].endswith("in\\udcff/a\\udcff.csv:2")
    assert rejects_of(tmp_path / os.fsdecode(b"s\xfe.rejects.csv"))[0]["file"].endswith("a\\udcff.csv")
