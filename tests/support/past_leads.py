"""Made-up past leads that are small, quick to train on, and whose truth is known."""

from functools import cache
from pathlib import Path

import numpy as np
import polars as pl

from leadscoring.training.fit import Trained, train
from leadscoring.training.options import TrainOptions

SOURCES = ("web", "event", "partner")


def leads(rows: int = 600, seed: int = 0) -> pl.DataFrame:
    """Leads whose outcome depends on visits and source, and hardly on anything else."""
    random = np.random.default_rng(seed)
    visits = random.poisson(4, rows)
    source = random.choice(SOURCES, rows, p=(0.6, 0.25, 0.15))
    budget = np.where(random.random(rows) < 0.2, np.nan, random.gamma(2.0, 10.0, rows).round(2))
    margin = -2.2 + 0.45 * visits - 1.2 * (source == "web") + 0.01 * np.nan_to_num(budget)
    won = random.random(rows) < 1.0 / (1.0 + np.exp(-margin))
    return pl.DataFrame(
        {
            "visits": visits,
            "source": source,
            "budget [k$] <net>": pl.Series(budget).fill_nan(None),
            "opt in": random.integers(0, 2, rows),
            "won": np.where(won, "yes", "no"),
        }
    )


@cache
def trained(rows: int = 600, seed: int = 0) -> Trained:
    """A model of such leads, trained once."""
    return train(leads(rows, seed), TrainOptions(target="won", name="made-up"))


def csv_of(frame: pl.DataFrame, path: Path) -> Path:
    """The frame as a CSV file."""
    frame.write_csv(path)
    return path
