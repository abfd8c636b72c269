"""Outputs have their places, and none is a file that is read."""

from pathlib import Path

import pytest

from leadscoring.bulk.places import places_of, refuse_existing
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
        ("/dev/null", None, "is no regular file"),
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


@pytest.mark.parametrize("name", ["s.csv", "s.rejects.csv"])
def test_no_file_is_replaced_unless_asked_for(tmp_path: Path, name: str) -> None:
    """Neither scores nor rejects, as in training; only a run that goes on finds its own files."""
    for one in ("leads.csv", name):
        (tmp_path / one).write_text("a")
    source = source_of(str(tmp_path / "leads.csv"))
    found = places_of("m.json", source.path, (source,), str(tmp_path / "s.csv"), None)
    for resume in (False, True):
        with pytest.raises(
            ScoringFileError, match=r"exists: name another file for --.*, or replace it with --overwrite"
        ):
            refuse_existing(found, resume=resume, overwrite=False)
    refuse_existing(found, resume=False, overwrite=True)
    (tmp_path / ".s.csv.journal").write_text("")
    refuse_existing(found, resume=True, overwrite=False)


def test_a_link_stays(tmp_path: Path) -> None:
    """Scores are written where it leads to."""
    (tmp_path / "link.csv").symlink_to(tmp_path / "real.csv")
    assert places_of("m.json", STDIN, (Source(STDIN),), str(tmp_path / "link.csv"), None).out == tmp_path / "real.csv"
