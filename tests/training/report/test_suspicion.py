import re
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from past_leads import leads

from leadscoring.cli.summary import summary
from leadscoring.quality.figures import measure
from leadscoring.training.evaluate import evaluate
from leadscoring.training.fit import train
from leadscoring.training.options import TrainOptions
from leadscoring.training.report.suspicion import inverted

ROWS = 600


def report_of(frame: pl.DataFrame, **options: object) -> dict[str, list[str]]:
    """What a training says."""
    report: dict[str, list[str]] = train(frame, TrainOptions(target="won", **options)).report  # type: ignore[arg-type]
    return report


KNOWN = {"keep": ("is_*", "total", "x"), "because": ("the test says so",)}


def test_two_columns_that_together_are_the_outcome_are_named_at_the_top() -> None:
    """Neither alone tells it; where both are kept, the ranking gives them away."""
    frame = leads(ROWS)
    won, random = (frame["won"] == "yes").to_numpy(), np.random.default_rng(1)
    closed = won | (random.random(ROWS) < 0.7)
    known = frame.with_columns(is_closed=closed.astype(int), is_lost=(closed & ~won).astype(int))
    report = report_of(known, **KNOWN)
    first, *rest = (words for words in report["warnings"] if "means no column" not in words)
    assert "too good to be true" in first
    assert "'is_closed', " in first
    assert "'is_lost', " in first
    assert "lower the score" in first
    assert any("'is_closed', 'is_lost': judging by the name" in words for words in rest)
    text = "\n".join(line.text for line in summary(report))
    assert text.index("too good to be true") < text.index("visits")
    assert "'is_closed' was left out" in " ".join(report_of(known)["warnings"])


def test_a_column_filled_in_after_the_fact_is_left_out() -> None:
    """Nine winners in ten have an amount, and nobody else has."""
    frame = leads(ROWS)
    won, random = (frame["won"] == "yes").to_numpy(), np.random.default_rng(1)
    amount = np.where(won & (random.random(ROWS) < 0.9), random.gamma(2, 1000, ROWS).round(2), np.nan)
    known = frame.with_columns(total=pl.Series(amount).fill_nan(None))
    filled = re.compile(
        r"'total' was left out: a probable leak: of the \d+ leads for which it has a value, 100.0% conv"
    )
    assert any(map(filled.search, report_of(known)["warnings"]))
    assert any("'total' alone is" in words for words in report_of(known, **KNOWN)["warnings"])


def test_an_honest_model_raises_no_suspicion() -> None:
    """Several columns that each say a little."""
    random = np.random.default_rng(2)
    x = random.normal(size=(1500, 6)).round(3)
    won = random.random(1500) < 1 / (1 + np.exp(-x.sum(axis=1) * 0.6))
    frame = pl.DataFrame({f"x{k}": x[:, k] for k in range(6)} | {"won": np.where(won, "yes", "no")})
    assert report_of(frame)["warnings"] == []


def test_what_is_said_of_columns_left_out_stands_apart() -> None:
    """A leak that was dropped needs no attention, and does not hide what does."""
    frame = leads(ROWS)
    report = report_of(frame.with_columns(outcome_text=pl.col("won") + "!"))
    assert any("'outcome_text' was excluded" in words for words in report["aside"])
    assert not any("outcome_text" in words for words in report["warnings"])
    assert any("excluded column: 'outcome_text'" in line.text for line in summary(report))


def test_a_model_that_is_too_good_elsewhere_says_so_too(tmp_path: Path) -> None:
    """``evaluate`` measures models of others, whose training nobody here has seen."""
    frame = leads(ROWS)
    won = (frame["won"] == "yes").to_numpy()
    known = frame.with_columns(x=pl.Series(won + np.random.default_rng(1).normal(size=ROWS) * 0.27).round(3))
    train(known, TrainOptions(target="won", keep=("x",), because=("the test says so",))).save(tmp_path / "m.json")
    assert any("too good to be true" in words for words in evaluate(tmp_path / "m.json", known, "won")["warnings"])


@pytest.mark.parametrize(("flip", "words"), [(False, ""), (True, "tier A converted less often than tier B")])
def test_tiers_in_the_wrong_order_are_a_warning(flip: bool, words: str) -> None:
    """Beyond chance only."""
    p = np.linspace(0.01, 0.99, 1000)
    y = (np.random.default_rng(0).random(1000) < p).astype(float)
    if flip:
        y[p > 0.9] = 0.0
    tiers = measure(y, p, (0.9, 0.6, 0.4, 0.2), resamples=2).tiers
    assert words in inverted(tiers)
    assert bool(inverted(tiers)) == flip


def test_personal_data_is_left_out_unless_it_is_kept_by_name() -> None:
    """Names and genders are no features by default, nor are addresses as texts, and a note reports that."""
    frame = leads(300).with_columns(
        pl.Series("First Name", ["Ann", "Bob", "Cem"] * 100), pl.Series("Gender", ["f", "m", "m"] * 100)
    )
    phone = pl.Series("Phone", ["yes", "no", "no"] * 100)  # no number of anybody
    frame = frame.with_columns(phone, login=pl.Series([f"u{k % 9}@x.org" for k in range(300)]))
    dropped = train(frame, TrainOptions(target="won", read=("login=category",))).report["columns"]["dropped"]
    assert dropped["First Name"] == "personal data (a person's name): kept only where --keep names it"
    assert dropped["Gender"] == "personal data (gender): kept only where --keep names it"
    assert "how to reach a person" in dropped["login"]
    assert "Phone" not in dropped
    kept = train(frame, TrainOptions(target="won", keep=("Gen*",))).card.contract.names
    assert "Gender" in kept
    assert "First Name" not in kept
