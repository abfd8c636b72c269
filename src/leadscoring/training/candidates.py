"""Which columns of a table could be the outcome of its leads: few values, of which some mean converted."""

import re
from collections.abc import Sequence

import msgspec
import polars as pl

from leadscoring.errors import TrainingDataError
from leadscoring.training import names
from leadscoring.training.outcome import Outcome, is_negative, is_open, is_positive, outcomes
from leadscoring.training.reading.missing import MissingTokens
from leadscoring.training.reading.series import as_text, counts_of

MOST_VALUES = 30
"""Maximum number of distinct values of a target."""

SHOWN = 6

NAMES = re.compile(
    r"\b(?:converted|conversion|is won|won|outcome|target|label|result|deal stage|stage|status|lead status|y|class"
    r"|status reason|closed won|is customer|success|bought|purchased|signed|sold)\b"
)
"""Names of outcomes."""

SURE = re.compile(r"^(?:is |has )?(?:converted|conversion|won|outcome|target|label|y|deal stage|stage|closed won)$")
"""Names that hardly any other column has."""


WON = re.compile(r"\b(?:won|converted|customer|gewonnen|sold|signed)\b")
"""Words of values that mean converted, with more words beside them."""


class Candidate(msgspec.Struct, frozen=True):
    """A column that could be the outcome: its most frequent values, and which of them would mean converted."""

    column: str
    values: dict[str, int]
    converted: tuple[str, ...]
    share: float
    points: float


def candidates(frame: pl.DataFrame) -> list[Candidate]:
    """The columns that could be the outcome, the most probable first; of two of the same points the first one."""
    found = [one for column in frame.iter_columns() if (one := candidate(column)) is not None]
    return sorted(found, key=lambda one: -one.points)


def candidate(column: pl.Series) -> Candidate | None:
    """What a column would be as the outcome; ``None`` if it can be none."""
    name = column.name
    if not (column.dtype in (pl.String, pl.Boolean, pl.Categorical, pl.Enum) or column.dtype.is_numeric()):
        return None
    if column.head(10_000).n_unique() > MOST_VALUES + 5 or column.n_unique() > MOST_VALUES + 5:
        return None
    counts = dict(counts_of(as_text(column).drop_nulls()))
    outcome = judged(column, ())
    if outcome is None and (won := won_among(name, list(counts))):
        outcome = judged(column, won)
    if outcome is None:
        return None
    share = outcome.column.mean()
    values = dict(list(counts.items())[:SHOWN])
    points = points_of(name, list(counts), outcome.positive)
    return Candidate(name, values, outcome.positive, float(share), points)  # type: ignore[arg-type]  # of numbers


def judged(column: pl.Series, positive: Sequence[str]) -> Outcome | None:
    """The outcomes of a column, if its values say which of them mean converted, or ``positive`` does."""
    try:
        return outcomes(column.to_frame(), column.name, positive, (), MissingTokens())
    except TrainingDataError:
        return None


def won_among(name: str, values: Sequence[str]) -> list[str]:
    """The values that speak of a conversion, such as *Closed won - upsell*, in a column with the name of an outcome."""
    if not NAMES.search(names.words(name)):
        return []
    return [
        value
        for value in values
        if (is_positive(value) or WON.search(names.words(value))) and not is_negative(value) and "," not in value
    ]


def points_of(name: str, values: list[str], converted: tuple[str, ...]) -> float:
    """How probable it is that a column is the outcome, by its name and values."""
    plain = names.words(name)
    known = sum(is_positive(value) or is_negative(value) or is_open(value) for value in values) / max(len(values), 1)
    numeric = all(value.strip() in {"0", "1", "0.0", "1.0"} for value in values)
    said = any(value.strip().casefold() not in {"0", "1", "1.0", "yes", "no", "true", "y", "n"} for value in converted)
    return (
        4.0 * bool(SURE.search(plain))
        + 2.0 * bool(NAMES.search(plain))
        + 2.0 * said * known
        - 0.5 * (not numeric and not said)
    )
