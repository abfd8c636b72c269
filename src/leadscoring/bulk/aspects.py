"""The columns of dates, texts, e-mail addresses and sets, which the engine makes of their values."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import polars as pl

from leadscoring.bulk.cells import Cells
from leadscoring.contract.features import Contract, Feature
from leadscoring.model.loaded import encoder

Places = npt.NDArray[np.int64]
Noted = list[tuple[int, Places]]


class AspectEncoder:
    """Encodes the features of a contract that have aspects."""

    def __init__(self, contract: Contract) -> None:
        every = list(zip(contract.features, contract.columns.first, strict=True))
        self._features = tuple(feature for feature, _ in every if feature.form.is_aspected)
        own = Contract(self._features)
        self._width = len(own.columns)
        firsts = [first for feature, first in every if feature.form.is_aspected]
        self._first_of = dict(zip(own.columns.first, firsts, strict=True))
        self._encode = encoder(own).encode_columns

    def encode(
        self, cells: Mapping[str, Cells], leads: int, as_of: Places | None
    ) -> tuple[npt.NDArray[np.float32], Noted, Noted]:
        """Returns an array of each column, and by the first column of a feature the leads to warn about.

        These are first those with a value that the model cannot use, then those with a date after their moment.
        """
        columns = [column_of(feature, cells.get(feature.name), leads) for feature in self._features]
        matrix = np.empty((self._width, leads), np.float32)
        stamps = pl.Series(np.zeros(leads, np.int64) if as_of is None else as_of)
        notes = self._encode(columns, stamps, matrix)
        return matrix, self._noted(notes.unseen), self._noted(notes.future)

    def _noted(self, noted: list[tuple[int, int]]) -> Noted:
        by_column: dict[int, list[int]] = {}
        for row, column in noted:
            by_column.setdefault(self._first_of[column], []).append(row)
        return [(column, np.array(rows, dtype=np.int64)) for column, rows in by_column.items()]


def column_of(feature: Feature, cells: Cells | None, leads: int) -> object:
    """Returns the column of a feature for the engine, null for unknown and for what does not fit."""
    if cells is None:
        return pl.repeat(None, leads, dtype=pl.Int64 if feature.form.is_timed else pl.String, eager=True)
    read = cells.read
    if cells.unread is not None:
        read = pl.select(pl.when(~cells.unread).then(read)).to_series()
    return read.to_list() if read.dtype == pl.List(pl.String) else read.rechunk()
