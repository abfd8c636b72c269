"""One column: the feature that its numbers or its texts make, or why they make none."""

from collections.abc import Sequence

import msgspec
import numpy as np
import polars as pl

from leadscoring.contract.features import Feature
from leadscoring.contract.kinds import KINDS, WHOLE_MAX
from leadscoring.errors import TrainingDataError
from leadscoring.float32 import FLOAT32_MAX
from leadscoring.model.reading import Notation
from leadscoring.training import names
from leadscoring.training.reading.how import How
from leadscoring.training.reading.levels import folded, levels_of
from leadscoring.training.reading.missing import SPELLINGS
from leadscoring.training.reading.notation import STRAY_SHARE, Decided, looks_like_numbers
from leadscoring.training.reading.series import Vector, as_text, numbers

FEWEST = 20
"""A category level with fewer rows than this says nothing; nor does the sum of such levels, nor a column."""

RARE_SHARE = 0.005
"""A level of a smaller share than this folds into *other*."""

NEARLY = 0.5
"""Text with more distinct values than this share of its rows names leads, not kinds of lead."""

STRAYS = 10
"""Texts among numbers that are listed, the most frequent first."""

LOOKS = 0.5
"""A column of which so many values look like numbers is warned of where it is read as text with many values."""

COUNTED = 10
"""Whole numbers from 0 or 1 on without a gap count something, where there are so many different ones."""

ID_NAMES = ("id", "uuid", "guid", "key", "number", "nr", "no")


class Read(msgspec.Struct):
    """One column on its way: as it was, what is left of it, and the feature or the reason to drop it."""

    column: pl.Series
    raw: pl.Series
    how: How = How()
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
    """Warnings that the column could not be read as what it looks like, whatever becomes of it."""

    @property
    def plain(self) -> Vector:
        """The column as plain numbers, NaN where it holds none."""
        return numbers(self.column)


def read_number(read: Read, decided: Decided) -> bool:
    """Fill ``read`` with the numbers decided on; whether the column holds numbers."""
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
        strays = sorted(text.value_counts(name="n").rows(), key=lambda row: (-row[1], row[0]))[:STRAYS]
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
        read.dropped = "an identifier: a different whole number in each row"
    else:
        read.feature = number_feature(read, present, tokens)
    return True


def is_identifier(name: str, values: Vector) -> bool:
    """Whether whole numbers, all different, are counted up row by row, have no gaps, or are called an id."""
    if np.isnan(values).any() or (values != np.floor(values)).any() or len(np.unique(values)) < len(values):
        return False
    steps = np.diff(values)
    ordered = bool((steps > 0).all() or (steps < 0).all())
    dense = np.ptp(values) + 1 <= 1.2 * len(values)
    return ordered or bool(dense) or names.words(name).split(" ")[-1] in ID_NAMES


def number_feature(read: Read, present: Vector, tokens: Sequence[str]) -> Feature:
    """The contract of a column of numbers: its kind, and the bounds that nothing legitimate crosses."""
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
    """What numbers are: a flag only where they are booleans or the name asks for one, whole only where they count.

    A lead to come may well hold what none has held so far, so that 0 and 1 alone make no flag, and whole amounts
    no integer.
    """
    raw, name = read.raw, read.raw.name
    whole = bool((present == np.floor(present)).all()) and float(np.abs(present).max()) <= WHOLE_MAX
    if whole and set(np.unique(present)) <= {0.0, 1.0}:
        text = raw.dtype == pl.String and bool(raw.str.strip_chars().str.to_lowercase().is_in(["true", "false"]).any())
        if raw.dtype == pl.Boolean or text or names.says_flag(name):
            return "flag"
    decimal = raw.dtype.is_float() or (raw.dtype == pl.String and raw.drop_nulls().str.contains(r"\d[.,]\d").any())
    fractions = decimal and len(present) == len(raw)
    counts = names.says_count(name) or (not names.says_measure(name) and consecutive(present))
    return "integer" if whole and not fractions and counts and present.min() >= 0 else "number"


def consecutive(present: Vector) -> bool:
    """Whether whole numbers begin at 0 or 1 and leave no gap in nine tenths of the rows, as counts do."""
    most = np.unique(present[present <= np.quantile(present, 0.9)])
    return len(most) >= COUNTED and most[0] in (0.0, 1.0) and most[-1] - most[0] + 1 == len(most)


def bounds(read: Read, present: Vector, tokens: Sequence[str]) -> tuple[float | None, float | None, str]:
    """Minimum, maximum and help text: 0 where nothing is negative, and no bound otherwise.

    A numeric missing token (say 999 for *never*) beyond everything else bounds the feature, so that a
    lead which still sends it is refused rather than scored as a number.
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
    """Fill ``read`` for a column of text."""
    column = as_text(read.column)
    least = max(FEWEST, RARE_SHARE * len(column))
    read.dropped = names_leads(column)
    found = levels_of(column if not read.dropped else column.clear(), least)
    if not read.dropped and not found.common:
        read.dropped = f"{found.distinct} different texts, none of them in {least:.0f} rows or more"
    few = not read.dropped and found.distinct <= FEWEST
    if read.how.kind is None and not few and not read.notes and looks_like_numbers(column.drop_nulls()) >= LOOKS:
        read.unread.append(misread(column))
    if read.dropped:
        return
    other = found.rows >= FEWEST
    if len(found.common) + other < 2 and column.null_count() + (0 if other else found.rows) < FEWEST:
        others = len(column) - found.top
        read.dropped = f"nearly constant: {found.common[0]!r} in all but {others} row{'s' if others > 1 else ''}"
        return
    if found.aliases:
        some = ", ".join(f"{text!r} as {level!r}" for text, level in list(found.aliases.items())[:3])
        read.notes.append(f"{column.name!r}: values that differ only in case or spaces around them are one: {some}")
    read.column, read.folded = found.column, found.rows
    read.feature = Feature(
        column.name,
        "category",
        required=column.null_count() == 0,
        values=tuple(found.common),
        missing=tuple(sorted({*SPELLINGS, *read.missing} - {*found.common, *found.aliases, *found.rare})),
        other=other,
        example=found.common[0],
        aliases=found.aliases,
        rare=found.rare,
    )


def names_leads(column: pl.Series) -> str:
    """Why texts are too many to be a category; nothing where they are few enough."""
    present = len(column) - column.null_count()
    distinct = folded(column.drop_nulls()).n_unique()
    if distinct == present:
        return "an identifier: a different text in each row"
    return f"nearly unique: {distinct} different texts in {present} rows" if distinct > NEARLY * present else ""


def misread(column: pl.Series) -> str:
    """The warning for a column that looks like numbers, but is not read as such."""
    present = column.drop_nulls()
    plain = ~np.isnan(numbers(present))
    odd = present.filter(pl.Series(~plain))
    share = f"{int(plain.sum())} of {len(present)} values are plain numbers, but not " if plain.any() else ""
    return (
        f"{column.name!r} looks like numbers and was not read as such: {share}{odd[0] if len(odd) else present[0]!r}; "
        "write plain numbers (1234.5), or say with --read how they are written"
    )
