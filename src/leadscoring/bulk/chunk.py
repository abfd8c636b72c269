"""The one function that scores many leads: a table in, arrays out, with the bits that the API gives for each lead."""

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
import polars as pl

from leadscoring._engine import Ranking, TableScorer
from leadscoring.bulk.cells import END, FIRST, Cells, Reader, dates
from leadscoring.bulk.encoding import Encoded, TableEncoder
from leadscoring.bulk.objected import Objected, fault_of
from leadscoring.bulk.recorder import Records, Tabled, TableRecorder
from leadscoring.bulk.second_look import Accepted, Table, second_look
from leadscoring.bulk.warned import Warnings, warnings_in
from leadscoring.contract import moment
from leadscoring.contract.rejection import lead_id_fault
from leadscoring.errors import Fault
from leadscoring.lead import LEAD_BYTES, LEAD_ID_LENGTH
from leadscoring.model.loaded import LoadedModel
from leadscoring.scoring.remarks import future_warning, unseen_warning

Vector = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int64]

TIERS = pl.Series("tier", ["A", "B", "C", "D", "E"], dtype=pl.Enum(["A", "B", "C", "D", "E"]))

SHARE = 8192
"""Minimum leads of one thread's share of a table: fewer are not worth another thread."""


class ReasonColumns(msgspec.Struct, frozen=True):
    """The strongest reasons of each lead, in arrays of shape (leads, reasons), the strongest first.

    ``features`` are the places of features in the contract, -1 where a lead has no more reasons; ``contributions`` are
    in log-odds. ``columns`` are those of the feature that contributed most, from 0, and ``encoded`` their values in the
    row of the trees, NaN for missing: ``Feature.phrase`` describes them. ``sent`` are the values of features that are
    sent as numbers; those of other features mean nothing.
    """

    features: npt.NDArray[np.int32]
    contributions: Vector
    columns: npt.NDArray[np.int32]
    encoded: npt.NDArray[np.float32]
    sent: Vector


class Rejected(msgspec.Struct, frozen=True):
    """A lead that the service would reject: its position in the table, and all its faults, in the service's words."""

    position: int
    faults: tuple[Fault, ...]


class Chunk(msgspec.Struct, frozen=True):
    """The scores of a table.

    All arrays are of the leads that were scored, in the order of the table; ``kept`` has their positions there.
    ``bucket`` is 5 (A) to 1 (E). ``percentile`` is NaN if the model has no reference, and ``as_of`` in microseconds
    since 1970, ``None`` if scores depend on no moment. ``warnings`` counts leads by their index in these arrays.
    ``cells`` are the columns as they were read, of the whole table, for the values of reasons. ``records`` are for the
    ledger, if the scorer makes them.
    """

    kept: Indices
    margins: Vector
    probability: Vector
    bucket: npt.NDArray[np.uint8]
    percentile: Vector
    reasons: ReasonColumns | None
    warnings: Warnings
    rejected: list[Rejected]
    as_of: Indices | None
    cells: dict[str, Cells]
    records: Records = Records()

    @property
    def tier(self) -> pl.Series:
        """The tier of each lead, A to E."""
        return TIERS[5 - self.bucket]

    def __len__(self) -> int:
        return len(self.kept)


class BulkScorer:
    """Scores tables of leads with one model.

    A table has a column for each feature by its name; other columns are ignored, and features without a column are
    unknown. Cells are read as training read its file. ``reasons`` is the number of reasons of a lead, and ``threads``
    the number of threads that compute; scores do not depend on it. Leads are scored as of ``now``, in microseconds
    since 1970, unless the table says otherwise; by default the moment of the call, so that a long run has one moment.
    Leads whose persons ``objected`` are rejected, and the others recorded by ``recorder``, if there is one.
    """

    def __init__(
        self,
        loaded: LoadedModel,
        reasons: int = 5,
        threads: int = 1,
        now: int | None = None,
        objected: Objected | None = None,
        recorder: TableRecorder | None = None,
    ) -> None:
        card, columns = loaded.card, loaded.card.contract.columns
        self.model = loaded
        self.reasons = min(reasons, len(card.contract))
        self.threads = threads
        self.now = moment.now() if now is None else now
        self._objected = objected
        self._recorder = recorder
        self._reader = Reader(card.contract.features, card.read_as)
        self._encoder = TableEncoder(card.contract, LEAD_BYTES)
        finder = loaded.trees.finder(columns.widths)
        self._scorer = TableScorer(finder, self._encoder.rules)
        self._again = finder.reasons
        calibration, quantiles = card.calibration, card.reference.quantiles
        self._ranking = Ranking(calibration.margins, calibration.probabilities, card.tiers.thresholds, quantiles)
        self._timed = card.contract.is_timed

    def score(
        self,
        frame: pl.DataFrame,
        as_of: int | pl.Series | Sequence[int | None] | None = None,
        ids: pl.Series | None = None,
    ) -> Chunk:
        """Scores a table.

        ``as_of`` is the moment of all leads, or of each: microseconds since 1970, or times, or texts. ``ids`` are the
        ids of the leads; without them no lead is rejected for its id.
        """
        now = as_of if isinstance(as_of, int) else self.now
        stated = None if as_of is None or isinstance(as_of, int) else moments_of(as_of)
        table = Table(self._reader.read(frame), ids, stated)
        moments = self._moments(stated, now, frame.height)
        encoded = self._encoder.encode(table.cells, frame.height, moments)
        if stated is not None and stated.unread is not None:
            encoded.doubtful |= stated.unread.to_numpy().view(np.uint8)
        if ids is not None:
            encoded.doubtful |= unfit_ids(ids)
        if ids is not None and self._objected is not None:
            encoded.doubtful |= self._objected.marks(ids)
        margins, reasons = self._compute(encoded)
        rows = self._rows(encoded)
        rejected = self._second_looks(table, encoded, now, margins, reasons, rows)
        chunk = self._chunk(table, encoded, rejected, moments, margins, reasons)
        if self._recorder is None or rows is None:
            return chunk
        tabled = Tabled(chunk.kept, rows[chunk.kept] if rejected else rows, chunk.margins, chunk.as_of, encoded.unseen)
        return msgspec.structs.replace(chunk, records=self._recorder.records(tabled, ids, table.cells))

    def _rows(self, encoded: Encoded) -> npt.NDArray[np.float32] | None:
        """The rows of the leads as the trees see them, if they are recorded; of doubtful ones they may mean nothing."""
        if self._recorder is None:
            return None
        rows = np.empty((len(encoded.doubtful), len(encoded.columns)), np.float32)
        self._scorer.rows(encoded.columns, rows)
        return rows

    def _compute(self, encoded: Encoded) -> tuple[Vector, ReasonColumns]:
        """Computes margins and reasons of all leads; those of doubtful ones may mean nothing."""
        leads = len(encoded.doubtful)
        margins, reasons = np.empty(leads), no_reasons(leads, self.reasons)
        arrays = tuple(getattr(reasons, name) for name in reasons.__struct_fields__)

        def compute(first: int, last: int) -> None:
            self._scorer.score(encoded.columns, first, last, self.reasons, encoded.doubtful, margins, *arrays)

        shares = max(1, min(self.threads, leads // SHARE))
        ends = [leads * share // shares for share in range(shares + 1)]
        if shares == 1:
            compute(0, leads)
        else:
            with ThreadPoolExecutor(shares) as threads:
                list(threads.map(compute, ends[:-1], ends[1:]))
        return margins, reasons

    def _moments(self, stated: Cells | None, now: int, leads: int) -> Indices | None:
        if not self._timed:
            return None
        return np.full(leads, now) if stated is None else stated.read.fill_null(now).to_numpy()

    def _second_looks(
        self,
        table: Table,
        encoded: Encoded,
        now: int,
        margins: Vector,
        reasons: ReasonColumns,
        rows: npt.NDArray[np.float32] | None,
    ) -> list[Rejected]:
        """Lets the service's decoder decide on doubtful leads; those that it accepts are scored as it encodes them."""
        rejected: list[Rejected] = []
        decoder, contract = self.model.decoder, self.model.card.contract
        doubtful = np.flatnonzero(encoded.doubtful)
        if len(doubtful) == 0:
            return rejected
        for noted in (encoded.unseen, encoded.future):
            noted[:] = [(column, at[encoded.doubtful[at] == 0]) for column, at in noted]
        for position in doubtful.tolist():
            found = second_look(decoder, contract, table, position, now if self._timed else None)
            if isinstance(found, Accepted) and self._objected is not None and self._objected.holds(found.lead.lead_id):
                rejected.append(Rejected(position, (fault_of(found.lead.lead_id),)))
            elif isinstance(found, Accepted):
                margins[position] = self.model.trees.predict(found.rows)[0]
                if self.reasons:
                    put(reasons, position, self._again(found.rows, self.reasons)[0], found.lead.values)
                if rows is not None:
                    rows[position] = np.frombuffer(memoryview(found.rows), np.float32)
                encoded.unseen += [(column, np.array([position])) for _, column in found.rows.unseen]
                encoded.future += [(column, np.array([position])) for _, column in found.rows.future]
            else:
                rejected.append(Rejected(position, found))
        return rejected

    def _chunk(
        self,
        table: Table,
        encoded: Encoded,
        rejected: list[Rejected],
        moments: Indices | None,
        margins: Vector,
        reasons: ReasonColumns,
    ) -> Chunk:
        kept = np.arange(len(margins))
        if rejected:
            kept = np.delete(kept, [one.position for one in rejected])
            margins, moments_kept = margins[kept], None if moments is None else moments[kept]
            reasons = ReasonColumns(*(getattr(reasons, name)[kept] for name in reasons.__struct_fields__))
        else:
            moments_kept = moments
        leads = len(margins)
        probability, bucket, percentile = np.empty(leads), np.empty(leads, np.uint8), np.empty(leads)
        self._ranking.rank(margins, probability, bucket, percentile)
        return Chunk(
            kept=kept,
            margins=margins,
            probability=probability,
            bucket=bucket,
            percentile=percentile,
            reasons=reasons if self.reasons else None,
            warnings=warnings_in(
                self.model,
                table.cells,
                kept,
                moments,
                ((unseen_warning, encoded.unseen), (future_warning, encoded.future)),
            ),
            rejected=rejected,
            as_of=moments_kept,
            cells=dict(table.cells),
        )


def no_reasons(leads: int, most: int) -> ReasonColumns:
    """Returns arrays for so many reasons, to be filled."""
    shape = (leads, most)
    return ReasonColumns(
        np.empty(shape, np.int32),
        np.empty(shape),
        np.empty(shape, np.int32),
        np.empty(shape, np.float32),
        np.empty(shape),
    )


def put(reasons: ReasonColumns, position: int, strongest: Iterable[tuple[Any, ...]], values: Sequence[Any]) -> None:
    """Replaces the reasons of one lead by those that the engine found for it alone."""
    reasons.features[position] = -1
    reasons.contributions[position] = 0.0
    reasons.columns[position] = 0
    reasons.encoded[position] = np.nan
    reasons.sent[position] = np.nan
    for place, (feature, share, column, value) in enumerate(strongest):
        reasons.features[position, place] = feature
        reasons.contributions[position, place] = share
        reasons.columns[position, place] = column
        reasons.encoded[position, place] = np.nan if value is None else value
        reasons.sent[position, place] = values[feature] if isinstance(values[feature], int | float) else np.nan


def moments_of(as_of: pl.Series | Sequence[int | None]) -> Cells:
    """Reads the moments of leads: times, texts, or microseconds since 1970."""
    series = as_of.rechunk() if isinstance(as_of, pl.Series) else pl.Series(as_of, dtype=pl.Int64)
    if series.dtype.is_integer():
        whole = series.cast(pl.Int64, strict=False)  # null beyond 64 bits
        fine = (whole >= FIRST) & (whole < END)
        read = pl.select(pl.when(fine).then(whole)).to_series()
        return Cells(series, read, series.is_not_null() & ~fine.fill_null(False))
    return dates(series, frozenset(), None)


def unfit_ids(ids: pl.Series) -> npt.NDArray[np.uint8]:
    """Marks ids that the service's decoder must look at."""
    if ids.dtype == pl.String:
        length = pl.lit(ids).str.len_chars()
        fine = pl.select(length.is_between(1, LEAD_ID_LENGTH).fill_null(False)).to_series()
        return (~fine).to_numpy().view(np.uint8)
    return np.array([lead_id_fault(one) is not None for one in ids.to_list()], dtype=bool).view(np.uint8)
