"""Makes the records of a table's leads, as the service writes them for each lead that it scores."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

from leadscoring._engine import tape_table
from leadscoring.bulk.cells import Cells
from leadscoring.contract import moment
from leadscoring.contract.features import Contract
from leadscoring.ledger.lead_key import LeadKeys
from leadscoring.ledger.recorder import shortened, written
from leadscoring.ledger.segments import BULK, PLAIN_ID

Indices = npt.NDArray[np.int64]


class Records(NamedTuple):
    """The records of a table, one after the other, and how many they are."""

    content: bytes | bytearray = b""
    leads: int = 0


class Tabled(NamedTuple):
    """The leads that were scored: their positions in the table, rows of float32, margins, and moments if they have any.

    ``unseen`` has, by the first column of a feature, the positions of leads whose value the model does not know.
    """

    kept: Indices
    rows: npt.NDArray[np.float32]
    margins: npt.NDArray[np.float64]
    moments: Indices | None
    unseen: Sequence[tuple[int, Indices]]


class TableRecorder:
    """Makes the records of tables scored by the model with this contract; any thread may call it."""

    def __init__(self, contract: Contract, keys: LeadKeys, share: float = 1.0, plain: bool = False) -> None:
        self._contract = contract
        self._keys = keys
        self._share = share
        self._flags = BULK | (PLAIN_ID if plain else 0)

    def records(self, tabled: Tabled, ids: pl.Series | None, cells: Mapping[str, Cells]) -> Records:
        """Returns the records of leads; without ``ids`` they can be scored again, but belong to no lead."""
        rows = np.ascontiguousarray(tabled.rows, np.float32)
        named = None if ids is None else (ids if len(ids) == len(tabled.kept) else ids.gather(tabled.kept)).to_list()
        flags = self._flags if named is not None else BULK
        moments = None if tabled.moments is None else np.ascontiguousarray(tabled.moments, np.int64)
        margins = np.ascontiguousarray(tabled.margins)
        unseen = self._unseen(tabled, cells)
        content, leads = tape_table(rows, margins, named, moments, unseen, self._keys.secret, self._share, "", flags)
        return Records(content, leads)

    def _unseen(self, tabled: Tabled, cells: Mapping[str, Cells]) -> dict[int, bytes]:
        """Returns JSON of the values that the model does not know, by place among the leads that were scored."""
        found: dict[int, dict[str, Any]] = {}
        contract = self._contract
        for column, positions in tabled.unseen:
            feature = contract.features[contract.columns.feature[column]]
            values = cells[feature.name].read.gather(positions).to_list()
            places = np.searchsorted(tabled.kept, positions)
            for place, value in zip(places.tolist(), values, strict=True):
                sent = moment.written(value) if feature.form.is_timed and value is not None else value
                found.setdefault(place, {})[feature.name] = shortened(sent)
        return {place: written(values) for place, values in found.items()}
