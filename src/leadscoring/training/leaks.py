"""Target leakage: drops columns that determine the outcome; ``suspects`` weighs those that do not quite."""

import numpy as np
import polars as pl

from leadscoring.quality.figures import roc_auc
from leadscoring.training.column import Read
from leadscoring.training.reading.series import Vector, numbers


def refuse_leak(read: Read, y: Vector) -> None:
    """Drops a column that determines the outcome."""
    name = read.column.name
    filled = np.asarray(read.column.is_not_null().to_numpy(), dtype=np.float64)
    if 0 < filled.sum() < len(filled) and (np.array_equal(filled, y) or np.array_equal(filled, 1.0 - y)):
        read.feature, read.dropped = None, "leaks the outcome: whether it has a value determines the outcome"
        read.warnings.append(f"{name!r} was excluded: whether it has a value determines the outcome")
        return
    if single_auc(read, y) >= 1.0 - 1e-12:
        read.feature, read.dropped = None, "leaks the outcome: it determines the outcome of every row"
        read.warnings.append(f"{name!r} was excluded: it alone determines the outcome of every row")


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
