"""The columns of the trees from the cells of a table, as the service makes them of one lead after the other.

Numbers stay as they are: the engine checks and encodes them. What is clearly a lead of the contract is decided here and
there; all others are only marked, and the service's own decoder decides on each of them (``second_look``).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
import polars as pl

from leadscoring.bulk.aspects import AspectEncoder
from leadscoring.bulk.cells import Cells
from leadscoring.contract.features import Contract, Feature
from leadscoring.float32 import FLOAT32_MAX

Vector = npt.NDArray[np.float64]
Places = npt.NDArray[np.int64]
Marks = npt.NDArray[np.uint8]

ANY, WHOLE, FLAG = 0, 1, 2
"""What fits a column, for the rules of the engine."""

Rule = tuple[float, float, int, bool, float]
"""The smallest and the largest number that fit, what fits, whether it is required, and what means missing."""

ESCAPED = 8
"""How much longer a text may be as JSON, with the rest of its lead."""


class Encoded(msgspec.Struct):
    """The columns of the trees, and what there is to say about the leads.

    ``columns`` has an array or series for each column of the trees, NaN or null for missing. ``doubtful`` is 1 for each
    lead that the service's decoder must decide on. ``unseen`` and ``future`` have, by the first column of a feature,
    the positions of leads whose value the model does not know, or which is a date after the moment of scoring.
    """

    columns: list[Any]
    doubtful: Marks
    unseen: list[tuple[int, Places]]
    future: list[tuple[int, Places]]


class TableEncoder:
    """Encodes the cells of tables by one contract; ``longest`` is the most bytes that a lead may have. Immutable."""

    def __init__(self, contract: Contract, longest: int) -> None:
        self._contract = contract
        self._longest = longest
        self._codes = {one.name: Codes(one) for one in contract.features if one.code_table is not None}
        self._aspects = AspectEncoder(contract) if any(one.form.is_aspected for one in contract.features) else None

    @property
    def rules(self) -> list[Rule]:
        """What the engine checks in each column."""
        missing = self._contract.missing_value
        return [
            rule(feature, np.nan if missing is None else missing)
            for feature in self._contract.features
            for _ in feature.columns
        ]

    def encode(self, cells: Mapping[str, Cells], leads: int, as_of: Places | None) -> Encoded:
        """Encodes a table; ``as_of`` is the moment of each lead, if scores depend on one."""
        found = Encoded([], np.zeros(leads, np.uint8), [], [])
        aspects: Iterator[Any] = iter(())
        if self._aspects is not None:
            matrix, unseen, future = self._aspects.encode(cells, leads, as_of)
            aspects = iter(matrix)
            found.unseen += unseen
            found.future += future
        for feature, first in zip(self._contract.features, self._contract.columns.first, strict=True):
            own = cells.get(feature.name)
            if feature.required and (own is None or feature.is_text or feature.numbers):
                found.doubtful |= np.uint8(1) if own is None else bits(absent(own.read))
            if feature.form.is_aspected:
                found.columns += [next(aspects) for _ in feature.columns]
            elif own is None:
                found.columns += [np.full(leads, np.nan)] * len(feature.columns)
            else:
                found.columns += self._plain(feature, first, own, found)
        self._mark(cells, found)
        return found

    def _plain(self, feature: Feature, first: int, cells: Cells, found: Encoded) -> list[Any]:
        """Returns the columns of a number, a flag or a category."""
        if feature.name in self._codes:
            columns, unseen = self._codes[feature.name].encode(cells)
            found.unseen.append((first, unseen))
            if feature.numbers:
                found.doubtful |= bits(cells.read.cast(pl.Float64).fill_nan(None).abs() > FLOAT32_MAX)
            return columns
        if not feature.codes:
            return [cells.read.rechunk()]
        values = cells.read.cast(pl.Float64).fill_null(np.nan).to_numpy()
        with np.errstate(invalid="ignore"):
            beyond = (values >= feature.codes) & (values <= FLOAT32_MAX) & (values % 1 == 0)
        found.unseen.append((first, np.flatnonzero(beyond)))
        return [np.where(beyond, float(feature.codes), values)]

    def _mark(self, cells: Mapping[str, Cells], found: Encoded) -> None:
        """Marks leads with cells that are not of their kind, with long lists, and those that may be too long."""
        for own in cells.values():
            if own.unread is not None:
                found.doubtful |= bits(own.unread)
        lengths = [length for own in cells.values() if (length := bytes_of(own.read)) is not None]
        most = self._longest // ESCAPED
        longest: list[Any] = [length.max() or 0 for length in lengths]
        if sum(longest) > most:
            total = pl.sum_horizontal(length.alias(str(place)) for place, length in enumerate(lengths))
            found.doubtful |= bits(pl.select(total).to_series() > most)


def absent(read: pl.Series) -> pl.Series:
    """Which values are unknown: null, or NaN."""
    return read.is_null() | read.is_nan().fill_null(False) if read.dtype.is_float() else read.is_null()


def bits(mask: pl.Series) -> Marks:
    """Returns a mask as bytes; null is false."""
    return mask.fill_null(False).to_numpy().view(np.uint8)


def bytes_of(read: pl.Series) -> pl.Series | None:
    """Returns the bytes of each text or list of texts; ``None`` for columns of anything else."""
    dtype = read.dtype
    if dtype == pl.String:
        return read.str.len_bytes()
    if isinstance(dtype, pl.List):
        return read.list.eval(pl.element().str.len_bytes()).list.sum()
    return None


def rule(feature: Feature, missing: float) -> Rule:
    """Returns what the engine checks of a column.

    The codes of categories fit anyway, and whether a required category is there is known before it has a code. The
    columns of dates and texts, and several of one category, know no number that means missing.
    """
    if feature.form.is_aspected or feature.code_table is not None:
        marked = not feature.form.is_aspected and len(feature.columns) == 1
        return -np.inf, np.inf, ANY, False, missing if marked else np.nan
    fit = FLAG if feature.form.words else WHOLE if feature.form.is_whole else ANY
    return (*feature.bounds, fit, feature.required, missing)


class Codes:
    """The codes of a category that is sent as text or as a number, in each of its columns."""

    def __init__(self, feature: Feature) -> None:
        width, table = len(feature.columns), feature.code_table or {}
        self._places = places_of(feature)
        self._count = len(table)
        codes = [each(code, width) for code in table.values()]
        rows = (*codes, each(feature.other_code, width), (None,) * width)
        self._tables = [np.array([row[place] for row in rows], dtype=np.float64) for place in range(width)]

    def encode(self, cells: Cells) -> tuple[list[Vector], Places]:
        """Returns the column or columns, and the positions of values that are not in the table."""
        at = self._at(cells.read) if cells.places is None else cells.places
        return [table.take(at) for table in self._tables], np.flatnonzero(at == self._count)

    def _at(self, read: pl.Series) -> npt.NDArray[np.uint32]:
        """The places of values in the table, as many as it has for those that are not in it, one more for unknown."""
        at = self._places(read).fill_null(self._count).to_numpy()
        unknown = absent(read)
        return np.where(unknown.to_numpy(), np.uint32(self._count + 1), at) if unknown.any() else at


def places_of(feature: Feature) -> Callable[[pl.Series], pl.Series]:
    """Returns the function from values to their places in the category's table, null for those that are not in it."""
    table = list(feature.code_table or ())
    if not feature.numbers:
        texts = pl.Enum([str(text) for text in table])
        return lambda read: read.cast(texts, strict=False).to_physical().cast(pl.UInt32)
    known, places = pl.Series(table, dtype=pl.Float64), pl.Series(range(len(table)), dtype=pl.UInt32)
    return lambda read: read.cast(pl.Float64).replace_strict(known, places, default=None, return_dtype=pl.UInt32)


def each(code: object, width: int) -> Sequence[float | None]:
    """Returns a code for each column; one that stands alone is that of all."""
    return code if isinstance(code, tuple) else (code,) * width  # type: ignore[return-value]  # numbers or None
