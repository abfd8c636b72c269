"""A report is two files in a folder: a page for people, and its data."""

import json
from pathlib import Path

import pytest
from past_leads import trained

from leadscoring.training.report.written import write_report


def test_the_report_is_written_as_page_and_data(tmp_path: Path) -> None:
    """Both files are there, and the data are valid JSON that hold the figures of the card."""
    write_report(trained().report, tmp_path / "deep" / "report")
    data = json.loads((tmp_path / "deep/report/report.json").read_text())
    assert (tmp_path / "deep/report/report.html").read_text().startswith("<!doctype html>")
    assert data["held_out"] == trained().card.quality["held_out"]
    assert sum(data["histogram"]["converted"]) == data["held_out"]["positives"]


def test_a_report_replaces_the_one_before(tmp_path: Path) -> None:
    """In the same folder, whole."""
    report = trained().report
    write_report(report, tmp_path)
    write_report(report | {"kind": "evaluate"}, tmp_path)
    assert json.loads((tmp_path / "report.json").read_text())["kind"] == "evaluate"
    assert len(list(tmp_path.iterdir())) == 2


def test_what_json_cannot_say_is_never_written_as_if_it_could(tmp_path: Path) -> None:
    """The data would be read by no other program."""
    with pytest.raises(ValueError, match="JSON"):
        write_report(trained().report | {"kind": float("nan")}, tmp_path)
