"""Numbers that are the days from the moment of a lead to a later date: how long it took, or will have taken."""

import numpy as np
import polars as pl

from leadscoring.training import names
from leadscoring.training.dates import date_columns
from leadscoring.training.leads import Leads
from leadscoring.training.reading.missing import MissingTokens
from leadscoring.training.reading.series import Vector

DAY = 86_400e6
NEARLY_ALL = 0.9
"""Minimum share of leads for which the number is that of the days, give or take one."""

LATE = 0.5
"""Minimum share of dates after the moment of their lead in a column of later dates."""

FEWEST = 100
"""Minimum number of leads with both."""

LONG = 3.0
"""Minimum standard deviation in days: short spans agree by chance."""


def spans(frame: pl.DataFrame, leads: Leads) -> dict[str, str]:
    """Says of the columns of numbers in ``frame`` that are such spans which date they lead to, as a clause."""
    numbers = [column for column in frame.iter_columns() if column.dtype.is_numeric()]
    if leads.as_of is None or not numbers:
        return {}
    found: dict[str, str] = {}
    for name, values in later(leads, leads.as_of).items():
        days = (values - leads.as_of) / DAY
        for column in numbers:
            if is_span(column.cast(pl.Float64).fill_null(np.nan).to_numpy(), days):
                found.setdefault(column.name, f"it is the number of days until {name!r}, which came later")
    return found


def later(leads: Leads, moment: Vector) -> dict[str, Vector]:
    """The columns of dates most of which are after the moment of their lead, but for planned ones."""
    dates = date_columns(leads.frame, MissingTokens())
    with np.errstate(invalid="ignore"):
        return {
            name: values
            for name, values in dates.items()
            if not names.says_planned(name) and (values > moment + DAY).sum() > LATE * max((~np.isnan(values)).sum(), 1)
        }


def is_span(values: Vector, days: Vector) -> bool:
    """Whether numbers are days, where both are known."""
    both = ~np.isnan(values) & ~np.isnan(days)
    if both.sum() < FEWEST or np.std(days[both]) < LONG:
        return False
    return bool((np.abs(values[both] - days[both]) <= 1.0).mean() >= NEARLY_ALL)
