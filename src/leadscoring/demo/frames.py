"""Writes frames of leads to one CSV or Parquet file, in bounded memory."""

import errno
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import polars as pl
from polars.io.plugins import register_io_source

from leadscoring.demo.leads import DemoLead
from leadscoring.demo.many import SCHEMA

CHUNK = 10_000
"""Leads that were made one by one in a frame."""


def frames_of(leads: Iterator[DemoLead]) -> Iterator[pl.DataFrame]:
    """The same leads in frames with the columns ``SCHEMA``."""
    while some := list(islice(leads, CHUNK)):
        rows = [
            (one.lead_id, one.created_at, *one.features.values(), int(one.converted), one.probability) for one in some
        ]
        yield pl.DataFrame(rows, schema=SCHEMA, orient="row")


def write_frames(out: Path, kind: str, frames: Iterator[pl.DataFrame], *, with_truth: bool) -> None:
    """Writes frames with the columns ``SCHEMA`` as ``kind``, ``.csv`` or ``.parquet``, with or without the truth.

    Raises ``OSError`` if the file cannot be written.
    """
    names = [name for name in SCHEMA if with_truth or name != "true_probability"]
    if kind == ".csv":
        with out.open("wb") as file:
            for number, frame in enumerate(frames):
                frame.select(names).write_csv(file, include_header=number == 0)
        return

    def source(columns: list[str] | None, *_: object) -> Iterator[pl.DataFrame]:
        for frame in frames:
            yield frame.select(columns or names)

    schema = {name: SCHEMA[name] for name in names}
    try:
        register_io_source(source, schema=schema).sink_parquet(out)
    except pl.exceptions.ComputeError as failure:  # polars has no other error for a disk that is full
        raise OSError(errno.EIO, str(failure)) from failure
