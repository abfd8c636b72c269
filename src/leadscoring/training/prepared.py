"""Reads past leads for training: their outcomes, the kind of each column, and which are probable leaks."""

from pathlib import Path

import msgspec
import polars as pl

from leadscoring.training.infer import Asked, infer
from leadscoring.training.leads import Leads, Progress, few, gather, quiet, refuse_few
from leadscoring.training.leak_guard import Guarded, guard
from leadscoring.training.options import TrainOptions
from leadscoring.training.order import with_order
from leadscoring.training.reading.how import parse_how
from leadscoring.training.reading.missing import MissingTokens, parse_tokens
from leadscoring.training.reading.table import Table, read_source


class Prepared(msgspec.Struct, frozen=True):
    """Past leads before a model is fitted to them.

    ``options`` name columns by their names. ``guarded`` has the contract of all leads without probable leaks;
    ``leads`` are in the order of their times, if any.
    """

    table: Table
    options: TrainOptions
    leads: Leads
    asked: Asked
    tokens: MissingTokens
    guarded: Guarded


def prepare(
    source: str | Path | pl.DataFrame | Table, options: TrainOptions, progress: Progress | None = None
) -> Prepared:
    """Reads past leads, infers the kind of each column, and leaves out probable leaks.

    Raises ``TrainingDataError``, with the reason, if the leads are not sufficient.
    """
    report_progress = progress or quiet
    report_progress("reading", 0.0)
    table = read_source(source)
    options = by_names(options, table)
    leads, asked, tokens = read_leads(table, options)
    every = infer(leads.frame, leads.y, leads.named, asked, tokens, leads.as_of)
    guarded = guard(leads, every, asked, options.because, options.seed)
    leads = with_order(guarded.leads, guarded.inferred.frame, tokens, options.seed)
    return Prepared(table, options, leads, asked, tokens, guarded)


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
    columns = table.frame.columns
    tokens, how = parse_tokens(options.missing, columns), parse_how(options.read, columns)
    leads = gather(
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
    refuse_few(leads)
    asked = Asked(options.ignore, options.keep, how, table.labels)
    return (
        msgspec.structs.replace(leads, warnings=(*leads.warnings, *few(leads), *asked.unmatched(columns))),
        asked,
        tokens,
    )


def one_or_none(value: str | None) -> tuple[str, ...]:
    """An optional value as a tuple."""
    return () if value is None else (value,)
