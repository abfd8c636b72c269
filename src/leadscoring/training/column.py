"""Derives the feature of one column from its numbers or texts, or the reason to drop it."""

from collections.abc import Sequence

import msgspec
import numpy as np
import polars as pl

from leadscoring.contract.features import Feature
from leadscoring.contract.kinds import KINDS, WHOLE_MAX
from leadscoring.errors import TrainingDataError
from leadscoring.float32 import FLOAT32_MAX
from leadscoring.model.reading import DayOrder, Notation
from leadscoring.training import names
from leadscoring.training.reading.how import How
from leadscoring.training.reading.levels import folded, levels_of
from leadscoring.training.reading.missing import SPELLINGS
from leadscoring.training.reading.notation import STRAY_SHARE, Decided, looks_like_numbers
from leadscoring.training.reading.series import Vector, as_text, counts_of, numbers
from leadscoring.training.reading.traits import Traits

FEWEST = 20
"""Minimum rows of a category level, of all rare levels together, and of the values of a column."""

RARE_SHARE = 0.005
"""Levels with a smaller share of the rows are folded into *other*."""

NEARLY = 0.5
"""Text with more distinct values than this share of its rows identifies leads, and is not a category."""

STRAYS = 10
"""Maximum number of texts among numbers that are treated as missing tokens, the most frequent first."""

LOOKS = 0.5
"""Share of number-like values from which a warning is issued if a column is parsed as text with many values."""

COUNTED = 10
"""Minimum number of distinct consecutive integers from 0 or 1 that indicate a count."""

ID_NAMES = ("id", "uuid", "guid", "key", "number", "nr", "no")


class Read(msgspec.Struct):
    """One column while it is parsed: as it was, as parsed so far, and the feature or the reason to drop it."""

    column: pl.Series
    raw: pl.Series
    how: How = How()
    traits: Traits = Traits()
    feature: Feature | None = None
    dropped: str = ""
    done: bool = False
    notation: Notation | None = None
    missing: dict[str, int] = {}
    tokens: tuple[str, ...] = ()
    folded: int = 0
    notes: list[str] = []
    warnings: list[str] = []
    unread: list[str] = []
    """Warnings that the column could not be parsed as what it looks like, reported even if it is dropped."""
    first: DayOrder | None = None
    """The order of day and month in dates."""
    habit: DayOrder | None = None
    """The order that other columns of the file have, for dates that leave it open."""
    identifies: bool = False
    """Whether it is dropped because its values identify leads; whether there is one may still say something."""

    @property
    def plain(self) -> Vector:
        """The column as plain numbers, NaN for other values."""
        return numbers(self.column)


def read_number(read: Read, decided: Decided) -> bool:
    """Completes ``read`` with the parsed numbers; returns whether the column holds numbers.

    Raises ``TrainingDataError`` if the column does not match the user's ``--read``.
    """
    column, values, name = read.column, decided.values, read.column.name
    tokens = list(read.missing)
    unread = np.isnan(values) & column.is_not_null().to_numpy()
    if column.dtype == pl.String and unread.any():
        text = column.filter(pl.Series(unread))
        if len(text) > STRAY_SHARE * (len(column) - column.null_count()):
            if read.how.kind is not None or read.how.notation is not None:
                raise TrainingDataError(
                    f"--read says that {name!r} holds numbers, but {len(text)} values do not fit, such as {text[0]!r}"
                )
            return False
        strays = counts_of(text)[:STRAYS]
        read.missing = {**read.missing, **dict(strays)}
        some = ", ".join(f"{value!r} {count} times" for value, count in strays[:3])
        read.warnings.append(f"{name!r} holds numbers, but also {some}: {len(text)} values were read as missing")
    elif unread.any() or (column.dtype.is_float() and np.isinf(column.fill_null(0).to_numpy()).any()):
        read.warnings.append(f"{name!r} holds NaN or values beyond {FLOAT32_MAX:.3g}: read as missing")
    read.notation = decided.notation
    read.notes += [f"{name!r}: {decided.words}"] if decided.words else []
    read.warnings += decided.warnings
    read.column = pl.Series(name, values).fill_nan(None)
    present = values[~np.isnan(values)]
    if len(present) == 0:
        read.dropped = "all missing"
    elif read.how.kind is None and is_identifier(name, values):
        read.dropped, read.identifies = "an identifier: a different whole number in each row", True
    else:
        read.feature = number_feature(read, present, tokens)
    return True


def is_identifier(name: str, values: Vector) -> bool:
    """Whether the values are distinct integers that are sorted, have no large gaps, or are named like an id."""
    if np.isnan(values).any() or (values != np.floor(values)).any() or pl.Series(values).n_unique() < len(values):
        return False
    steps = np.diff(values)
    ordered = bool((steps > 0).all() or (steps < 0).all())
    dense = np.ptp(values) + 1 <= 1.2 * len(values)
    return ordered or bool(dense) or names.words(name).split(" ")[-1] in ID_NAMES


def number_feature(read: Read, present: Vector, tokens: Sequence[str]) -> Feature:
    """Derives the feature of a column of numbers: its kind and bounds.

    Raises ``TrainingDataError`` if the values do not match the user's ``--read``.
    """
    name, required = read.raw.name, len(present) == len(read.raw)
    kind = read.how.kind or number_kind(read, present)
    unfit = ~KINDS[kind].fits(Feature(name, kind), present)
    if unfit.any():
        raise TrainingDataError(f"--read says that {name!r} is a {kind}, but it holds {present[unfit][0]:g}")
    if not KINDS[kind].is_bounded:
        return Feature(name, kind, required=required, example=int(present[0]))
    low, high, words = bounds(read, present, tokens)
    median = float(np.median(present))
    nearest = present[np.abs(present - median).argmin()]
    example: float | int = int(nearest) if KINDS[kind].is_whole else float(f"{median:.6g}")
    unit = "" if read.notation is None else "%" if read.notation.percent else read.notation.currency
    return Feature(name, kind, required=required, minimum=low, maximum=high, help=words, unit=unit, example=example)


def number_kind(read: Read, present: Vector) -> str:
    """Returns the kind of numbers: flag only for booleans or names that suggest one, integer only for counts.

    Future leads may have values that no past lead had, so that 0 and 1 alone do not make a flag, and whole amounts
    do not make an integer.
    """
    raw, name = read.raw, read.raw.name
    whole = bool((present == np.floor(present)).all()) and float(np.abs(present).max()) <= WHOLE_MAX
    if not whole or present.min() < 0:
        return "number"
    if bool(((present == 0.0) | (present == 1.0)).all()):
        text = raw.dtype == pl.String and bool(raw.str.strip_chars().str.to_lowercase().is_in(["true", "false"]).any())
        if raw.dtype == pl.Boolean or text or names.says_flag(name):
            return "flag"
    if len(present) == len(raw) and are_decimals(raw):
        return "number"
    counts = names.says_count(name) or (not names.says_measure(name) and consecutive(present))
    return "integer" if counts else "number"


def are_decimals(raw: pl.Series) -> bool:
    """Whether numbers are stored, or some of them written, with a fraction."""
    return raw.dtype.is_float() or (raw.dtype == pl.String and bool(raw.str.contains(r"\d[.,]\d").any()))


def consecutive(present: Vector) -> bool:
    """Whether integers start at 0 or 1 and have no gaps in the lower nine tenths of the rows, as counts do."""
    most = np.unique(present[present <= np.quantile(present, 0.9)])
    return len(most) >= COUNTED and most[0] in (0.0, 1.0) and most[-1] - most[0] + 1 == len(most)


def bounds(read: Read, present: Vector, tokens: Sequence[str]) -> tuple[float | None, float | None, str]:
    """Returns minimum, maximum and help text: a minimum of 0 if no value is negative, and no other bounds.

    A numeric missing token (say 999 for *never*) beyond all other values bounds the feature, so that leads which
    still send it are rejected rather than scored with it as a number.
    """
    low: float | None = 0.0 if present.min() >= 0.0 else None
    high: float | None = None
    words = "never negative in the training data" if low == 0.0 else ""
    for token in tokens:
        try:
            value = float(token)
        except ValueError:
            continue
        if not np.isfinite(value):
            continue
        words = f"{words}; {token} meant unknown in the training data: leave the feature out instead".lstrip("; ")
        if value > present.max():
            high = value - 1.0 if present.max() <= value - 1.0 else float(np.nextafter(value, -np.inf))
        elif value < present.min() and value >= (low if low is not None else -np.inf):
            low = value + 1.0 if present.min() >= value + 1.0 else float(np.nextafter(value, np.inf))
        elif value >= present.min():
            read.warnings.append(
                f"{read.column.name!r}: {token} means unknown here, but lies among real values; "
                "leads to score must leave the feature out, not send it"
            )
    return low, high, words


def read_category(read: Read) -> None:
    """Completes ``read`` for a column of text."""
    column = as_text(read.column)
    least = max(FEWEST, RARE_SHARE * len(column))
    read.dropped = names_leads(column)
    read.identifies = read.dropped != ""
    levels = levels_of(column if not read.dropped else column.clear(), least)
    if not read.dropped and not levels.common:
        read.dropped = f"{levels.distinct} different texts, none of them in {least:.0f} rows or more"
        read.identifies = True
    few = not read.dropped and levels.distinct <= FEWEST
    if read.how.kind is None and not few and not read.notes and looks_like_numbers(column.drop_nulls()) >= LOOKS:
        read.unread.append(misread(column))
    if read.dropped:
        return
    other = levels.rows >= FEWEST
    if len(levels.common) + other < 2 and column.null_count() + (0 if other else levels.rows) < FEWEST:
        others = len(column) - levels.top
        read.dropped = f"nearly constant: {levels.common[0]!r} in all but {others} row{'s' if others > 1 else ''}"
        return
    if levels.aliases:
        some = ", ".join(f"{text!r} as {level!r}" for text, level in list(levels.aliases.items())[:3])
        read.notes.append(
            f"{column.name!r}: values that differ only in case or spaces around them are one: {some}; other "
            "spellings than these are unseen when leads are scored"
        )
    read.column, read.folded = levels.column, levels.rows
    read.feature = Feature(
        column.name,
        "category",
        required=column.null_count() == 0,
        values=tuple(levels.common),
        missing=tuple(sorted({*SPELLINGS, *read.missing} - {*levels.common, *levels.aliases, *levels.rare})),
        other=other,
        example=levels.common[0],
        aliases=levels.aliases,
        rare=levels.rare,
    )


def names_leads(column: pl.Series) -> str:
    """Returns why a column has too many distinct texts for a category; empty if it has not."""
    present = len(column) - column.null_count()
    distinct = folded(column.drop_nulls()).n_unique()
    if distinct == present:
        return "an identifier: a different text in each row"
    return f"nearly unique: {distinct} different texts in {present} rows" if distinct > NEARLY * present else ""


def misread(column: pl.Series) -> str:
    """Returns the warning for a column that looks like numbers, but is not parsed as such."""
    present = column.drop_nulls()
    plain = ~np.isnan(numbers(present))
    odd = present.filter(pl.Series(~plain))
    share = f"{int(plain.sum())} of {len(present)} values are plain numbers, but not " if plain.any() else ""
    return (
        f"{column.name!r} looks like numbers and was not read as such: {share}{odd[0] if len(odd) else present[0]!r}; "
        "write plain numbers (1234.5), or say with --read how they are written"
    )
