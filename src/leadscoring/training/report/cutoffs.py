"""The cut-off: how many of the best leads to work, and what to expect of them."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from leadscoring.quality.proportion import share_of
from leadscoring.training.reading.series import Vector

SHARES = (0.05, 0.10, 0.20, 0.30, 0.50, 0.75)
"""The shares of the leads that are worked, the best first."""

CURVE = tuple(k / 40 for k in range(1, 41))
"""The shares at which the curve of gains is drawn."""

Reached = NDArray[np.float64]


def cutoffs(y: Vector, p: Vector, per_month: float | None = None) -> list[dict[str, Any]]:
    """Returns what working each of ``SHARES`` brings, by the held-out leads; ``per_month`` leads arrive, if known.

    ``conversion`` is the share of the worked leads that converts, ``recall`` the share of all conversions that is
    among them; both have 95 % intervals. Leads with equal probabilities are split in proportion.
    """
    reached, ordered = curve(y, p), np.sort(p)[::-1]
    rate = float(y.mean())
    rows: list[dict[str, Any]] = []
    for share in SHARES:
        leads, won = share * len(y), reached(share)
        conversion = share_of(won, leads)
        per_thousand = 1000.0 * share
        rows.append(
            {
                "worked": share,
                "threshold": float(ordered[max(0, int(np.ceil(leads - 1e-9)) - 1)]),
                "leads_per_1000": per_thousand,
                "conversions_per_1000": per_thousand * conversion.value,
                "leads_per_month": None if per_month is None else share * per_month,
                "conversions_per_month": None if per_month is None else share * per_month * conversion.value,
                "conversion": conversion,
                "recall": share_of(won, float(y.sum())),
                "lift": conversion.value / rate,
            }
        )
    return rows


def gains(y: Vector, p: Vector) -> list[dict[str, Any]]:
    """Returns the share of all conversions among the best leads, at each share of ``CURVE``."""
    reached, positives = curve(y, p), float(y.sum())
    return [{"worked": share, "recall": share_of(reached(share), positives)} for share in CURVE]


class curve:  # noqa: N801 - read as a function of the share
    """Counts the conversions among the best leads."""

    def __init__(self, y: Vector, p: Vector) -> None:
        order = np.argsort(-p, kind="stable")
        last = np.flatnonzero(np.r_[np.diff(p[order]) != 0.0, True])
        self.leads = np.r_[0.0, last + 1.0]
        self.won = np.r_[0.0, np.cumsum(y[order])[last]]

    def __call__(self, share: float) -> float:
        """Returns the conversions among the best ``share`` of the leads."""
        return float(np.interp(share * self.leads[-1], self.leads, self.won))
