"""Groups of leads by the values of one feature: its categories, its numbers in bands, its words."""

from collections.abc import Iterator

import msgspec
import numpy as np
import numpy.typing as npt

from leadscoring.contract.columns import Column
from leadscoring.contract.features import Feature
from leadscoring.training.reading.series import Matrix

Mask = npt.NDArray[np.bool_]

UNKNOWN, OTHER = "unknown", "other values"
MOST = 8
"""Maximum number of bands of a number, and of named categories."""

FEWEST = 10
"""Minimum leads of a level for it to be shown."""

LONGEST = 60
"""Characters of a value that are shown."""


class Level(msgspec.Struct, frozen=True):
    """Leads that share a value, or a band of values, of a feature, as a mask of shape (leads,)."""

    value: str
    rows: Mask
    order: float
    """The middle of a band; NaN for a level without order, such as a category."""


def levels(feature: Feature, values: Matrix, top: int, most: int = MOST) -> list[Level]:
    """Returns the levels of a feature; ``values`` are its columns, of shape (leads, columns).

    Of a feature with aspects, such as a text or a date, ``top`` is the column that matters most: bands of it if it
    holds numbers, else one level for each word that leads have. Levels of few leads are left out.
    """
    column = feature.columns[top]
    if not feature.form.is_aspected:
        found = [*by_value(feature.columns[0], values[:, 0], most)]
    elif column.most == 1:
        found = [*by_word(feature, values, most)]
    else:
        name = column.name.removeprefix(feature.name).strip()
        found = [
            msgspec.structs.replace(level, value=f"{name} {level.value}") for level in by_number(values[:, top], most)
        ]
    return [level for level in found if level.rows.sum() >= FEWEST]


def by_value(column: Column, values: Matrix, most: int) -> Iterator[Level]:
    """Yields the levels of a single column."""
    if column.labels:
        yield from by_category(column, values, most)
    elif column.most == 1 or set(np.unique(values[~np.isnan(values)]).tolist()) <= {0.0, 1.0}:
        for number, word in enumerate(("no", "yes")):
            yield Level(word, values == number, float(number))
        yield from missing(values)
    else:
        yield from by_number(values, most)


def by_category(column: Column, values: Matrix, most: int) -> Iterator[Level]:
    """Yields the most frequent categories, then all others together."""
    known = ~np.isnan(values)
    counts = np.bincount(values[known].astype(np.int64), minlength=len(column.labels))[: len(column.labels)]
    named = [int(code) for code in np.argsort(-counts, kind="stable")[:most] if counts[code] >= FEWEST]
    for code in named:
        yield Level(str(column.labels[code])[:LONGEST], values == code, np.nan)
    yield Level(OTHER, known & ~np.isin(values, named), np.nan)
    yield from missing(values)


def by_number(values: Matrix, most: int) -> Iterator[Level]:
    """Yields the values of a number if they are few, else bands of about equal size."""
    known = values[~np.isnan(values)]
    distinct = np.unique(known)
    edges = distinct
    if len(distinct) > most:
        edges = np.unique(np.quantile(known, np.linspace(0.0, 1.0, most + 1)[1:], method="lower"))
    low = -np.inf
    for edge in edges:
        rows = (values > low) & (values <= edge)
        inside = values[rows]
        first, last = (shown(float(bound)) for bound in (inside.min(), inside.max()))
        yield Level(first if first == last else f"{first} to {last}", rows, float(np.median(inside)))
        low = edge
    yield from missing(values)


def by_word(feature: Feature, values: Matrix, most: int) -> Iterator[Level]:
    """Yields the words that leads have, the most frequent first; one lead may have several."""
    words = [place for place, column in enumerate(feature.columns) if column.most == 1]
    counts = [int((values[:, place] == 1.0).sum()) for place in words]
    for number in sorted(range(len(words)), key=lambda one: -counts[one])[:most]:
        yield Level(feature.phrase(words[number], 1.0)[:LONGEST], values[:, words[number]] == 1.0, np.nan)
    yield from missing(values[:, words[0]])


def missing(values: Matrix) -> Iterator[Level]:
    """Yields the leads without a value."""
    yield Level(UNKNOWN, np.isnan(values), np.nan)


def shown(number: float) -> str:
    """Formats a bound of a band."""
    if abs(number) >= 10000:
        return f"{number:,.0f}"
    return f"{number:.4g}"
