"""What each column says about the outcome by itself: evidence of leaks, before any model of them together."""

from collections.abc import Mapping

import msgspec
import numpy as np
import numpy.typing as npt
import polars as pl

from leadscoring.training import late
from leadscoring.training.later import as_floats, computed, seen, with_time
from leadscoring.training.quick import Quick
from leadscoring.training.reading.series import Vector, counts_of

PURE = 0.8
"""Minimum share of one outcome in a part of the leads that a column sets apart, at the lower end of its interval."""

ODDS = 25.0
"""Minimum ratio of the odds in this part and overall."""

LEAST_ODDS = 10.0
"""The same at the lower end of the interval."""

EXPECTED = 20.0
"""Minimum number of leads of the other outcome that chance would put there."""

COVERED = 0.25
"""Minimum share of all leads with this outcome in it."""

AFTER = 0.2
"""Maximum share of dates that lie after the outcome."""

MOVES = 0.5
"""Maximum rank correlation with the time since the outcome, at equal moments of the leads."""


class Evidence(msgspec.Struct, frozen=True):
    """What is known of one column.

    ``alone`` is its cross-validated ROC-AUC, ``filled`` the share of converted and of other leads that have a value.
    ``name`` is what its name speaks of, ``strong`` whether hardly any honest column has such a name. ``results`` are
    values that record what came of a lead. ``given`` are signs that it was written after the outcome, as sentences:
    each suffices. ``moves`` is its rank correlation with the time since the outcome.
    """

    column: str
    alone: float
    filled: tuple[float, float]
    name: str = ""
    strong: bool = False
    results: tuple[str, ...] = ()
    given: tuple[str, ...] = ()
    moves: float = 0.0


class When(msgspec.Struct, frozen=True):
    """The moment of each lead, when its outcome became known, and by name, columns of dates after the moment.

    Vectors are microseconds since 1970 of shape (leads,), NaN where unknown; ``None`` if no column says so.
    """

    as_of: Vector | None = None
    decided: Vector | None = None
    later: Mapping[str, Vector] = {}


def evidence(frame: pl.DataFrame, y: Vector, quick: Quick, when: When | None = None) -> list[Evidence]:
    """The evidence on each column of a frame, with outcomes ``y``."""
    when = when or When()
    prefix = late.prefix_of(frame.columns)
    known = seen(frame, when.as_of).iter_columns()
    return [
        of_column(column, then.is_not_null().to_numpy(), y, alone, prefix, when)
        for column, then, alone in zip(frame.iter_columns(), known, quick.each_alone(), strict=True)
    ]


def of_column(
    column: pl.Series, filled: npt.NDArray[np.bool_], y: Vector, alone: float, prefix: str, when: When
) -> Evidence:
    """The evidence on one column, of which ``filled`` values were known at the moment."""
    name = column.name.removeprefix(prefix)
    strong = late.strongly(name) or late.strongly(column.name)
    text = column.dtype == pl.String
    counted = [] if not text else counts_of(column)
    given = [known_only(filled, y, "has a value"), known_only(~filled, y, "has no value"), *after(column, when.decided)]
    if text and not any(given):
        given.append(pure_values(column, y))
    moves = 0.0
    if not text and when.as_of is not None:
        given.append(computed(column, when.as_of, when.later))
        moves = 0.0 if when.decided is None else with_time(column, when.as_of, when.decided)
    return Evidence(
        column.name,
        alone,
        (float(filled[y == 1.0].mean()), float(filled[y == 0.0].mean())),
        strong or late.weakly(name),
        bool(strong),
        late.results_among([value for value, _ in counted], [count for _, count in counted]),
        tuple(filter(None, given)),
        moves,
    )


def known_only(part: npt.NDArray[np.bool_], y: Vector, what: str) -> str:
    """Says that a part of the leads has hardly more than one outcome; empty if it does not, or is small."""
    for outcome, words in ((1.0, "converted"), (0.0, "did not convert")):
        if is_pure(part, y, outcome):
            return f"of the {int(part.sum())} leads for which it {what}, {(y[part] == outcome).mean():.1%} {words}"
    return ""


def is_pure(part: npt.NDArray[np.bool_], y: Vector, outcome: float) -> bool:
    """Whether a part of the leads nearly determines that they have an outcome, and holds many of those that do."""
    rows, inside = int(part.sum()), int((y[part] == outcome).sum())
    every = int((y == outcome).sum())
    other = len(y) - every
    if not 0 < rows < len(y) or rows * other / len(y) < EXPECTED or inside < COVERED * every:
        return False
    least = lower_share(inside, rows)
    odds = (inside + 0.5) / (rows - inside + 0.5)
    return least >= PURE and odds >= ODDS * every / other and least / (1.0 - least) >= LEAST_ODDS * every / other


def lower_share(count: int, rows: int, z: float = 1.96) -> float:
    """The lower end of the 95 % interval of a share (Wilson 1927)."""
    share = count / rows
    middle = share + z * z / (2 * rows)
    return float((middle - z * np.sqrt(share * (1 - share) / rows + z * z / (4 * rows * rows))) / (1 + z * z / rows))


def pure_values(column: pl.Series, y: Vector) -> str:
    """Says that a few values of a text hold most of one outcome and hardly anything else; empty if they do not."""
    rates = pl.DataFrame({"value": column, "y": y}).drop_nulls().group_by("value").agg(pl.len(), pl.col("y").sum())
    for outcome, words in ((1.0, "converted"), (0.0, "did not convert")):
        every = float((y == outcome).sum()) / len(y)
        pure = []
        for value, rows, won in rates.rows():
            inside = int(won if outcome else rows - won)
            if rows * (1 - every) >= EXPECTED / 4 and lower_share(inside, rows) >= max(0.8, every):
                pure.append(value)
        part = column.is_in(pure).fill_null(False).to_numpy() if pure else np.zeros(len(y), dtype=bool)
        if is_pure(part, y, outcome):
            some = ", ".join(map(repr, sorted(pure)[:3]))
            return f"of the {int(part.sum())} leads with {some}, {(y[part] == outcome).mean():.1%} {words}"
    return ""


def after(column: pl.Series, decided: Vector | None) -> list[str]:
    """Says that the dates of a column lie after the outcome; empty if not, or if it holds no dates."""
    if decided is None or column.dtype != pl.Int64:
        return []
    values = as_floats(column)
    known = ~np.isnan(values) & ~np.isnan(decided)
    late_ones = float((values[known] > decided[known]).mean()) if known.sum() >= EXPECTED else 0.0
    return [f"{late_ones:.0%} of its dates lie after the outcome"] if late_ones > AFTER else []
