"""Evenly spaced leads, which stand for all of them."""

import numpy as np

from leadscoring.training.split import Indices


def evenly(rows: int, most: int) -> Indices:
    """Returns the numbers of at most ``most`` rows, evenly spaced."""
    return np.unique(np.linspace(0, rows - 1, min(rows, most)).astype(np.int64))
