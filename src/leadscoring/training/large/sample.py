"""The outcome of every lead of a large file, and a random sample of them with all their columns."""

import msgspec
import numpy as np
import numpy.typing as npt
import polars as pl

from leadscoring.training.dates import date_columns, named_date_of
from leadscoring.training.large.parts import Parts
from leadscoring.training.leads import Leads, filled_of, still_open
from leadscoring.training.options import TrainOptions
from leadscoring.training.outcome import column_of
from leadscoring.training.reading.how import parse_how
from leadscoring.training.reading.missing import MissingTokens, parse_tokens
from leadscoring.training.reading.table import Table
from leadscoring.training.split import Indices

MOST, FEWEST = 200_000, 20_000
VALUES = 10_000_000
"""Maximum number of leads in the sample, and minimum; and of their values, between these.

A share of one half is then off by 0.1 to 0.4 points, and a level of 0.5 % of the leads has 100 to 1,000 of them.
"""


class Sample(msgspec.Struct, frozen=True):
    """Some leads with all their columns, and their places among all leads with an outcome, shape (sample,)."""

    leads: Leads
    places: Indices


def rows_of(rows: int, columns: int, seed: int) -> Indices:
    """The rows of the sample, in their order: all of them if there are not more than a sample has."""
    most = min(MOST, max(FEWEST, VALUES // max(1, columns)))
    if rows <= most:
        return np.arange(rows)
    return np.sort(np.random.default_rng(seed).choice(rows, most, replace=False, shuffle=False))


def roles_of(parts: Parts, look: Table, options: TrainOptions, identifier: str | None) -> pl.DataFrame:
    """The columns of all rows that say what came of each lead, and when; ``look`` has all columns of some rows.

    Raises ``TrainingDataError`` for an option that names a column that does not exist.
    """
    named = {
        "--target": options.target,
        "--time": options.time,
        "--as-of": options.as_of,
        "--won-date": options.won_date,
        "--lost-date": options.lost_date,
        "--id": identifier,
    }
    names = {column_of(look.frame, name, option).name for option, name in named.items() if name is not None}
    return parts.whole(names | dates_of(look.frame, options))


def dates_of(frame: pl.DataFrame, options: TrainOptions) -> set[str]:
    """The columns of dates, one of which may be the moment of a lead, if no option says which."""
    tokens, how = parse_tokens(options.missing, frame.columns), parse_how(options.read, frame.columns)
    if options.as_of is not None:
        return set()
    if options.time is not None and named_date_of(frame[options.time], tokens, how.get(options.time)) is not None:
        return set()
    return set(date_columns(frame, tokens, how))


def sampled(
    every: Leads, known: npt.NDArray[np.bool_], look: pl.DataFrame, rows: Indices, tokens: MissingTokens
) -> Sample:
    """The leads of some ``rows``, whose columns are ``look``; ``every`` are those of all rows that are ``known``."""
    inside = known[rows]
    places = np.searchsorted(np.flatnonzero(known), rows[inside])
    open_rows = still_open(every.outcome)[rows]
    leads = msgspec.structs.replace(
        every.take(places), frame=look.filter(pl.Series(inside)), filled_open=filled_of(look, open_rows, tokens)
    )
    return Sample(leads, places)


def note_of(leads: int, sample: int) -> str:
    """Says what is known of the sample alone."""
    return (
        f"{leads} leads are more than are held in memory: kinds of columns, rare values, missing tokens and probable "
        f"leaks were judged, and counted, by a random sample of {sample}; each lead was then read by what it showed"
    )
