"""The report's page needs nothing beside it, and says what its data say, whatever stands in them."""

import json
import re
from html.parser import HTMLParser
from typing import Any

import polars as pl
from past_leads import leads, trained

from leadscoring.training.fit import TrainOptions, train
from leadscoring.training.report.page import page

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
