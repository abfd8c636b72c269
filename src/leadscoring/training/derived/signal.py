"""Tests of association with the outcome: which words, and which numbers, say anything about it."""

import numpy as np

from leadscoring.training.reading.series import Vector
from leadscoring.training.split import Indices

BINS = 10

CLEAR = 12.0
"""Minimum likelihood-ratio statistic of a yes/no value: exceeded by chance 1 time in 2,000."""

SURE = 3.5
"""Minimum standard score of any other association: exceeded by chance 1 time in 4,000."""


def cells(count: Vector, won: Vector) -> Vector:
    """Returns the log-likelihood of ``won`` conversions among ``count`` leads at their own rate; 0 for no leads."""
    lost = count - won
    total = np.maximum(count, 1.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(won > 0, won * np.log(won / total), 0.0) + np.where(lost > 0, lost * np.log(lost / total), 0.0)


def against_rest(count: Vector, won: Vector, rows: Vector | float, positives: Vector | float) -> Vector:
    """Returns the likelihood-ratio statistic G2 of each value against the other leads, shape (values,).

    ``count`` leads have the value, ``won`` of them converted; ``rows`` and ``positives`` are those of all leads.
    """
    rows, positives = np.asarray(rows, dtype=np.float64), np.asarray(positives, dtype=np.float64)
    within = cells(count, won) + cells(rows - count, positives - won)
    return np.maximum(2.0 * (within - cells(rows, positives)), 0.0)


def standing_of(values: Vector, y: Vector) -> float:
    """Returns the standard score of the association of numbers, or of their absence, with the outcome.

    The numbers are binned, so that the association may have any shape.
    """
    return of_bins(binned(values), y)


def binned(values: Vector) -> Indices:
    """Returns the bin of each number: its own if there are few, else one of ten of equal size; the last for NaN."""
    known = ~np.isnan(values)
    present = np.unique(values[known])
    if len(present) > BINS:
        edges = np.unique(np.quantile(values[known], np.linspace(0.0, 1.0, BINS + 1)[1:-1], method="lower"))
    else:
        edges = present[:-1]
    return np.where(known, np.searchsorted(edges, values, side="left"), len(edges) + 1)


def of_bins(place: Indices, y: Vector) -> float:
    """Returns the standard score of the association of bins with the outcome (Wilson and Hilferty 1931)."""
    count, won = np.bincount(place).astype(np.float64), np.bincount(place, y).astype(np.float64)
    free = int((count > 0).sum()) - 1
    if free < 1:
        return 0.0
    within, whole = cells(count, won).sum(), cells(np.array(float(len(y))), np.array(float(y.sum())))
    statistic = max(2.0 * float(within - whole), 0.0)
    spread = 2.0 / (9.0 * free)
    return float(((statistic / free) ** (1 / 3) - (1.0 - spread)) / np.sqrt(spread))
