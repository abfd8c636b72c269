"""What some leads' codes say of the outcome: the cross-validated ROC-AUC of the conversion rate of each code.

A hundred times faster than a quick model of the same column, and nearly as sharp.
"""

import numpy as np

from leadscoring.quality.figures import roc_auc
from leadscoring.training.reading.series import Vector
from leadscoring.training.split import Indices

BINS = 12


def bins(values: Vector, text: bool) -> Indices:
    """Codes of the values of a column, 0..``BINS``; the last is missing."""
    present = ~np.isnan(values)
    codes = np.full(len(values), BINS, dtype=np.int64)
    if text:
        codes[present] = np.minimum(values[present], BINS - 1).astype(np.int64)
    elif present.any():
        edges = np.unique(np.quantile(values[present], np.linspace(0, 1, BINS)[1:-1]))
        codes[present] = np.searchsorted(edges, values[present], side="right")
    return codes


def levels(values: Vector) -> Indices:
    """Codes of the levels of a text, which are numbers from 0 on; that of missing values is one more than any."""
    most = int(np.nanmax(values, initial=-1.0)) + 1
    return np.where(np.isnan(values), most, values).astype(np.int64)


def rated(codes: Indices, y: Vector, fold: Indices) -> float:
    """The cross-validated ROC-AUC of the conversion rate of each code, with outcomes ``y`` (0 or 1)."""
    width = int(codes.max()) + 1
    score, base = np.empty(len(y)), float(y.mean())
    for number in range(int(fold.max()) + 1):
        inside = fold != number
        rows = np.bincount(codes[inside], minlength=width)
        won = np.bincount(codes[inside], y[inside], minlength=width)
        score[~inside] = ((won + base) / (rows + 1.0))[codes[~inside]]
    return roc_auc(y, score)
