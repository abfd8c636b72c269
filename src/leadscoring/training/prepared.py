"""Reads past leads for training: their outcomes, the kind of each column, and which are probable leaks."""

from collections.abc import Sequence
from pathlib import Path

import msgspec
import numpy as np
import numpy.typing as npt
import polars as pl

from leadscoring.training.infer import Asked, infer
from leadscoring.training.large.encoded import Encoded, encoded, without_lacking
from leadscoring.training.large.file import hash_of, opened
from leadscoring.training.large.parts import Parts
from leadscoring.training.large.sample import note_of, roles_of, rows_of, sampled
from leadscoring.training.large.settled import settled
from leadscoring.training.leads import Leads, Progress, few, judged, quiet, refuse_few, spanning
from leadscoring.training.leak_guard import Guarded, guard
from leadscoring.training.options import TrainOptions
from leadscoring.training.order import with_order
from leadscoring.training.reading.how import parse_how
from leadscoring.training.reading.missing import MissingTokens, parse_tokens
from leadscoring.training.reading.table import Table, read_source
from leadscoring.training.split import Indices

COLUMNS, LEAKS, ENCODING, PREPARED = 0.04, 0.08, 0.12, 0.2
"""Shares of all work that are completed when columns are inferred, leaks are looked for, and so on."""


class Prepared(msgspec.Struct, frozen=True):
    """Past leads before a model is fitted to them.

    ``options`` name columns by their names. ``guarded`` has the contract of all leads without probable leaks;
    ``leads`` are in the order of their times, if any. ``encoded`` has the matrix of leads that do not fit in memory:
    then ``leads`` have no column but the target, and ``guarded`` is about a sample of them.
    """

    table: Table
    options: TrainOptions
    leads: Leads
    asked: Asked
    tokens: MissingTokens
    guarded: Guarded
    encoded: Encoded | None = None


def prepare(source: str | Path | pl.DataFrame, options: TrainOptions, progress: Progress | None = None) -> Prepared:
    """Reads past leads, infers the kind of each column, and leaves out probable leaks.

    Raises ``TrainingDataError``, with the reason, if the leads are not sufficient.
    """
    report_progress = progress or quiet
    report_progress("reading", 0.0)
    if isinstance(source, pl.DataFrame):
        return of_table(read_source(source), options, report_progress)
    with opened(Path(source)) as parts:
        if parts is not None:
            return of_parts(parts, options, report_progress)
    return of_table(read_source(source), options, report_progress)


def of_table(table: Table, options: TrainOptions, progress: Progress) -> Prepared:
    """Prepares leads that are in memory."""
    options = by_names(options, table)
    leads, asked, tokens = read_leads(table, options)
    guarded, leads = judged_columns(leads, options, asked, tokens, progress)
    return Prepared(table, options, leads, asked, tokens, guarded)


def judged_columns(
    leads: Leads, options: TrainOptions, asked: Asked, tokens: MissingTokens, progress: Progress
) -> tuple[Guarded, Leads]:
    """The kinds of the columns without probable leaks, and the leads with notes on their order."""
    progress("columns", COLUMNS)
    found = infer(leads.frame, leads.y, leads.named, asked, tokens, leads.as_of)
    progress("leaks", LEAKS)
    guarded = guard(leads, found, asked, options.because, options.seed)
    return guarded, with_order(guarded.leads, guarded.inferred.frame, tokens, options.seed)


def of_parts(parts: Parts, options: TrainOptions, progress: Progress, rows: Indices | None = None) -> Prepared:
    """Prepares the leads of a file that does not fit in memory: a sample of them, of some ``rows``, then all by that.

    By default, the sample is random.
    """
    digest = hash_of(parts.path, spanning(progress, "reading", 0.0, COLUMNS / 2))
    rows = rows_of(parts.rows, len(parts.columns), options.seed) if rows is None else rows
    look = Table(parts.some(rows, spanning(progress, "reading", COLUMNS / 2, COLUMNS)), parts.notes, parts.labels)
    options = by_names(options, look)
    roles = roles_of(parts, look, options, resolved(look, options.id, "--id"))
    table = Table(roles, parts.notes, parts.labels, data_hash=digest, name=parts.path.name)
    every, known, asked, tokens = judge(table, options, parts.columns)
    sample = sampled(every, known, look.frame, rows, tokens)
    guarded, leads = judged_columns(sample.leads, options, asked, tokens, progress)
    chosen = settled(options, leads, guarded.inferred, sample.places)
    passed = encoded(parts, known, every, chosen, spanning(progress, "reading", ENCODING, PREPARED))
    inferred, misfits = without_lacking(chosen.inferred, passed.misfits)
    every = msgspec.structs.replace(
        every,
        frame=every.frame.select(options.target),
        named=leads.named,
        notes=(*leads.notes, note_of(len(every.y), len(leads.y))),
        warnings=(*leads.warnings, *(one.words for one in misfits if one.matters)),
        leaks=leads.leaks,
        groups=passed.groups,
    )
    return Prepared(table, options, every, asked, tokens, guarded, Encoded(inferred, chosen.reading, passed.x))


def by_names(options: TrainOptions, table: Table) -> TrainOptions:
    """The options with column names in place of labels of the file."""
    return msgspec.structs.replace(
        options,
        target=table.resolve(options.target, "--target"),
        missing=table.named_values(options.missing),
        read=table.named_values(options.read),
        time=resolved(table, options.time, "--time"),
        as_of=resolved(table, options.as_of, "--as-of"),
        won_date=resolved(table, options.won_date, "--won-date"),
        lost_date=resolved(table, options.lost_date, "--lost-date"),
    )


def resolved(table: Table, name: str | None, option: str) -> str | None:
    """The column that an option names by its name or its label in the file, if it names one."""
    return None if name is None else table.resolve(name, option)


def read_leads(table: Table, options: TrainOptions) -> tuple[Leads, Asked, MissingTokens]:
    """The leads of a table, the options for its columns, and its missing tokens."""
    leads, _, asked, tokens = judge(table, options, table.frame.columns)
    return leads, asked, tokens


def judge(
    table: Table, options: TrainOptions, columns: Sequence[str]
) -> tuple[Leads, npt.NDArray[np.bool_], Asked, MissingTokens]:
    """As ``read_leads``, also which rows of the table are leads; the file may have more ``columns``."""
    tokens, how = parse_tokens(options.missing, columns), parse_how(options.read, columns)
    every, known = judged(
        table,
        options.target,
        tokens,
        positive=one_or_none(options.positive),
        negative=one_or_none(options.negative),
        time=options.time,
        id_column=options.id,
        how=how,
        dated=options.dated,
    )
    leads = every if known.all() else every.take(known)
    refuse_few(leads)
    asked = Asked(options.ignore, options.keep, how, table.labels)
    warnings = (*leads.warnings, *few(leads), *asked.unmatched(columns))
    return msgspec.structs.replace(leads, warnings=warnings), known, asked, tokens


def one_or_none(value: str | None) -> tuple[str, ...]:
    """An optional value as a tuple."""
    return () if value is None else (value,)
