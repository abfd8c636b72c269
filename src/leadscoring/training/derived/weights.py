"""Weights of tokens: how much more or less often the leads with a token convert, in log-odds."""

import numpy as np

from leadscoring.training.derived.signal import SURE
from leadscoring.training.derived.tokens import Rows, Tokens
from leadscoring.training.reading.series import Vector

PRIOR = 20.0
"""A token of that many leads has half of the weight that its conversion rate suggests."""

MOST = 1000
"""Maximum number of tokens with a weight, the most frequent first; a card lists them all."""


def weights_of(tokens: Tokens, rows: Rows, y: Vector, least: float) -> dict[str, float]:
    """Returns the smoothed log-odds of each token that at least so many leads have, relative to those of all leads."""
    known = tokens.known(rows)
    if not known.any():
        return {}
    base = float(np.clip(y[known].mean(), 1e-3, 1.0 - 1e-3))
    count, won = tokens.counts(rows, y)
    odds = np.log((won + PRIOR * base) / (count - won + PRIOR * (1.0 - base))) - np.log(base / (1.0 - base))
    often = np.flatnonzero(count >= least)
    often = np.sort(often[np.argsort(-count[often], kind="stable")][:MOST])
    return {tokens.names[place]: round(float(odds[place]), 4) for place in often}


def is_worth(values: Vector, y: Vector) -> bool:
    """Whether weights from other leads, NaN for unknown, order the leads by their outcome."""
    known = ~np.isnan(values)
    return standing(values[known], y[known]) > SURE


def standing(values: Vector, y: Vector) -> float:
    """Returns the standard score of the rank sum of converted leads (Mann and Whitney 1947), without ties."""
    won, lost = float(y.sum()), float(len(y) - y.sum())
    if min(won, lost) == 0 or np.ptp(values) == 0:
        return 0.0
    _, place, count = np.unique(values, return_inverse=True, return_counts=True)
    rank = (np.cumsum(count) - (count - 1) / 2.0)[place]
    above = float(rank[y == 1.0].sum()) - won * (won + 1) / 2.0
    ties = float((count.astype(np.float64) ** 3 - count).sum()) / ((won + lost) * (won + lost - 1.0))
    spread = np.sqrt(won * lost / 12.0 * (won + lost + 1.0 - ties))
    return (above - won * lost / 2.0) / float(spread)
