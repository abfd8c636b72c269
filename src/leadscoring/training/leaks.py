"""Target leakage: drops columns that determine the outcome, and warns of those that nearly do."""

import numpy as np
import polars as pl

from leadscoring.quality.figures import roc_auc
from leadscoring.training.column import Read
from leadscoring.training.reading.series import Vector, numbers

LEAK_AUC = 0.98
"""A single feature with a ROC-AUC above this is suspicious."""

FILLED = 0.5
"""So is a feature whose fill rates for converted and other leads differ by more than this."""


def refuse_leak(read: Read, y: Vector) -> None:
    """Drops a column that determines the outcome, and warns of one that nearly does."""
    name = read.column.name
    filled = np.asarray(read.column.is_not_null().to_numpy(), dtype=np.float64)
    if 0 < filled.sum() < len(filled) and (np.array_equal(filled, y) or np.array_equal(filled, 1.0 - y)):
        read.feature, read.dropped = None, "leaks the outcome: whether it has a value determines the outcome"
        read.warnings.append(f"{name!r} was excluded: whether it has a value determines the outcome")
        return
    auc = single_auc(read, y)
    won, lost = float(filled[y == 1.0].mean()), float(filled[y == 0.0].mean())
    if auc >= 1.0 - 1e-12:
        read.feature, read.dropped = None, "leaks the outcome: it determines the outcome of every row"
        read.warnings.append(f"{name!r} was excluded: it alone determines the outcome of every row")
    elif auc > LEAK_AUC:
        read.warnings.append(
            f"{name!r} alone reaches a ROC-AUC of {auc:.3f}: is it known before the outcome? If not, use --ignore"
        )
    elif abs(won - lost) > FILLED:
        read.warnings.append(
            f"{name!r} is filled in for {won:.0%} of the leads that converted and {lost:.0%} of the others: is it "
            "filled in only later, or because of the outcome? On new leads it will still be empty; if so, use --ignore"
        )


def single_auc(read: Read, y: Vector) -> float:
    """The ROC-AUC of one column alone, 0.5 to 1; categories are ranked by their own conversion rate."""
    if read.feature is not None and read.feature.form.is_category:
        text = read.column.fill_null("\0")
        rates = pl.DataFrame({"level": text, "y": y}).select(pl.col("y").mean().over("level")).to_series()
        score = rates.to_numpy()
        present = np.ones(len(y), dtype=bool)
    else:
        score = numbers(read.column)
        present = ~np.isnan(score)
    outcome = y[present]
    if outcome.min(initial=1.0) >= outcome.max(initial=0.0):  # of one outcome, or none
        return 0.5
    auc = roc_auc(outcome, score[present])
    return max(auc, 1.0 - auc)
