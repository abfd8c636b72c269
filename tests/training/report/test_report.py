import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from past_leads import leads, trained

from leadscoring.training.fit import TrainOptions, train
from leadscoring.training.report.facts import moved_rates
from leadscoring.training.report.page import page
from leadscoring.training.report.plots import round_top
from leadscoring.training.report.words import summary_text
from leadscoring.training.report.written import write_report

VOID = {"meta", "br"}


class Balanced(HTMLParser):
    """Checks that every tag that opens is closed."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002 - as the parser calls it
        """A tag that opens."""
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """A tag that closes itself."""

    def handle_endtag(self, tag: str) -> None:
        """A tag that closes."""
        assert self.open.pop() == tag


def test_the_page_is_self_contained_and_well_formed() -> None:
    """No address, no script, no file beside it; every tag is closed."""
    text = page(trained().report)
    assert not re.search(r"https?:|//[a-z]|<script|<link|@import|url\(|src=|href=", text)
    parser = Balanced()
    parser.feed(text)
    assert parser.open == []
    assert text.count("<svg") == 4


def test_what_a_file_says_cannot_become_markup() -> None:
    """Names and values of the data are escaped."""
    evil = leads(250).rename({"opt in": "<script>alert(1)</script>"})
    source = pl.Series(["<b>&'\"" if v == "web" else v for v in evil["source"]])
    text = page(train(evil.with_columns(source=source), TrainOptions(target="won", name="<i>")).report)
    assert "<script" not in text
    assert "<b>&'" not in text
    assert "&lt;script&gt;alert(1)" in text


def test_the_report_is_written_as_page_and_data(tmp_path: Path) -> None:
    """Both files are there, and the data are valid JSON that hold the figures of the card."""
    write_report(trained().report, tmp_path / "deep" / "report")
    data = json.loads((tmp_path / "deep/report/report.json").read_text())
    assert (tmp_path / "deep/report/report.html").read_text().startswith("<!doctype html>")
    assert data["held_out"] == trained().card.quality["held_out"]
    assert sum(data["histogram"]["converted"]) == data["held_out"]["positives"]


def test_what_drives_the_score_is_what_does() -> None:
    """The strongest feature of the made-up leads leads the list, with its direction."""
    found = trained(2000).report["drivers"]
    assert [found[0]["feature"], found[1]["feature"]] == ["visits", "source"]
    assert found[0]["direction"] == "higher values raise the score"
    assert found[1]["direction"].endswith("'web' lowers it most")
    assert sum(driver["share"] for driver in found) == pytest.approx(1.0)


def test_the_summary_says_what_was_inferred() -> None:
    """A terminal shows features, figures and tiers."""
    text = summary_text(trained().report)
    for words in ("visits: integer, from 0, required", "ROC-AUC", "won: the target", "A  the best tenth"):
        assert words in text


def test_a_base_rate_that_moves_is_warned_of() -> None:
    """A change along time beyond chance is told, a steady rate is not."""
    random, time = np.random.default_rng(0), np.arange(2000.0)
    assert moved_rates((random.random(2000) < 0.1 + time / 5000).astype(float), time)
    assert not moved_rates((random.random(2000) < 0.3).astype(float), time)


@pytest.mark.parametrize("value", [1e-6, 0.03, 0.21, 1.0, 2.4, 9.9, 130.0])
def test_axes_end_at_a_round_number_above(value: float) -> None:
    """An axis holds its value, wastes less than two thirds, and has few ticks."""
    top, step = round_top(value)
    assert value <= top * (1 + 1e-9) <= 3.5 * value
    assert 1 <= round(top / step) <= 6


def test_hostile_numbers_do_not_break_the_page() -> None:
    """A tier or bin without leads shows as such."""
    data: dict[str, Any] = json.loads(json.dumps(trained().report))
    data["held_out"]["tiers"][0]["conversion"] = {"value": None, "low": None, "high": None}
    assert "no leads" in page(data)
