"""Fits the monotone calibration from margin to probability on out-of-fold leads.

In log-odds the map is Platt scaling (Platt 1999) with its slope regularized towards 1, plus hinges at a few quantiles
of the margin. The penalty on the hinges is selected by cross-validated log-loss, and raised until the map increases
everywhere, so that noise never reverses the ranking (smoothing: Eilers and Marx 1996).
"""

import numpy as np

from leadscoring.model.calibration import Calibration
from leadscoring.quality.figures import log_loss
from leadscoring.training.reading.series import Vector
from leadscoring.training.split import Indices

HINGES = 6
PENALTIES = (10.0, 100.0, 1000.0, 1e9)
"""Penalties on the hinges; the last results in a straight line."""

KNOTS = 96
REACH = 6.0
"""How far the table extends beyond the observed margins, in log-odds."""

EXTREME = 18.0
"""Calibrated log-odds are limited to this absolute value, and strictly increase."""

LEAST_SLOPE = 1e-3

SLOPE_PENALTY = 30.0
"""Penalty on slopes other than 1: margins are log-odds already, which a few hundred leads should not override."""

LEAST_SPREAD = 0.25
"""Minimum scale for normalizing the margins."""


def fit_calibration(margins: Vector, y: Vector, seed: int = 0) -> Calibration:
    """Fits the calibration of ``margins`` to outcomes ``y`` (0 or 1), both of shape (leads,)."""
    fold = np.random.default_rng(seed).permutation(len(y)) % 5
    losses = [cross_validated(margins, y, fold, penalty) for penalty in PENALTIES]
    start = int(np.argmin(np.round(losses, 5)[::-1]))
    for penalty in PENALTIES[len(PENALTIES) - 1 - start :]:
        curve = Curve(margins, y, penalty)
        if curve.rises():
            return table(curve, margins)
    return table(Curve(margins, y, PENALTIES[-1], straight=True), margins)


def cross_validated(margins: Vector, y: Vector, fold: Indices, penalty: float) -> float:
    """The cross-validated log-loss of a penalty."""
    p = np.empty(len(y))
    for k in range(5):
        inside = fold != k
        p[~inside] = logistic(Curve(margins[inside], y[inside], penalty)(margins[~inside]))
    return log_loss(y, p)


class Curve:
    """Calibrated log-odds: the margin, plus a penalized piecewise-linear correction."""

    def __init__(self, margins: Vector, y: Vector, penalty: float, *, straight: bool = False) -> None:
        self.hinges = np.unique(np.quantile(margins, np.linspace(0.0, 1.0, HINGES + 2)[1:-1]))
        self.center, self.scale = float(margins.mean()), max(float(margins.std()), LEAST_SPREAD)
        ridge = np.full(2 + len(self.hinges), penalty)
        ridge[0], ridge[1] = 1e-9, SLOPE_PENALTY
        self.weights = newton(self.design(margins), margins, y, ridge)
        if straight:
            self.weights[2:] = 0.0
            self.weights[1] = max(self.weights[1], (LEAST_SLOPE - 1.0) * self.scale)

    def design(self, margins: Vector) -> Vector:
        """The design matrix: intercept, margin, and one hinge function per hinge."""
        bends = [np.maximum(0.0, margins - hinge) / self.scale for hinge in self.hinges]
        return np.column_stack([np.ones(len(margins)), (margins - self.center) / self.scale, *bends])

    def __call__(self, margins: Vector) -> Vector:
        """Calibrated log-odds of margins."""
        values: Vector = margins + self.design(margins) @ self.weights
        return values

    def rises(self) -> bool:
        """Whether the slope of every piece is positive."""
        return bool((1.0 + np.cumsum(self.weights[1:]) / self.scale >= LEAST_SLOPE).all())


def newton(design: Vector, offset: Vector, y: Vector, ridge: Vector) -> Vector:
    """Penalized logistic regression with a fixed ``offset``, by Newton's method with step halving.

    Platt's smoothed targets keep the weights finite if the outcomes are perfectly separable.
    """
    positives = y.sum()
    targets = np.where(y > 0, (positives + 1) / (positives + 2), 1 / (len(y) - positives + 2))

    def cost(weights: Vector) -> float:
        z = offset + design @ weights
        return float((np.logaddexp(0.0, z) - targets * z).sum() + 0.5 * (ridge * weights**2).sum())

    weights = np.zeros(design.shape[1])
    least = cost(weights)
    for _ in range(100):
        p = logistic(offset + design @ weights)
        gradient = design.T @ (p - targets) + ridge * weights
        hessian = (design * (p * (1 - p))[:, None]).T @ design + np.diag(ridge + 1e-9)
        step = np.linalg.solve(hessian, gradient)
        while np.abs(step).max() > 1e-10 and cost(weights - step) > least:
            step = step / 2.0
        weights = weights - step
        least = cost(weights)
        if np.abs(step).max() < 1e-9:
            break
    return weights


def table(curve: Curve, margins: Vector) -> Calibration:
    """Samples the curve at knots: dense over the observed margins, extended beyond any likely margin."""
    low, high = float(margins.min()), float(margins.max())
    if high - low < 1e-6:
        low, high = low - 1.0, high + 1.0
    tail = np.linspace(REACH / 16, REACH, 16)
    x = np.r_[low - tail[::-1], np.linspace(low, high, KNOTS), high + tail]
    z = np.clip(curve(x), -EXTREME, EXTREME)
    p = logistic(z)
    rising = np.r_[True, np.diff(p) > 0.0]
    x, p = x[rising], p[rising]
    method = "platt" if np.abs(curve.weights[2:]).max(initial=0.0) < 1e-4 else "penalised spline"
    return Calibration(tuple(x.tolist()), tuple(p.tolist()), method)


def logistic(z: Vector) -> Vector:
    """The logistic function, without overflow."""
    return np.where(z >= 0, 1.0 / (1.0 + np.exp(-np.abs(z))), np.exp(-np.abs(z)) / (1.0 + np.exp(-np.abs(z))))


def apply(calibration: Calibration, margins: Vector) -> Vector:
    """Calibrated probabilities of many margins, shape (leads,), as the service computes them."""
    if not calibration.margins:
        return logistic(np.asarray(margins, dtype=np.float64))
    return np.interp(margins, calibration.margins, calibration.probabilities)
