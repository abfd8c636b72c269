"""Columns of a file, and what is inferred of them; every test file draws the same numbers."""

import numpy as np
import polars as pl

from leadscoring.contract.features import Feature
from leadscoring.training.infer import Asked, Inferred, infer
from leadscoring.training.reading.how import parse_how
from leadscoring.training.reading.missing import parse_tokens

ROWS = 400
_first = np.random.default_rng(7)
Y = (_first.random(ROWS) < 0.3).astype(float)
KEEP = pl.Series("keep", _first.integers(0, 50, ROWS).astype(str))
BEGINNING = _first.bit_generator.state


def drawing() -> np.random.Generator:
    """Numbers by chance that are the same in every run."""
    made = np.random.default_rng()
    made.bit_generator.state = BEGINNING
    return made


def inferred(
    *columns: pl.Series,
    missing: tuple[str, ...] = (),
    ignore: tuple[str, ...] = (),
    keep: tuple[str, ...] = (),
    read: tuple[str, ...] = (),
) -> Inferred:
    """What is inferred of some columns beside one that is certainly kept."""
    frame = pl.DataFrame([KEEP, *columns])
    asked = Asked(ignore, keep, parse_how(read, frame.columns))
    return infer(frame, Y, {}, asked, parse_tokens(missing, frame.columns))


def feature(column: pl.Series, *missing: str, read: tuple[str, ...] = ()) -> Feature:
    """The feature that a column became."""
    found = {one.name: one for one in inferred(column, missing=missing, read=read).contract.features}
    return found[column.name]


def why_dropped(column: pl.Series) -> str:
    """The reason for which a column was dropped."""
    return inferred(column).dropped[column.name]


def text(values: object, name: str = "c") -> pl.Series:
    """A column of text, as a CSV file gives it."""
    return pl.Series(name, [None if v is None else str(v) for v in values], dtype=pl.String)  # type: ignore[attr-defined]
