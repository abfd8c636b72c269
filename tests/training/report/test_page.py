"""The report's page needs nothing beside it, and says what its data say, whatever stands in them."""

import json
import re
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from browser import browsing, pages
from past_leads import leads, trained

from leadscoring.training.fit import train
from leadscoring.training.options import TrainOptions
from leadscoring.training.report.page import page, recipe_text

VOID = {"meta", "br"}


@cache
def with_a_leak() -> dict[str, Any]:
    """The report on leads of which a column was written after the outcome."""
    late = (pl.col("won") == "no") & (pl.int_range(pl.len()) % 3 > 0)
    frame = leads().with_columns(pl.when(late).then(pl.lit("price")).alias("Lost reason <b>"))
    return train(frame, TrainOptions(target="won")).report


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
    assert text.count("a perfectly calibrated model would show") == 1


def test_what_a_file_says_cannot_become_markup() -> None:
    """Names and values of the data are escaped."""
    evil = leads(250).rename({"opt in": "<script>alert(1)</script>"})
    source = pl.Series(["<b>&'\"" if v == "web" else v for v in evil["source"]])
    text = page(train(evil.with_columns(source=source), TrainOptions(target="won", name="<i>")).report)
    assert "<script" not in text
    assert "<b>&'" not in text
    assert "&lt;script&gt;alert(1)" in text


def test_hostile_numbers_do_not_break_the_page() -> None:
    """A tier or bin without leads shows as such."""
    data: dict[str, Any] = json.loads(json.dumps(trained().report))
    data["held_out"]["tiers"][0]["conversion"] = {"value": None, "low": None, "high": None}
    assert "no leads" in page(data)


def test_the_evidence_of_the_leak_guard_is_shown() -> None:
    """The suspect stands in sight with its signs, the others are folded away; what a file says is escaped."""
    text = page(with_a_leak())
    part = text[text.index("Was any column written after the outcome?") :]
    assert part.index("Lost reason &lt;b&gt;") < part.index("left out: ") < part.index("<details>")
    assert "4 columns without a sign of a leak" in part
    assert part.index("<details>") < part.index("no sign of a leak")


def test_a_page_without_suspects_or_evidence_says_so_or_nothing() -> None:
    """Of a clean file, that there are none; ``evaluate`` has no evidence."""
    assert "No column is a suspect." in page(trained().report)
    assert "Was any column" not in page(trained().report | {"evidence": []})


def test_the_page_fits_a_narrow_dark_screen(tmp_path: Path) -> None:
    """Of a telephone: tables scroll in their section, and the page does not; text is light on dark."""
    (tmp_path / "report.html").write_text(page(with_a_leak()))
    with pages(tmp_path) as address, browsing(tmp_path) as tab:
        tab.ask("Emulation.setDeviceMetricsOverride", width=360, height=740, deviceScaleFactor=1, mobile=True)
        tab.ask("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "dark"}])
        tab.open(f"{address}/report.html")
        assert tab.value("document.documentElement.scrollWidth") <= 360
        assert tab.value("getComputedStyle(document.body).backgroundColor") == "rgb(15, 22, 30)"
        assert tab.value("getComputedStyle(document.querySelector('td')).color") == "rgb(230, 235, 241)"
        tab.value("document.querySelector('details').open = true")
        assert tab.value("document.querySelector('details table').offsetHeight") > 0
        assert tab.value("document.documentElement.scrollWidth") <= 360


@pytest.mark.parametrize(
    ("leaves", "words"),
    [(0, "90 trees of depth 10, rate 0.04"), (31, "90 trees of at most 31 leaves, rate 0.04"), (None, "of depth 10,")],
)
def test_trees_are_described_by_what_limits_them(leaves: int | None, words: str) -> None:
    """By leaves where they grow by their best leaf; old reports know only the depth."""
    recipe = {"rounds": 90, "depth": 10, "rate": 0.04} | ({} if leaves is None else {"leaves": leaves})
    assert words in recipe_text(recipe)
