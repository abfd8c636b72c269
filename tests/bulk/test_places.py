"""Outputs have their places, and none is a file that is read."""

from pathlib import Path

import pytest

from leadscoring.bulk.places import places_of
from leadscoring.bulk.sources import STDIN, Source, source_of
from leadscoring.errors import ScoringFileError


def test_rejects_and_journal_are_beside_the_output(tmp_path: Path) -> None:
    """Standard input and output keep no journal; the rejects are then in the current folder."""
    (tmp_path / "leads.csv").write_text("a")
    source = source_of(str(tmp_path / "leads.csv"))
    found = places_of("m.json", source.path, (source,), str(tmp_path / "s.parquet"), None)
    assert found.rejects == tmp_path / "s.rejects.csv"
    assert found.journal == tmp_path / ".s.parquet.journal"
    assert found.is_parquet
    piped = places_of("m.json", STDIN, (Source(STDIN),), "-", None)
    assert (piped.out, piped.rejects, piped.journal) == (None, Path("stdin.rejects.csv"), None)
    assert places_of("m.json", STDIN, (Source(STDIN),), str(tmp_path / "s.csv"), "r.csv").journal is None
    assert places_of("m.json", "exports/*.csv", (), None, None).rejects == Path("_.rejects.csv")


@pytest.mark.parametrize(
    ("out", "rejects", "words"),
    [
        ("leads.csv", None, "is also the data"),
        ("link.csv", None, "is also the data"),
        ("s.csv", "leads.csv", "--rejects .* is also the data"),
        ("model.json", None, "must end in"),
        ("s.csv", "s.csv", "are both"),
        ("absent/s.csv", None, "there is no folder"),
        (".", None, "is a folder"),
        ("s.csv.gz", None, "must end in .csv or .parquet"),
        ("s3://bucket/s.json", None, "must end in .csv or .parquet"),
        ("s3://bucket/scores/", None, "is a folder: name a file in it"),
    ],
)
def test_what_cannot_be_written_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, out: str, rejects: str | None, words: str
) -> None:
    """Before anything is read."""
    monkeypatch.chdir(tmp_path)
    for name in ("leads.csv", "model.json"):
        Path(name).write_text("a")
    Path("link.csv").symlink_to("leads.csv")
    with pytest.raises(ScoringFileError, match=words):
        places_of("model.json", "leads.csv", (source_of("leads.csv"),), out, rejects)
