"""Detects numeric columns that merely follow the calendar, which are harmful for future leads.

A model scores leads that are later than all training data. A number such as a monthly index then has values that no
earlier lead had, which trees can only treat like the nearest known ones; an unseen category at least counts as
*other*. Therefore, with a time column, numbers whose values in one period hardly overlap with those of all earlier
periods are dropped.
"""

import numpy as np

from leadscoring.contract.features import Contract
from leadscoring.training.infer import Inferred, without
from leadscoring.training.reading.series import Matrix, Vector
from leadscoring.training.split import Indices, time_folds

PERIODS = 6
SHIFT = 0.5
"""Numbers are dropped if the median shift of their distribution between periods exceeds this."""


def without_calendar(inferred: Inferred, x: Matrix, time: Vector) -> tuple[Inferred, Matrix]:
    """Drops numeric features that only reflect when a lead arrived, unless there are no others."""
    moved = calendar_features(inferred.contract, x, time)
    if not moved or len(moved) == len(inferred.contract):
        return inferred, x
    names, columns = inferred.contract.names, inferred.contract.columns
    keep = [place for place, feature in enumerate(columns.feature) if names[feature] not in moved]
    reasons = {
        name: f"follows the calendar: its values move {shift:.0%} of the way from one period to the next, "
        "so those of later leads tell nothing"
        for name, shift in moved.items()
    }
    return without(inferred, reasons), x[:, keep]


def calendar_features(contract: Contract, x: Matrix, time: Vector) -> dict[str, float]:
    """Returns the numbers that follow the calendar, with the typical shift of each between periods (0..1)."""
    period = time_folds(time, PERIODS)
    moved = {}
    for place, feature in enumerate(contract.features):
        if feature.form.is_bounded:
            shift = typical_shift(x[:, contract.columns.first[place]].astype(np.float64), period)
            if shift > SHIFT:
                moved[feature.name] = shift
    return moved


def typical_shift(values: Vector, period: Indices) -> float:
    """Returns the median Kolmogorov-Smirnov distance of each period to all earlier ones."""
    present = ~np.isnan(values)
    shifts = []
    for number in np.unique(period)[1:]:
        before, now = values[present & (period < number)], values[present & (period == number)]
        if len(before) and len(now):
            shifts.append(distance(before, now))
    return float(np.median(shifts)) if shifts else 0.0


def distance(first: Vector, second: Vector) -> float:
    """Returns the Kolmogorov-Smirnov distance of two samples, 0..1."""
    grid = np.union1d(first, second)
    one = np.searchsorted(np.sort(first), grid, side="right") / len(first)
    two = np.searchsorted(np.sort(second), grid, side="right") / len(second)
    return float(np.abs(one - two).max())
