"""Outputs have their places, and none is a file that is read."""

import os
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
        ("s.csv.gz", None, "must end in .csv, .tsv, .parquet"),
        ("/dev/null", None, "is no regular file"),
        ("s.json", None, "must end in .csv, .tsv, .parquet, not .json"),
        ("/proc/s.csv", None, "cannot write to the folder /proc: no file can be created in it"),
        ("s.csv", "/dev/null", "--rejects /dev/null is no regular file: name a file"),
        (None, "pipe", "--rejects pipe is no regular file"),
        ("s.csv", "folder", "--rejects folder is a folder"),
        ("s.csv", "folder/", "--rejects folder/ is a folder"),
        ("s.csv", "absent/r.csv", "there is no folder absent for --rejects"),
        ("s.csv", "/proc/r.csv", "cannot write to the folder /proc"),
        ("s.csv", "r.parquet", "--rejects must end in .csv, not .parquet"),
        ("full.csv", None, "--rejects full.rejects.csv is a folder"),
        ("s3://bucket/s.json", None, "must end in .csv, .tsv, .parquet"),
        ("s3://bucket/scores/", None, "is a folder: name a file in it"),
    ],
)
def test_what_cannot_be_written_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, out: str | None, rejects: str | None, words: str
) -> None:
    """Before anything is read."""
    monkeypatch.chdir(tmp_path)
    for name in ("leads.csv", "model.json"):
        Path(name).write_text("a")
    Path("link.csv").symlink_to("leads.csv")
    Path("folder").mkdir()
    Path("full.rejects.csv").mkdir()
    os.mkfifo("pipe")
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
            ScoringFileError,
            match=r"exists( and no run was interrupted \(it is complete\))?: name another file for --.*, or replace it with --overwrite",
        ):
            refuse_existing(found, resume=resume, overwrite=False)
    refuse_existing(found, resume=False, overwrite=True)
    (tmp_path / ".s.csv.journal").write_text("")
    refuse_existing(found, resume=True, overwrite=False)


def test_a_link_stays(tmp_path: Path) -> None:
    """Scores and rejects are written where it leads to; a link to a device is none to a file."""
    link = tmp_path / "link.csv"
    link.symlink_to(tmp_path / "real.csv")
    assert places_of("m.json", STDIN, (Source(STDIN),), str(link), None).out == tmp_path / "real.csv"
    found = places_of("m.json", STDIN, (Source(STDIN),), str(tmp_path / "s.csv"), str(link))
    assert found.rejects == tmp_path / "real.csv"
    (tmp_path / "null").symlink_to("/dev/null")
    with pytest.raises(ScoringFileError, match="--rejects /dev/null is no regular file"):
        places_of("m.json", STDIN, (Source(STDIN),), str(tmp_path / "s.csv"), str(tmp_path / "null"))


def test_what_keeps_no_journal_cannot_be_resumed(tmp_path: Path) -> None:
    """The error says why, and that a run which is complete is no interrupted one."""
    with pytest.raises(ScoringFileError, match="--resume needs --out"):
        refuse_existing(places_of("m.json", STDIN, (Source(STDIN),), None, None), resume=True, overwrite=False)
    for name in ("leads.csv", "s.csv"):
        (tmp_path / name).write_text("a")
    source = source_of(str(tmp_path / "leads.csv"))
    found = places_of("m.json", source.path, (source,), str(tmp_path / "s.csv"), None)
    with pytest.raises(ScoringFileError, match=r"exists and no run was interrupted \(it is complete\)"):
        refuse_existing(found, resume=True, overwrite=False)


@pytest.mark.parametrize(
    ("out", "rejects"), [("x" * 300 + ".csv", None), ("x" * 245 + ".csv", None), ("s.csv", "x" * 250 + ".csv")]
)
def test_a_name_with_which_no_journal_fits_is_refused(tmp_path: Path, out: str, rejects: str | None) -> None:
    """Before anything is read, since the files beside the output have longer names."""
    beside = None if rejects is None else str(tmp_path / rejects)
    with pytest.raises(ScoringFileError, match="is too long"):
        places_of("m.json", STDIN, (Source(STDIN),), str(tmp_path / out), beside)
    assert list(tmp_path.iterdir()) == []


def test_links_in_a_circle_are_an_error(tmp_path: Path) -> None:
    """They lead to no file."""
    for one, other in (("a.csv", "b.csv"), ("b.csv", "a.csv")):
        (tmp_path / one).symlink_to(tmp_path / other)
    with pytest.raises(ScoringFileError, match=r"--out .*a\.csv: symbolic links lead in a circle"):
        places_of("m.json", STDIN, (Source(STDIN),), str(tmp_path / "a.csv"), None)
