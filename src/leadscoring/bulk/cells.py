"""Reads the columns of a table as the values of leads, as training read its file.

What a cell means depends on the cell and the model's card alone, never on the other cells of the table: a table that is
scored in parts gets the same scores.
"""

from collections.abc import Collection
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

from leadscoring._engine import TextTable, mark_tokens, parse_moments, read_moments
from leadscoring.contract.features import Feature
from leadscoring.contract.kind import is_finite
from leadscoring.contract.moment import SECOND
from leadscoring.contract.tokens import MOST_VALUES
from leadscoring.float32 import FLOAT32_MAX
from leadscoring.model.reading import DayOrder, Notation, Reading
from leadscoring.training.reading.missing import MissingTokens, blank, parse_tokens
from leadscoring.training.reading.moments import moments
from leadscoring.training.reading.notation import read_numbers
from leadscoring.training.reading.series import as_text

FIRST, END = -62_135_596_800 * SECOND, 253_402_300_800 * SECOND
"""The moments that a lead may have, in microseconds since 1970: of the years 1 to 9999."""

SIGNED, UNSIGNED = (pl.Int8, pl.Int16, pl.Int32, pl.Int64), (pl.UInt8, pl.UInt16, pl.UInt32, pl.UInt64)
Codes = npt.NDArray[np.uint32]

READ_AS_THEY_ARE = (*SIGNED, *UNSIGNED, pl.Float32, pl.Float64, pl.Null)
"""The types of numbers that the engine reads without a copy."""


class Cells(NamedTuple):
    """The cells of one column: ``raw`` as the table has them, ``read`` as values of leads, null for unknown.

    ``read`` is of numbers or booleans for what is sent as a number (NaN is unknown, too), text or a list of texts for
    what is sent so, and int64 for dates, in microseconds since 1970. It is one chunk. ``unread``, if any, marks the
    cells that are not of the feature's kind: a lead holds these as they are in ``raw``, and is rejected for them.
    ``places`` are those of a category's texts in its table of codes, if they are known: as many as the table has for
    texts that are not in it, and one more for null.
    """

    raw: pl.Series
    read: pl.Series
    unread: pl.Series | None = None
    places: Codes | None = None


class Reader:
    """Reads the columns of tables by the contract's features and the card's reading."""

    def __init__(self, features: Collection[Feature], reading: Reading) -> None:
        self._features, self._reading = features, reading
        self._tables = {
            one.name: TextTable(map(str, one.code_table)) for one in features if one.code_table and not one.numbers
        }

    def read(self, frame: pl.DataFrame) -> dict[str, Cells]:
        """Reads a table; features whose column it lacks are left out."""
        reading, columns = self._reading, frame.columns
        tokens = parse_tokens([token for token in reading.missing if is_known(token, columns)], columns)
        cells: dict[str, Cells] = {}
        for feature in self._features:
            source = reading.presence.get(feature.name)
            if source is not None and source in columns:
                cells[feature.name] = presence(frame[source].rechunk(), tokens)
            elif feature.name in columns:
                cells[feature.name] = self._cells(feature, frame[feature.name].rechunk(), tokens)
        return cells

    def _cells(self, feature: Feature, raw: pl.Series, tokens: MissingTokens) -> Cells:
        own = {value.casefold() for value in feature.values}  # models of other trainers may have "unknown" as a value
        missing = tokens.of(feature.name) - own
        if raw.dtype == pl.Float64 and not (feature.is_text or feature.form.is_timed):
            return Cells(raw, without(raw, missing))
        raw = raw.cast(pl.String) if raw.dtype in (pl.Categorical, pl.Enum) else raw
        if feature.form.is_timed:
            return dates(raw, missing, self._reading.dates.get(feature.name))
        if feature.is_text:
            return texts(feature, raw, missing, self._tables.get(feature.name))
        return numbers(feature, raw, missing, self._reading.numbers.get(feature.name))


def is_known(token: str, columns: Collection[str]) -> bool:
    """Whether a missing token applies to every column, or to one of the table's."""
    name, sign, _ = token.rpartition("=")
    return not sign or name in columns


def presence(source: pl.Series, tokens: MissingTokens) -> Cells:
    """Whether each lead has a value in a column, as 0 and 1."""
    raw = source.cast(pl.String) if source.dtype in (pl.Categorical, pl.Enum) else source
    filled = without(raw, tokens.of(source.name)).is_not_null()
    return Cells(filled, filled)


def without(column: pl.Series, missing: Collection[str]) -> pl.Series:
    """Replaces missing tokens by null."""
    dtype = column.dtype
    if dtype == pl.String:
        return without_texts(column, missing)
    if not dtype.is_numeric():
        return column
    marks = marks_of(frozenset(missing), dtype)
    if not marks:
        return column
    return pl.select(pl.when(~column.is_in(marks)).then(column)).to_series()


def without_texts(column: pl.Series, missing: Collection[str]) -> pl.Series:
    """Replaces the texts that are missing tokens, but for case and the spaces around them, by null."""
    marks = np.empty(len(column), np.uint8)
    mark_tokens(column, [token.lower() for token in missing], marks)
    places = np.flatnonzero(marks)
    if len(places) == 0:
        return column
    checked = blank(column.gather(places), frozenset(missing))[0]
    hit = places[checked.is_null().to_numpy()]
    return column.scatter(hit, None) if len(hit) else column


@lru_cache(maxsize=1024)
def marks_of(missing: frozenset[str], dtype: pl.DataType) -> list[float | int]:
    """Returns the numbers of a column that mean missing; kept, since they are the same for every table."""
    return [mark for token in missing if (mark := mark_of(token, dtype)) is not None]


def mark_of(token: str, dtype: pl.DataType) -> float | int | None:
    """Returns the number of a column whose text is the missing token; ``None`` if there is none."""
    try:
        number = float(token) if dtype.is_float() else int(token)
        cell = pl.Series([number]).cast(dtype)
    except (ValueError, OverflowError, pl.exceptions.PolarsError):
        return None
    return number if is_finite(number) and as_text(cell)[0] == token else None


def numbers(feature: Feature, raw: pl.Series, missing: Collection[str], notation: Notation | None) -> Cells:
    """Reads numbers and flags, and categories that are sent as numbers."""
    if raw.dtype == pl.String:
        return written_numbers(feature, raw, missing, notation)
    if raw.dtype == pl.Null or raw.dtype.is_numeric():
        read = without(raw, missing)
        return Cells(raw, read if raw.dtype in READ_AS_THEY_ARE else read.cast(pl.Float64))
    if raw.dtype == pl.Boolean and feature.form.words:
        return Cells(raw, raw)
    return Cells(raw, pl.repeat(None, len(raw), dtype=pl.Float64, eager=True), raw.is_not_null())


def written_numbers(feature: Feature, raw: pl.Series, missing: Collection[str], notation: Notation | None) -> Cells:
    """Reads numbers from texts; most cells are plain numbers, and only the others are looked at closely."""
    if notation is not None:
        present = without(raw, missing)
        read = pl.Series(read_numbers(present, notation)).fill_nan(None)
        return Cells(raw, read, none_if_false(read.is_null() & present.is_not_null()))
    read = raw.cast(pl.Float64, strict=False)
    odd = raw.is_not_null() & ~(read.abs() <= FLOAT32_MAX).fill_null(False)
    if any(is_numeral(token) for token in missing):
        odd |= raw.str.strip_chars().str.to_lowercase().is_in([token.lower() for token in missing]).fill_null(False)
    if not odd.any():
        return Cells(raw, read)
    places = odd.arg_true()
    present = without(raw.gather(places), missing)
    text = present.str.strip_chars()
    again = text.cast(pl.Float64, strict=False)
    if feature.form.words:
        words = text.str.to_lowercase().replace_strict(["true", "false"], [1.0, 0.0], default=None)
        again = pl.select(pl.coalesce(words, again)).to_series()
    again = pl.select(pl.when(again.is_finite()).then(again)).to_series()
    strange = again.is_null() & present.is_not_null()
    unread = marked(places.filter(strange), len(raw)) if strange.any() else None
    return Cells(raw, read.scatter(places, again), unread)


def is_numeral(token: str) -> bool:
    """Whether a text is a number, so that a missing token may hide among numbers."""
    try:
        return is_finite(float(token))
    except ValueError:
        return False


def none_if_false(mask: pl.Series) -> pl.Series | None:
    """Returns a mask; ``None`` if it marks nothing."""
    return mask if mask.any() else None


def marked(places: pl.Series, rows: int) -> pl.Series:
    """Returns a mask of these places."""
    mask = np.zeros(rows, dtype=bool)
    mask[places.to_numpy()] = True
    return pl.Series(mask)


def texts(feature: Feature, raw: pl.Series, missing: Collection[str], table: TextTable | None) -> Cells:
    """Reads texts, and lists of texts for sets."""
    if raw.dtype == pl.List(pl.String) and feature.form.takes_lists:
        unfit = (raw.list.len() > MOST_VALUES) | raw.list.eval(pl.element().is_null()).list.any()
        return Cells(raw, raw, none_if_false(unfit.fill_null(False)))
    if raw.dtype.is_nested() or raw.dtype in (pl.Binary, pl.Object):
        return Cells(raw, pl.repeat(None, len(raw), dtype=pl.String, eager=True), raw.is_not_null())
    if table is not None and raw.dtype == pl.String:
        return categories(feature, raw, missing, table)
    read = as_text(without(raw, missing))
    if feature.form.takes_lists and any("," in known for known in known_values(feature)):
        single = read.str.contains(",", literal=True) & ~read.str.contains(";", literal=True)
        read = pl.select(pl.when(single).then(read + ";").otherwise(read)).to_series()
    return Cells(raw, read)


def categories(feature: Feature, raw: pl.Series, missing: Collection[str], table: TextTable) -> Cells:
    """Reads the texts of a category; those that the model knows are compared with missing tokens only if some are."""
    count, tokens = len(feature.code_table or ()), {token.lower() for token in missing}
    if any(str(text).strip().lower() in tokens for text in feature.code_table or ()):
        present = without(raw, missing)
        return Cells(raw, present, None, places_in(table, present)[0])
    places, strange = places_in(table, raw)
    if not strange:
        return Cells(raw, raw, None, places)
    others = np.flatnonzero(places == count)
    missed = others[without(raw.gather(others), missing).is_null().to_numpy()]
    if not len(missed):
        return Cells(raw, raw, None, places)
    places[missed] = count + 1
    return Cells(raw, raw.scatter(missed, None), None, places)


def places_in(table: TextTable, texts: pl.Series) -> tuple[Codes, int]:
    """Returns the places of texts in a table, and how many are not in it."""
    places = np.empty(len(texts), np.uint32)
    return places, table.places(texts, places)


def known_values(feature: Feature) -> Collection[str]:
    """Returns the values of a set that the model knows; if one has a comma, semicolons separate them."""
    return (*feature.weights, *(aspect.of for aspect in feature.aspects))


def dates(raw: pl.Series, missing: Collection[str], first: DayOrder | None) -> Cells:
    """Reads dates and times; texts by the formats that training reads, with its order of day and month."""
    if raw.dtype.is_temporal() and raw.dtype in (pl.Date, pl.Datetime):
        typed = raw.cast(pl.Datetime("us", getattr(raw.dtype, "time_zone", None))).to_physical()
        fine = (typed >= FIRST) & (typed < END)
        return Cells(raw, pl.select(pl.when(fine).then(typed)).to_series(), none_if_false(~fine.fill_null(True)))
    if raw.dtype == pl.Null:
        return Cells(raw, raw.cast(pl.Int64))
    if raw.dtype != pl.String:
        return Cells(raw, pl.repeat(None, len(raw), dtype=pl.Int64, eager=True), raw.is_not_null())
    if any(parse_moments([token])[0] is not None for token in missing):
        present = without(raw, missing)
        read = distinct_moments(present, first)
        return Cells(raw, read, none_if_false(read.is_null() & present.is_not_null()))
    found, marks = np.empty(len(raw), np.int64), np.empty(len(raw), np.uint8)
    read_moments(raw, found, marks)
    read = pl.select(pl.when(raw.is_not_null()).then(pl.Series(found))).to_series()
    others = np.flatnonzero(marks)
    if not len(others):
        return Cells(raw, read)
    present = without(raw.gather(others), missing)
    values = distinct_moments(present, first)
    strange = pl.Series(others).filter(values.is_null() & present.is_not_null())
    return Cells(raw, read.scatter(others, values), marked(strange, len(raw)) if len(strange) else None)


def distinct_moments(present: pl.Series, first: DayOrder | None) -> pl.Series:
    """Returns texts as moments, of which each is read once."""
    distinct = present.drop_nulls().unique()
    return present.replace_strict(distinct, moments_of(distinct, first), default=None, return_dtype=pl.Int64)


def moments_of(column: pl.Series, first: DayOrder | None) -> pl.Series:
    """Returns texts as microseconds since 1970; null for texts that are none, or whose day and month are open.

    What the API takes is read as the API reads it.
    """
    found = pl.Series(parse_moments(column.str.strip_chars().to_list()), dtype=pl.Int64)
    places = found.is_null().arg_true()
    if places.is_empty():
        return found
    others = column.gather(places)
    values = moments(others, first or "month-first").values
    if first is None:
        other = moments(others, "day-first").values
        values = np.where(np.isnan(values) | (values == other), other, np.where(np.isnan(other), values, np.nan))
    with np.errstate(invalid="ignore"):
        values = np.where((values >= FIRST) & (values < END), values, np.nan)
    return found.scatter(places, pl.Series(values).fill_nan(None).cast(pl.Int64))
