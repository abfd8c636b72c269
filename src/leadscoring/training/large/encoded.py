"""Leads as the matrix of the trees, part by part: read by the contract of a sample, as a later file is."""

from collections.abc import Collection

import msgspec
import numpy as np
import numpy.typing as npt
import polars as pl

from leadscoring.contract.features import Contract
from leadscoring.model.reading import Reading
from leadscoring.training.encode import encode_table
from leadscoring.training.infer import Inferred
from leadscoring.training.large.parts import Parts, Tick, still
from leadscoring.training.large.settled import Settled
from leadscoring.training.leads import Leads
from leadscoring.training.misfits import Misfit, together
from leadscoring.training.reading.levels import folded
from leadscoring.training.reading.series import Matrix
from leadscoring.training.reread import reread
from leadscoring.training.split import Indices


class Encoded(msgspec.Struct, frozen=True):
    """Leads that do not fit in memory as a table.

    ``inferred`` has the contract, whose columns are all chosen, and the parsed columns of a sample; ``x`` has every
    lead, shape (leads, columns), in which weights of the sample's leads come from other leads.
    """

    inferred: Inferred
    reading: Reading
    x: Matrix


class Pass(msgspec.Struct, frozen=True):
    """What a pass over all leads finds: their matrix, groups (equal for duplicates), and what does not fit."""

    x: Matrix
    groups: Indices | None
    misfits: tuple[Misfit, ...]


def encoded(parts: Parts, known: npt.NDArray[np.bool_], leads: Leads, settled: Settled, tick: Tick = still) -> Pass:
    """Encodes the ``leads`` of a file, the rows of which ``known`` is true, by what a sample of them showed.

    What the sample did not show is treated as in a later file: unseen texts as such, what does not fit as missing.
    """
    contract, reading = settled.inferred.contract, settled.reading
    x = np.empty((len(leads.y), len(contract.columns)), dtype=np.float32)
    groups = np.empty(len(x), dtype=np.uint64)
    found: list[Misfit] = []
    names = {*contract.names, *reading.presence.values()}
    alike = [feature.name for feature in contract.features if not feature.form.is_timed]
    end = 0
    for start, frame in parts.parts(names, tick):
        some = frame.filter(pl.Series(known[start : start + frame.height]))
        begin, end = end, end + some.height
        moment = None if leads.as_of is None else leads.as_of[begin:end]
        read = reread(contract, reading, some, moment)
        x[begin:end] = encode_table(contract, read.frame, moment)
        groups[begin:end] = hashes(contract, read.frame.select(alike))
        found = together([*found, *read.misfits], end)
    if settled.x is not None:
        x[settled.places] = settled.x
    return Pass(x, groups.view(np.int64) if alike else None, tuple(found))


def hashes(contract: Contract, frame: pl.DataFrame) -> npt.NDArray[np.uint64]:
    """A number of each lead that is equal for duplicates, shape (leads,): spellings of a text are the same."""
    texts = [one.name for one in contract.features if one.is_text and frame.schema.get(one.name) == pl.String]
    if not frame.width:
        return np.zeros(0, dtype=np.uint64)
    return frame.with_columns([folded(frame[name]) for name in texts]).hash_rows(seed=1).to_numpy()


def without_lacking(inferred: Inferred, found: Collection[Misfit]) -> tuple[Inferred, list[Misfit]]:
    """The contract in which nothing is required that some lead lacks, and what else does not fit."""
    lack = {one.feature.name for one in found if one.way == "lacking"}
    features = (
        msgspec.structs.replace(one, required=one.required and one.name not in lack)
        for one in inferred.contract.features
    )
    contract = msgspec.structs.replace(inferred.contract, features=tuple(features))
    return msgspec.structs.replace(inferred, contract=contract), [one for one in found if one.way != "lacking"]
