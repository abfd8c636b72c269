"""Scores data frames of polars, pandas and Arrow, and returns the same kind."""

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Generic, NamedTuple, TypeVar

import numpy as np
import polars as pl

from leadscoring.bulk.chunk import BulkScorer
from leadscoring.bulk.configured import configured
from leadscoring.bulk.kept import names_beside
from leadscoring.bulk.scores import rejects, scores
from leadscoring.errors import ScoringTableError
from leadscoring.model.file import open_model
from leadscoring.model.loaded import LoadedModel

Frame = TypeVar("Frame")


class Scored(NamedTuple, Generic[Frame]):
    """The scores of a frame, and the leads that were rejected.

    ``scores`` has a row for each lead that was scored, in order: ``id``, the columns of
    ``leadscoring.bulk.scores.scores``, then those to repeat. ``rejects`` has a row for each of the others: its position
    ``row``, from 0, and all of its ``faults``, in the words of the API. Together they are as many as the frame has
    rows.
    """

    scores: Frame
    rejects: Frame


def score(  # noqa: PLR0913  # each is an option of its own
    frame: Frame,
    model: LoadedModel | str | Path,
    *,
    reasons: int = 5,
    details: bool = False,
    id: str | None = None,  # noqa: A002  # as the command calls it
    as_of: int | str | None = None,
    columns: Sequence[str] | None = None,
    threads: int = 1,
    record: bool = False,
) -> Scored[Frame]:
    """Scores a data frame: the same bits, warnings and rejections as the API gives for each of its rows.

    ``frame`` is a DataFrame of polars or pandas, a table of pyarrow, or any object with ``__arrow_c_stream__``; for
    the last, the results are DataFrames of polars. It has a column for each feature by its name. Other columns are
    ignored, and a feature without a column is unknown. Texts are read as training read its file.

    ``model`` is a model, or the path of its file. ``reasons`` is the number of reasons of a lead, and ``details`` adds
    the margin and what about each value mattered. ``id`` names the column of the ids of leads: ``id`` in the scores.
    ``as_of`` is the moment as of which leads are scored: a column, or microseconds since 1970; by default now.
    ``columns`` are kept in the scores, too. A column that is kept is ``input_NAME`` if scores have one of its name.
    ``threads`` is the number of threads.

    With LEDGER in the environment, leads whose persons objected are rejected. ``record`` keeps every scored lead in
    that ledger, as the service does; without ``id`` its score can be computed again, but belongs to no lead.

    Raises ``ScoringTableError`` if the frame lacks a column that is named here, or that every lead must have, and a
    ``ModelError`` if the file of the model cannot be opened; ``ScoringFileError`` or a ``LedgerError`` if leads cannot
    be recorded, or the ledger with the objections cannot be reached.
    """
    loaded = model if isinstance(model, LoadedModel) else open_model(model)
    table, back = opened(frame)
    kept = list(columns or ())
    named = [*kept, *(one for one in (id, as_of) if isinstance(one, str))]
    check_columns(table.columns, named, loaded)
    moments = table[as_of] if isinstance(as_of, str) else as_of
    with configured(loaded, None if isinstance(model, LoadedModel) else model, record=record) as recording:
        scorer = BulkScorer(loaded, reasons, threads, None, recording.objected, recording.recorder)
        chunk = scorer.score(table, moments, None if id is None else table[id])
        recording.keep(chunk.records.content)
    found = scores(chunk, loaded, details)
    if id is not None:
        found.insert_column(0, table[id].gather(chunk.kept).alias("id"))
    if kept:
        names = names_beside(("id", *found.columns), kept)
        found = pl.concat([found, table.select(list(names))[chunk.kept].rename(names)], how="horizontal")
    return Scored(back(found, chunk.kept), back(rejects(chunk), None))


def check_columns(columns: Sequence[str], named: Sequence[str], model: LoadedModel) -> None:
    """Raises ``ScoringTableError`` if a table lacks columns that are named, or that every lead must have."""
    known, contract = set(columns), model.card.contract
    presence = model.card.read_as.presence
    required = [presence.get(one.name, one.name) for one in contract.features if one.required]
    sources = {presence.get(name, name) for name in contract.names}
    for missing, why in (
        ([name for name in named if name not in known], "is named"),
        ([name for name in required if name not in known], "every lead must have"),
    ):
        if missing:
            raise ScoringTableError(missing, why, columns)
    if known.isdisjoint(sources):
        raise ScoringTableError(contract.names, "the model knows", columns)


def opened(frame: Any) -> tuple[pl.DataFrame, Callable[[pl.DataFrame, Any], Any]]:
    """Returns a frame as one of polars, without a copy where it can be, and the function that converts results back.

    That function gets the positions in the frame of the result's rows, or ``None`` if there are none.
    """
    library = type(frame).__module__.partition(".")[0]
    if isinstance(frame, pl.DataFrame):
        return frame, lambda found, _: found
    if isinstance(frame, pl.LazyFrame):
        raise TypeError("a LazyFrame has no rows yet: collect it, or score its batches")
    if library == "pandas":
        return of_pandas(frame), lambda found, rows: to_pandas(found, None if rows is None else frame.index[rows])
    if hasattr(frame, "__arrow_c_stream__"):
        table = pl.DataFrame(frame)
        return table, (lambda found, _: found.to_arrow()) if library == "pyarrow" else (lambda found, _: found)
    raise TypeError(
        f"a frame must be of polars or pandas, or have __arrow_c_stream__, as those of Arrow do, not {type(frame)}"
    )


def of_pandas(frame: Any) -> pl.DataFrame:
    """Converts a frame of pandas; numbers without a copy, if they lie in memory one after the other."""
    return pl.DataFrame([of_pandas_column(str(name), frame[name]) for name in frame.columns])


def of_pandas_column(name: str, column: Any) -> pl.Series:
    """Converts a column of pandas; what pandas calls missing is null."""
    dtype = column.dtype
    if isinstance(dtype, np.dtype) and dtype.kind in "fiub":
        return pl.Series(name, column.to_numpy())
    if getattr(dtype, "kind", "O") == "M":
        zone = getattr(dtype, "tz", None)
        plain = column if zone is None else column.dt.tz_convert("UTC").dt.tz_localize(None)
        return pl.Series(name, plain.to_numpy().astype("datetime64[us]")).dt.replace_time_zone("UTC" if zone else None)
    missing = column.isna().to_numpy()
    values = [None if absent else cell for cell, absent in zip(column.tolist(), missing.tolist(), strict=True)]
    try:
        return pl.Series(name, values, strict=True)
    except (TypeError, pl.exceptions.PolarsError):
        return pl.Series(name, [None if cell is None else str(cell) for cell in values], dtype=pl.String)


def to_pandas(found: pl.DataFrame, index: Any) -> Any:
    """Converts a result to a frame of pandas, with these labels of rows."""
    columns = {name: to_pandas_column(found[name]) for name in found.columns}
    return sys.modules["pandas"].DataFrame(columns, index=index)  # imported, since a frame is of it


def to_pandas_column(column: pl.Series) -> Any:
    """Converts a column to an array of numpy, or to a list."""
    if column.dtype.is_numeric():
        return column.to_numpy()
    if column.dtype == pl.Datetime:
        return sys.modules["pandas"].to_datetime(column.dt.replace_time_zone(None).to_numpy(), utc=True)
    return column.to_list()
