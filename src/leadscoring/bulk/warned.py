"""The warnings of a table's leads, made by column: each distinct warning once, and each distinct row of them once."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby, repeat
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
import polars as pl

from leadscoring._engine import distinct_numbers
from leadscoring.bulk.cells import Cells
from leadscoring.contract import moment
from leadscoring.lead import Lead, Warned
from leadscoring.model.loaded import LoadedModel
from leadscoring.scoring.remarks import Warn, future_warning

Indices = npt.NDArray[np.int64]
Noted = tuple[int, Indices]

FEW = 4096
"""Values of which the different ones are found sooner by a dictionary than by Polars."""


class Warnings(msgspec.Struct, frozen=True):
    """Leads with warnings: their ``leads`` in ascending order, and the ``places`` of what each has in ``distinct``.

    The first of ``distinct`` is no warning. Iteration yields, for each of the leads, its index and its warnings.
    """

    leads: Indices
    places: Indices
    distinct: Sequence[tuple[Warned, ...]]

    def __len__(self) -> int:
        return len(self.leads)

    def __iter__(self) -> Iterator[tuple[int, tuple[Warned, ...]]]:
        found = map(self.distinct.__getitem__, self.places.tolist())
        return zip(self.leads.tolist(), found, strict=True)


def warnings_in(
    model: LoadedModel,
    cells: Mapping[str, Cells],
    kept: Indices,
    moments: Indices | None,
    noted: Sequence[tuple[Warn, Sequence[Noted]]],
) -> Warnings:
    """Makes the warnings of leads.

    ``noted`` has, by what makes the warning, first columns of features and the positions of leads to warn of; leads get
    their warnings in its order, and by column. ``kept`` are the positions of the leads that were scored.
    """
    distinct: list[tuple[Warned, ...]] = [()]
    state = np.zeros(len(kept) and int(kept[-1]) + 1, np.int64)
    for warn, of_kind in noted:
        for column, same in groupby(sorted(of_kind, key=lambda one: one[0]), key=lambda one: one[0]):
            at = np.concatenate([places for _, places in same])
            if len(at):
                made, codes = of_column(model, cells, column, at, moments, warn)
                pairs, places = numbered(state[at] * len(made) + codes)
                begin = len(distinct)
                distinct += [(*distinct[pair // len(made)], made[pair % len(made)]) for pair in pairs]
                state[at] = places + begin
    positions = np.flatnonzero(state)
    used, places = numbered(state[positions])
    return Warnings(np.searchsorted(kept, positions), places + 1, [(), *(distinct[one] for one in used)])


def numbered(keys: Indices) -> tuple[list[int], Indices]:
    """Returns the distinct keys, below 2**53, and the place of each among them."""
    places, found = np.empty(len(keys), np.uint32), np.empty(len(keys))
    count = distinct_numbers(keys.astype(np.float64), places, found)
    return found[:count].astype(np.int64).tolist(), places.astype(np.int64)


def of_column(
    model: LoadedModel,
    cells: Mapping[str, Cells],
    column: int,
    at: Indices,
    moments: Indices | None,
    warn: Warn,
) -> tuple[list[Warned], Indices]:
    """Returns the distinct warnings about the feature of a column, and the place among them for each lead."""
    columns, features = model.card.contract.columns, model.card.contract.features
    place = columns.feature[column]
    values = cells[features[place].name].read.gather(at)
    by_moment = warn is future_warning and moments is not None
    stamps = None if moments is None else moments[at]
    first, codes = firsts(values, stamps if by_moment else None)
    sends = sent(features[place].form.is_timed, values.gather(first))
    as_of = repeat(None) if stamps is None else stamps[first].tolist()
    made = [
        warn(model, column, Lead("", {place: value}, one))  # type: ignore[arg-type]  # of the values, one is read
        for value, one in zip(sends, as_of, strict=False)
    ]
    return made, codes


def firsts(values: pl.Series, stamps: Indices | None) -> tuple[Indices, Indices]:
    """Returns where each distinct value, or value and stamp, comes first, and the place of each among these."""
    if values.dtype.is_nested() or len(values) < FEW:
        known: dict[Any, int] = {}
        texts = sent(False, values)
        keys = texts if stamps is None else list(zip(texts, stamps.tolist(), strict=True))
        codes = [known.setdefault(key, len(known)) for key in keys]
        return np.unique(codes, return_index=True)[1], np.array(codes, dtype=np.int64)
    frame = pl.DataFrame({"value": values} | ({} if stamps is None else {"stamp": stamps}))
    distinct = frame.with_row_index("first").unique(frame.columns, keep="first", maintain_order=True)
    coded = frame.join(
        distinct.with_row_index("code"), on=frame.columns, how="left", nulls_equal=True, maintain_order="left"
    )
    return distinct["first"].to_numpy().astype(np.int64), coded["code"].to_numpy().astype(np.int64)


def sent(timed: bool, read: pl.Series) -> list[Any]:
    """Returns values as a client would send them; lists are tuples, as a lead has them."""
    if timed:
        return [None if one is None else moment.written(one) for one in read.to_list()]
    return (
        read.to_list() if not read.dtype.is_nested() else [one if one is None else tuple(one) for one in read.to_list()]
    )
