"""Training again never takes another model's file or version without being asked."""

import os
import threading
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from past_leads import csv_of, leads, trained

from leadscoring.cli.training import train
from leadscoring.model.file import identity_of, open_model
from leadscoring.training.versions import next_version


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A CSV file of past leads."""
    return csv_of(leads(300), tmp_path / "past.csv")


def run(data: Path, out: Path, *more: str) -> Result:
    """What training says."""
    return CliRunner().invoke(train, [str(data), "--target", "won", "--out", str(out), *more])


def test_a_file_that_is_there_stays(data: Path, tmp_path: Path) -> None:
    """Unless --overwrite asks; then the new model has the next version."""
    out = tmp_path / "models" / "m.json"
    assert run(data, out).exit_code == 0
    before = out.read_bytes()
    refused = run(data, out)
    assert refused.exit_code == 1
    assert (
        "m.json exists and holds past 1.0.0: name another file for --out, or replace it with --overwrite"
        in " ".join(refused.stderr.split())
    )
    assert out.read_bytes() == before
    assert run(data, out, "--overwrite").exit_code == 0
    again = identity_of(out)
    assert again is not None
    assert (again.name, again.version) == ("past", "1.1.0")


def test_a_version_is_used_once_in_a_folder_unless_it_is_named(data: Path, tmp_path: Path) -> None:
    """The next after the highest of the models of the same name; a version that is given is taken."""
    assert run(data, tmp_path / "a.json", "--version", "2.3.9").exit_code == 0
    assert run(data, tmp_path / "b.ubj").exit_code == 0
    assert run(data, tmp_path / "c.json", "--version", "2.3.9").exit_code == 0
    assert run(data, tmp_path / "d.json", "--name", "other").exit_code == 0
    found = [open_model(tmp_path / name).card.version for name in ("a.json", "b.ubj", "c.json", "d.json")]
    assert found == ["2.3.9", "2.4.0", "2.3.9", "1.0.0"]


def test_other_files_in_the_folder_do_not_matter(tmp_path: Path) -> None:
    """Neither what is no model, nor a version that no number follows."""
    (tmp_path / "text.json").write_text("{}")
    (tmp_path / "leads.csv").write_text("a\n1\n")
    trained().save(tmp_path / "m.json")
    assert next_version(tmp_path, "made-up") == "1.1.0"
    assert next_version(tmp_path, "another") == "1.0.0"
    assert next_version(tmp_path / "absent", "another") == "1.0.0"


def test_leads_from_a_pipe_are_read_once(data: Path, tmp_path: Path) -> None:
    """The card has the hash of what was read, and no name that is the pipe's number."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=lambda: pipe.write_bytes(data.read_bytes()))
    writer.start()
    assert run(pipe, tmp_path / "piped.json").exit_code == 0
    writer.join()
    assert run(data, tmp_path / "filed.json").exit_code == 0
    piped, filed = (open_model(tmp_path / f"{name}.json").card for name in ("piped", "filed"))
    assert piped.training is not None
    assert filed.training is not None
    assert piped.training.data_hash == filed.training.data_hash
    assert (piped.name, filed.name) == ("leads", "past")
