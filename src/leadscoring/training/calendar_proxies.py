"""Numbers that only tell when a lead came: worthless for the next lead, and ruinous to rely on.

A model is used on leads later than all it has seen. A number such as a monthly index takes values
there that no earlier lead had, and trees can only treat them like the nearest seen; a category that
was never seen at least counts as *other*. So with a time column, a number whose values of one period
hardly overlap with those of all earlier ones stays out.
"""

import numpy as np

from leadscoring.contract.features import Contract
from leadscoring.training.reading.series import Matrix, Vector
from leadscoring.training.split import Indices, time_folds

PERIODS = 6
SHIFT = 0.5
"""A number stays out when its distribution moves by more than this, on the median of the periods."""


def calendar_features(contract: Contract, x: Matrix, time: Vector) -> dict[str, float]:
    """The numbers that follow the calendar, and how far each moves from one period to the next (0..1)."""
    period = time_folds(time, PERIODS)
    moved = {}
    for place, feature in enumerate(contract.features):
        if feature.form.is_bounded:
            shift = typical_shift(x[:, contract.columns.first[place]].astype(np.float64), period)
            if shift > SHIFT:
                moved[feature.name] = shift
    return moved


def typical_shift(values: Vector, period: Indices) -> float:
    """The median distance of each period to all before it (Kolmogorov and Smirnov's distance)."""
    present = ~np.isnan(values)
    shifts = []
    for number in np.unique(period)[1:]:
        before, now = values[present & (period < number)], values[present & (period == number)]
        if len(before) and len(now):
            shifts.append(distance(before, now))
    return float(np.median(shifts)) if shifts else 0.0


def distance(first: Vector, second: Vector) -> float:
    """The largest difference between two cumulative distributions, 0..1."""
    grid = np.union1d(first, second)
    one = np.searchsorted(np.sort(first), grid, side="right") / len(first)
    two = np.searchsorted(np.sort(second), grid, side="right") / len(second)
    return float(np.abs(one - two).max())
