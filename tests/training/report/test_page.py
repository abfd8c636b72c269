"""The report's page needs nothing beside it, and says what its data say, whatever stands in them."""

import json
import re
from functools import cache
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from browser import browsing, pages
from past_leads import leads, trained

from leadscoring.training.fit import train
from leadscoring.training.options import TrainOptions
from leadscoring.training.report.page import page

VOID = {"meta", "br", "link"}
SIZES = (1440, 700, 390, 320)

HOSTILE = {
    "source": "<img src=x onerror=alert(1)>",
    "opt in": "x" * 300,
    "budget [k$] <net>": "\u202eمصدر العميل\"'><script>alert(1)</script>".replace('"', ""),
}
"""Names that are markup, very long, and of another direction; a contract has no quotation marks."""


@cache
def with_a_leak() -> dict[str, Any]:
    """The report on leads of which a column was written after the outcome, compared with a model in service."""
    late = (pl.col("won") == "no") & (pl.int_range(pl.len()) % 3 > 0)
    frame = leads().with_columns(pl.when(late).then(pl.lit("price")).alias("Lost reason <b>"))
    return train(frame, TrainOptions(target="won")).report


@cache
def hostile() -> dict[str, Any]:
    """The report on leads with hostile names and values, over time, of few and of many features."""
    evil = leads(1500).rename(HOSTILE)
    values = pl.Series(["<b>&'\"" if v == "web" else v * 60 for v in evil[HOSTILE["source"]]])
    days = pl.Series([f"2024-{1 + k // 140:02}-{1 + k % 28:02}" for k in range(1500)])
    more = [pl.Series(f"n{k}", np.random.default_rng(k).normal(size=1500).round(2)) for k in range(40)]
    frame = evil.with_columns(values.alias(HOSTILE["source"]), days.alias("at"), *more)
    return train(frame, TrainOptions(target="won", name="<i>" + "n" * 200, time="at")).report


def compared() -> dict[str, Any]:
    """The report with a comparison."""
    figures = [
        {"name": name, "better": better, "served": 0.1, "candidate": 0.2, "verdict": verdict}
        | {"difference": {"value": 0.1, "low": -0.05, "high": 0.2}}
        for name, better, verdict in (("ROC-AUC", "more", "better"), ("log-loss", "less", "cannot tell"))
    ]
    model = {"name": HOSTILE["source"], "version": "1", "created_at": ""}
    return hostile() | {"comparison": {"model": model, "leads": 5, "overlap": "it may know them", "figures": figures}}


class Read(HTMLParser):
    """Checks that every tag that opens is closed, and collects the texts of elements and titles."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.texts: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """A tag that opens, with attributes that neither style nor run anything."""
        assert not {name for name, _ in attrs if name == "style" or name.startswith("on")}
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """A tag that closes itself."""

    def handle_endtag(self, tag: str) -> None:
        """A tag that closes."""
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        """A text."""
        self.texts.append(data)


@pytest.mark.parametrize("report", [lambda: trained().report, with_a_leak, hostile, compared])
def test_the_page_is_self_contained_and_well_formed(report: Any) -> None:
    """No address but those within it, no script, no file beside it; every tag is closed."""
    text = page(report())
    assert not re.search(r"https?:|<script|@import|url\(|src=\"", text)
    assert set(re.findall(r'href="(.)', text)) == {"#", "d"}
    assert Read(text).open == []
    anchors = re.findall(r'href="#([\w-]+)"', text)
    assert all(text.count(f'id="{anchor}"') == 1 for anchor in anchors)


def test_what_decides_comes_first() -> None:
    """The verdict, then the cut-off, the percentages, the effects, the groups, time, data, and what to run."""
    places = [page(compared()).index(f'id="{anchor}"') for anchor in (
        "verdict", "cutoff", "calibration", "tiers", "effects", "segments", "time", "left-out", "evidence", "comparison",
        "next", "figures", "about",
    )]  # fmt: skip
    assert places == sorted(places)


def test_the_numbers_are_those_of_the_data() -> None:
    """Of the verdict, the cut-offs, the tiers, the effects, the groups and the periods."""
    data = hostile()
    texts = [text.strip() for text in Read(page(data)).texts]
    for row in data["cutoffs"]:
        assert f"{row['lift']:.1f}\N{MULTIPLICATION SIGN}" in texts
        assert f"{row['conversion']['value']:.1%}" in texts
        assert f"{row['recall']['low']:.0%} to {row['recall']['high']:.0%}" in texts
    assert f"{data['verdict']['headline']}" in texts
    for tier in data["held_out"]["tiers"]:
        assert f"{tier['leads']:,}" in texts
    for group in data["segments"]:
        assert f"{group['predicted']:.1%}" in texts
        assert f"{group['observed']['value']:.1%}" in texts
    for one in data["effects"]:
        for level in one["levels"]:
            assert f"{level['effect']:+.2f}".replace("-", "\N{MINUS SIGN}") in texts
    for period in data["over_time"]:
        assert f"{period['leads']:,}" in texts


def test_what_a_file_says_cannot_become_markup() -> None:
    """Names and values of the data are escaped, in texts, attributes and charts."""
    text = page(compared())
    assert not re.search(r"<img|<script|<b>&'|<i>n", text)
    names = [one["feature"] for one in hostile()["drivers"]]
    assert len([name for name in names if "<" in name or len(name) > 200]) == len(HOSTILE)
    assert all(f"<bdi>{name}</bdi>" in unescape(text) for name in names)


def test_a_page_of_many_features_stays_small() -> None:
    """Of 43 features, with their effects; all are named."""
    text = page(hostile())
    assert len(text.encode()) < 400_000
    assert all(f"<bdi>n{k}</bdi>" in text for k in range(40))


def test_hostile_numbers_do_not_break_the_page() -> None:
    """A tier or bin without leads shows as such."""
    data: dict[str, Any] = json.loads(json.dumps(trained().report))
    data["held_out"]["tiers"][0]["conversion"] = {"value": None, "low": None, "high": None}
    data["held_out"]["bins"][0]["observed"] = {"value": None, "low": None, "high": None}
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


def test_the_page_fits_every_screen(tmp_path: Path) -> None:
    """Light and dark, from a telephone up, with everything open: tables scroll in their box, and the page does not."""
    (tmp_path / "report.html").write_text(page(compared()))
    grounds = {"light": "rgb(243, 245, 247)", "dark": "rgb(12, 17, 23)"}
    with pages(tmp_path) as address, browsing(tmp_path) as tab:
        for width in SIZES:
            for theme, ground in grounds.items():
                tab.ask("Emulation.setDeviceMetricsOverride", width=width, height=740, deviceScaleFactor=1, mobile=True)
                tab.ask("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": theme}])
                tab.open(f"{address}/report.html")
                tab.value("document.querySelectorAll('details').forEach(one => one.open = true)")
                assert tab.value("document.documentElement.scrollWidth") <= width
                assert tab.value("getComputedStyle(document.body).backgroundColor") == ground
                assert tab.value(OUTSIDE) == []
                assert tab.value(
                    "[...document.querySelectorAll('.only-wide')].every(one => one.checkVisibility())"
                ) == (width > 640)
        assert tab.complaints == []


OUTSIDE = """[...document.querySelectorAll('main *')].filter(one => {
  const box = one.getBoundingClientRect();
  return box.width && box.right > innerWidth + 1 && !one.closest('.scroll, pre, .sr');
}).map(one => one.outerHTML.slice(0, 200))"""
"""What stands outside of the screen, but for what scrolls in its own box."""
