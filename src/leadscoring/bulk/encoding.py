"""Checks and encodes the columns of a table, as the service does with one lead after the other.

What is clearly a lead of the contract is encoded here, column by column. All others are only marked: the service's own
decoder decides on each of them (``second_look``).
"""

from collections.abc import Mapping, Sequence

import msgspec
import numpy as np
import numpy.typing as npt
import polars as pl

from leadscoring._engine import NumberColumns
from leadscoring.bulk.cells import Cells
from leadscoring.contract.features import Contract, Feature
from leadscoring.contract.tokens import MOST_VALUES
from leadscoring.float32 import FLOAT32_MAX
from leadscoring.model.loaded import encoder

Matrix = npt.NDArray[np.float32]
Vector = npt.NDArray[np.float64]
Places = npt.NDArray[np.int64]
Marks = npt.NDArray[np.uint8]

ANY, WHOLE, FLAG = 0, 1, 2
"""What fits a column of ``NumberColumns``."""

ESCAPED = 8
"""How much longer a text may be as JSON, and with the rest of its lead."""

PART = 16384
"""Leads of which the engine encodes texts and dates at once."""


class Encoded(msgspec.Struct):
    """The rows of the trees, and what there is to say about them.

    ``rows`` has the shape (leads, columns), NaN for missing. ``doubtful`` is 1 for each lead that the service's decoder
    must decide on; its row means nothing. ``unseen`` and ``future`` are the positions of leads, and of the first column
    of a feature, whose value the model does not know, or which is a date after the moment of scoring.
    """

    rows: Matrix
    doubtful: Marks
    unseen: list[tuple[int, Places]]
    future: list[tuple[int, Places]]


class TableEncoder:
    """Encodes the cells of tables by one contract. Immutable."""

    def __init__(self, contract: Contract, longest: int) -> None:
        self._contract = contract
        self._longest = longest
        self._derived = tuple(feature for feature in contract.features if feature.form.is_aspected)
        self._plain = [
            (feature, first)
            for feature, first in zip(contract.features, contract.columns.first, strict=True)
            if not feature.form.is_aspected
        ]
        missing = contract.missing_value
        self._numbers = NumberColumns(
            [
                (first + place, *limits(feature))
                for feature, first in self._plain
                for place in range(len(feature.columns))
            ],
            len(contract.columns),
            np.nan if missing is None else missing,
        )
        self._codes = {feature.name: Codes(feature) for feature, _ in self._plain if feature.code_table is not None}
        self._own = Contract(self._derived) if self._derived else None
        self._encode = encoder(self._own).encode if self._own else None

    def encode(self, cells: Mapping[str, Cells], leads: int, as_of: npt.NDArray[np.int64] | None) -> Encoded:
        """Encodes a table; ``as_of`` is the moment of each lead, if scores depend on one."""
        rows = np.empty((leads, len(self._contract.columns)), np.float32)
        found = Encoded(rows, np.zeros(leads, np.uint8), [], [])
        columns: list[Vector] = []
        for feature, first in self._plain:
            columns += self._columns(feature, first, cells.get(feature.name), found)
        self._numbers.encode(columns, found.rows, found.doubtful)
        if self._own is not None:
            self._encode_derived(cells, found, as_of)
        for one in cells.values():
            if one.unread is not None:
                found.doubtful |= one.unread.fill_null(False).to_numpy().view(np.uint8)
        self._mark_long(cells, found)
        return found

    def _columns(self, feature: Feature, first: int, cells: Cells | None, found: Encoded) -> list[Vector]:
        """Returns the columns of a feature as float64, NaN for missing."""
        if cells is None:
            if feature.required:
                found.doubtful[:] = 1
            return [np.full(len(found.rows), np.nan)] * len(feature.columns)
        if feature.name in self._codes:
            columns, unseen = self._codes[feature.name].encode(cells.read)
            if feature.required:
                found.doubtful |= cells.read.is_null().to_numpy().view(np.uint8)
            found.unseen.append((first, np.flatnonzero(unseen)))
            return columns
        values = cells.read.to_numpy()
        if feature.codes:
            with np.errstate(invalid="ignore"):
                found.unseen.append((first, np.flatnonzero(values >= feature.codes)))
                values = np.where((values > feature.codes) & (values <= FLOAT32_MAX), feature.codes, values)
        return [values]

    def _encode_derived(self, cells: Mapping[str, Cells], found: Encoded, as_of: npt.NDArray[np.int64] | None) -> None:
        """Encodes dates, texts, addresses and sets by the engine."""
        assert self._own is not None
        assert self._encode is not None
        own, columns = self._own, self._contract.columns
        lists = [self._values(feature, cells.get(feature.name), found) for feature in self._derived]
        leads = list(zip(*lists, strict=True))
        stamps = None if as_of is None else as_of.tolist()
        places = np.array(
            [
                at
                for feature in self._derived
                for at in range(*columns.places(self._place(feature)).indices(len(columns)))
            ]
        )
        first_of = dict(zip(own.columns.first, (columns.first[self._place(f)] for f in self._derived), strict=True))
        for start in range(0, len(leads), PART):
            part = slice(start, start + PART)
            rows = self._encode(leads[part], 0, None if stamps is None else stamps[part])
            found.rows[part, places] = np.asarray(rows)
            for kept, noted in ((found.unseen, rows.unseen), (found.future, rows.future)):
                by_column: dict[int, list[int]] = {}
                for row, column in noted:
                    by_column.setdefault(first_of[column], []).append(start + row)
                kept.extend((column, np.array(at)) for column, at in by_column.items())

    def _place(self, feature: Feature) -> int:
        return self._contract.names.index(feature.name)

    def _values(self, feature: Feature, cells: Cells | None, found: Encoded) -> list[object]:
        """Returns the values of a feature for the engine, ``None`` for unknown and for what does not fit."""
        if cells is None or feature.required:
            missing = np.ones(len(found.rows), bool) if cells is None else cells.read.is_null().to_numpy()
            if feature.required:
                found.doubtful |= missing.view(np.uint8)
        if cells is None:
            return [None] * len(found.rows)
        read = cells.read
        if read.dtype == pl.List(pl.String):
            unfit = (read.list.len() > MOST_VALUES) | read.list.eval(pl.element().is_null()).list.any()
            unfit = unfit.fill_null(False)
            found.doubtful |= unfit.to_numpy().view(np.uint8)
            read = pl.select(pl.when(~unfit).then(read)).to_series()
        return read.to_list()

    def _mark_long(self, cells: Mapping[str, Cells], found: Encoded) -> None:
        """Marks leads that may be longer than the service reads."""
        lengths = [one.read.str.len_bytes() for one in cells.values() if one.read.dtype == pl.String]
        lengths += [
            one.read.list.eval(pl.element().str.len_bytes()).list.sum()
            for one in cells.values()
            if one.read.dtype == pl.List(pl.String)
        ]
        most = self._longest // ESCAPED
        if sum(int(length.max() or 0) for length in lengths) <= most:  # type: ignore[arg-type]  # numbers of bytes
            return
        total = pl.sum_horizontal(length.alias(str(place)) for place, length in enumerate(lengths))
        found.doubtful |= (pl.select(total).to_series() > most).to_numpy().view(np.uint8)


def limits(feature: Feature) -> tuple[float, float, int, bool]:
    """Returns what the engine checks of a column: bounds, what fits, and whether it is required.

    The codes of categories fit anyway, and whether a required category is there is known before it has a code.
    """
    if feature.code_table is not None:
        return -FLOAT32_MAX, FLOAT32_MAX, ANY, False
    fit = FLAG if feature.kind == "flag" else WHOLE if feature.form.is_whole else ANY
    return (*feature.bounds, fit, feature.required)


class Codes:
    """The codes of a category that is sent as text or as a number, in each of its columns."""

    def __init__(self, feature: Feature) -> None:
        width = len(feature.columns)
        table = feature.code_table or {}
        self._known = list(table)
        self._numbers = feature.numbers
        self._rows = pl.Enum([str(text) for text in table]) if not feature.numbers else None
        codes = [each(code, width) for code in table.values()]
        other = each(feature.other_code, width)
        self._tables = [
            np.array([row[place] for row in (*codes, other, (None,) * width)], dtype=np.float64)
            for place in range(width)
        ]

    def encode(self, read: pl.Series) -> tuple[list[Vector], npt.NDArray[np.bool_]]:
        """Returns the column or columns, and which values are not in the table."""
        count = len(self._known)
        at = self._places(read).fill_null(count).to_numpy()
        unseen = at == count
        if read.null_count():
            absent = read.is_null().to_numpy()
            unseen &= ~absent
            at = np.where(absent, count + 1, at)
        return [table[at] for table in self._tables], unseen

    def _places(self, read: pl.Series) -> pl.Series:
        """Returns the places of values in the table, null for those that are not in it."""
        if self._rows is not None:
            return read.cast(self._rows, strict=False).to_physical().cast(pl.UInt32)
        known = pl.Series(self._known, dtype=pl.Float64)
        places = pl.Series(range(len(known)), dtype=pl.UInt32)
        return read.replace_strict(known, places, default=None, return_dtype=pl.UInt32)


def each(code: object, width: int) -> Sequence[float | None]:
    """Returns a code for each column; one that stands alone is that of all."""
    return code if isinstance(code, tuple) else (code,) * width  # type: ignore[return-value]  # numbers or None
