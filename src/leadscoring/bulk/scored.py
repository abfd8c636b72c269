"""Scores one batch: from the rows of a file to the bytes of the output, and the rejects."""

from collections.abc import Sequence

import msgspec
import polars as pl

from leadscoring.bulk.batch import Batch, Position
from leadscoring.bulk.choice import Needed
from leadscoring.bulk.chunk import BulkScorer, Chunk, Rejected
from leadscoring.bulk.columns import Columns
from leadscoring.bulk.counts import SHOWN, Counts
from leadscoring.bulk.outputs import Output, Piece
from leadscoring.bulk.rejects import Reject, lines_of
from leadscoring.errors import Fault, ScoringFileError
from leadscoring.training.reading.series import as_text


class Done(msgspec.Struct, frozen=True):
    """What came of a batch: scores and rejects to be appended, the counts, and where the next batch begins.

    ``records`` are those for the ledger.
    """

    piece: Piece
    rejects: bytes
    counts: Counts
    end: Position
    records: bytes | bytearray = b""


class Scoring(msgspec.Struct, frozen=True):
    """Scores the batches of one file; any thread may call it."""

    scorer: BulkScorer
    columns: Columns
    output: Output
    file: str
    needed: Needed
    is_alone: bool
    """Whether this is the only file, so that line numbers tell its leads apart."""

    def score(self, batch: Batch) -> Done:
        """Scores a batch."""
        ids, known = self._ids(batch)
        chunk = self._chunk(batch.frame, ids if known else None)
        others = [batch.frame[name] for name in self.needed.keep]
        scores = self.columns.table(chunk, ids, others)
        if batch.short:
            scores = with_short(scores, batch, chunk)
        rejects = self._rejects(batch, chunk, ids, known)
        piece = self.output.piece(scores)
        counts = Counts(
            rows=batch.rows,
            scored=len(chunk),
            rejected=len(rejects),
            warned=len(chunk.warnings),
            short=len(set(batch.short) & set(chunk.kept.tolist())) if batch.short else 0,
            empty=batch.empty,
            headers=batch.headers,
            marked=piece.marked,
            foreign=len(batch.foreign),
            recorded=chunk.records.leads,
            foreign_lines=tuple(self._place(line) for line in batch.foreign[:SHOWN]),
        )
        return Done(piece, lines_of(rejects) if rejects else b"", counts, batch.end, chunk.records.content)

    def empty(self, frame: pl.DataFrame) -> pl.DataFrame:
        """The columns of the output, without rows; ``frame`` has the columns of the input, without rows."""
        chunk = self._chunk(frame, None)
        return self.columns.table(
            chunk, pl.Series("id", [], dtype=pl.String), [frame[name] for name in self.needed.keep]
        )

    def _chunk(self, frame: pl.DataFrame, ids: pl.Series | None) -> Chunk:
        frame = frame.rechunk()  # the engine reads columns where they lie, each in one piece
        as_of = self.needed.moment if self.needed.as_of is None else frame[self.needed.as_of]
        return self.scorer.score(frame, as_of, ids)

    def _ids(self, batch: Batch) -> tuple[pl.Series, bool]:
        """The ids of the leads, and whether the file has them: else they are the numbers of the lines."""
        if self.needed.lead_id is not None:
            return as_text(self._exact(batch.frame[self.needed.lead_id])), True
        lines = pl.Series(batch.lines).cast(pl.String)
        return (lines if self.is_alone else f"{self.file}:" + lines), False

    def _exact(self, column: pl.Series) -> pl.Series:
        """Ids; NaN is none. Raises ``ScoringFileError`` if they are floats that may have lost digits."""
        if not column.dtype.is_float():
            return column
        exact = 2**24 if column.dtype == pl.Float32 else 2**53  # from here on not every whole number is there
        ids = column.cast(pl.Float64).fill_nan(None)
        lost = ids.filter((ids.abs() >= exact) | (ids != ids.floor()))
        if len(lost):
            raise ScoringFileError(
                f"{self.file}: the column {column.name!r} of ids holds {lost[0]!r}, and a {column.dtype} has not all "
                "digits of such an id: write ids as texts or whole numbers"
            )
        return ids

    def _place(self, line: int) -> str:
        """Where a line is."""
        return str(line) if self.is_alone else f"{self.file}:{line}"

    def _rejects(self, batch: Batch, chunk: Chunk, ids: pl.Series, known: bool) -> list[Reject]:
        """The rejects of a batch in the order of the file."""
        refused = [
            Reject(self.file, one.line, None, one.content, (Fault("", one.message, None, None),))
            for one in batch.refused
        ]
        if not chunk.rejected:
            return refused
        places = [one.position for one in chunk.rejected]
        contents = batch.contents(places)
        lines = batch.lines[places].tolist()
        named = ids.gather(places).to_list() if known else [None] * len(places)
        found = [
            Reject(self.file, line, lead_id, content, rejected.faults)
            for line, lead_id, content, rejected in zip(
                lines, named, contents, self._as_text(batch, chunk.rejected), strict=True
            )
        ]
        return sorted([*refused, *found], key=lambda one: one.line)

    def _as_text(self, batch: Batch, rejected: Sequence[Rejected]) -> Sequence[Rejected]:
        """The same rejects with the values as they stand in the file, where they were read as numbers."""
        typed = [name for name in self.needed.numbers if name in batch.frame.columns]
        if all(batch.frame.schema[name] == pl.String for name in typed):
            return rejected
        again = batch.texts([one.position for one in rejected])
        ids = as_text(again[self.needed.lead_id]) if self.needed.lead_id is not None else None
        found = self._chunk(again, ids).rejected
        return found if len(found) == len(rejected) else rejected


def with_short(scores: pl.DataFrame, batch: Batch, chunk: Chunk) -> pl.DataFrame:
    """Adds a warning to leads whose line lacks its last values."""
    places = {position: index for index, position in enumerate(chunk.kept.tolist())}
    warnings = scores["warnings"]
    nested = warnings.dtype != pl.String
    values = warnings.to_list()
    for position, count in batch.short.items():
        index = places.get(position)
        if index is None:
            continue
        message = f"the line has only {count} values: the last columns are unknown"
        if nested:
            values[index] = [*values[index], {"code": "short_line", "feature": None, "message": message}]
        else:
            values[index] = "; ".join(filter(None, (values[index], f"short_line: {message}")))
    return scores.with_columns(pl.Series("warnings", values, dtype=warnings.dtype))
