"""Made-up leads whose columns are known beforehand or not: honest ones of every strength, and leaks of every kind."""

from collections.abc import Callable
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from leadscoring.training.leads import Leads
from leadscoring.training.outcome import Outcome

Floats = NDArray[np.float64]
HONEST = ("Visits", "Company size", "Lead source quality", "Score of the site", "State", "Days since first contact")
LEVELS = ("web", "event", "partner", "referral", "import")


def honest(seed: int) -> tuple[dict[str, pl.Series], Floats]:
    """Columns that precede the outcome, some of them strong, and the outcome that they bring about."""
    random = np.random.default_rng(seed)
    rows = int(random.choice([400, 1000, 3000]))
    strengths = random.permutation([1.6, 0.8, 0.5, 0.3, 0.1, 0.0]) * random.uniform(0.6, 1.1)
    columns, margin = {}, np.zeros(rows)
    for name, strength in zip(HONEST, strengths, strict=True):
        values = random.normal(size=rows)
        margin += strength * values
        shown = np.where(random.random(rows) < random.choice([0.0, 0.3]), np.nan, values.round(2))
        columns[name] = pl.Series(name, shown).fill_nan(None)
    source = random.choice(len(LEVELS), rows, p=(0.4, 0.3, 0.15, 0.1, 0.05))
    margin += np.array([-0.5, 0.0, 0.6, 2.5, -2.0])[source]
    columns["Source"] = pl.Series("Source", [LEVELS[place] for place in source])
    asked = random.random(rows) < 0.6
    margin += np.where(asked, 0.8, -1.2)
    columns["Occupation"] = pl.Series("Occupation", [str(random.choice(["a", "b"])) if one else None for one in asked])
    base = float(random.choice([-3.0, -1.5, 0.0]))
    return columns, (random.random(rows) < 1.0 / (1.0 + np.exp(-margin - base))).astype(float)


def copied(y: Floats, random: np.random.Generator) -> Floats:
    """The outcome with a little noise."""
    return y * 4.0 + random.normal(size=len(y))


def filled_later(y: Floats, random: np.random.Generator) -> Floats:
    """Written for most of those that converted, and for nobody else."""
    return np.where((y == 1.0) & (random.random(len(y)) < 0.8), random.gamma(2.0, 10.0, len(y)), np.nan)


def filled_of_lost(y: Floats, random: np.random.Generator) -> Floats:
    """Written for half of those that did not convert."""
    return np.where((y == 0.0) & (random.random(len(y)) < 0.5), random.gamma(2.0, 10.0, len(y)), np.nan)


def remarks(y: Floats, random: np.random.Generator) -> list[str | None]:
    """What sales wrote down: mostly what came of it, in words of their own."""
    good = random.choice(["p", "q"], len(y))
    bad = random.choice(["r", "s", "t"], len(y))
    told = np.where(random.random(len(y)) < 0.02, 1.0 - y, y)
    return [str(good[k] if won else bad[k]) if random.random() < 0.9 else None for k, won in enumerate(told)]


LEAKS: dict[str, Callable[[Floats, np.random.Generator], Any]] = {
    "Column A": copied,
    "Column B": filled_later,
    "Column C": filled_of_lost,
    "Column D": remarks,
}
"""Leaks by what they are: their names say nothing."""


def leads_of(frame: pl.DataFrame, y: Floats) -> Leads:
    """Leads whose parsed columns are those of the frame."""
    return Leads(frame, y, Outcome(pl.Series("won", y), ("yes",), ()), {"won": "the target"})
