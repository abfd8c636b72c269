"""Fits the monotone calibration from margin to probability on out-of-fold leads.

In log-odds the map is Platt scaling (Platt 1999) with its slope regularized towards 1, plus hinges at a few quantiles
of the margin. The penalty on the hinges is selected by cross-validated log-loss, and raised until the map increases
everywhere, so that noise never reverses the ranking (smoothing: Eilers and Marx 1996).
"""

import msgspec
import numpy as np

from leadscoring.model.calibration import Calibration
from leadscoring.quality.figures import CLIP
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

FOLDS = 5

EXACT = 20_000
"""Up to this number of leads, each is a cell of its own."""

MOST = 1000
"""Number of groups, of each fold, that more leads are put into by their margins."""

LEAST_SPREAD = 0.25
"""Minimum scale for normalizing the margins."""


class Cells(msgspec.Struct, frozen=True):
    """Margins, how many leads have each, and how many of these converted; all of shape (cells,).

    A cell is a lead, or one of ``MOST`` groups of leads with nearly equal margins, at their mean.
    """

    margins: Vector
    leads: Vector
    won: Vector


def cells_of(margins: Vector, y: Vector, fold: Indices) -> tuple[Cells, Indices]:
    """Returns the cells of some leads, each of leads of one fold, and their folds."""
    if len(y) <= EXACT:
        return Cells(margins, np.ones(len(y)), y), fold
    place = np.empty(len(y), dtype=np.int64)
    place[np.argsort(margins, kind="stable")] = np.arange(len(y)) * MOST // len(y)
    cell = place * FOLDS + fold
    leads = np.bincount(cell).astype(np.float64)
    some = np.flatnonzero(leads)
    sums, won = (np.bincount(cell, values)[some] for values in (margins, y))
    return Cells(sums / leads[some], leads[some], won.astype(np.float64)), some % FOLDS


def fit_calibration(margins: Vector, y: Vector, seed: int = 0) -> Calibration:
    """Fits the calibration of ``margins`` to outcomes ``y`` (0 or 1), both of shape (leads,)."""
    every, fold = cells_of(margins, y, np.random.default_rng(seed).permutation(len(y)) % FOLDS)
    losses = [cross_validated(every, fold, penalty) for penalty in PENALTIES]
    start = int(np.argmin(np.round(losses, 5)[::-1]))
    for penalty in PENALTIES[len(PENALTIES) - 1 - start :]:
        curve = Curve(every, penalty)
        if curve.rises():
            return table(curve, margins)
    return table(Curve(every, PENALTIES[-1], straight=True), margins)


def cross_validated(every: Cells, fold: Indices, penalty: float) -> float:
    """The cross-validated log-loss of a penalty."""
    p = np.empty(len(fold))
    for k in range(FOLDS):
        inside = fold != k
        curve = Curve(Cells(every.margins[inside], every.leads[inside], every.won[inside]), penalty)
        p[~inside] = logistic(curve(every.margins[~inside]))
    p = np.clip(p, CLIP, 1.0 - CLIP)
    losses = every.won * np.log(p) + (every.leads - every.won) * np.log1p(-p)
    return float(-losses.sum() / every.leads.sum())


class Curve:
    """Calibrated log-odds: the margin, plus a penalized piecewise-linear correction."""

    def __init__(self, cells: Cells, penalty: float, *, straight: bool = False) -> None:
        margins, leads = cells.margins, cells.leads
        self.hinges = np.unique(np.quantile(margins, np.linspace(0.0, 1.0, HINGES + 2)[1:-1]))
        self.center = float((margins * leads).sum() / leads.sum())
        self.scale = max(float(np.sqrt(((margins - self.center) ** 2 * leads).sum() / leads.sum())), LEAST_SPREAD)
        ridge = np.full(2 + len(self.hinges), penalty)
        ridge[0], ridge[1] = 1e-9, SLOPE_PENALTY
        self.weights = newton(self.design(margins), cells, ridge)
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


def newton(design: Vector, cells: Cells, ridge: Vector) -> Vector:
    """Penalized logistic regression with the margins as a fixed offset, by Newton's method with step halving.

    Platt's smoothed targets keep the weights finite if the outcomes are perfectly separable.
    """
    offset, leads, positives, rows = cells.margins, cells.leads, cells.won.sum(), cells.leads.sum()
    rate = cells.won / leads
    targets = rate * ((positives + 1) / (positives + 2)) + (1.0 - rate) * (1 / (rows - positives + 2))

    def cost(weights: Vector) -> float:
        z = offset + design @ weights
        return float((leads * (np.logaddexp(0.0, z) - targets * z)).sum() + 0.5 * (ridge * weights**2).sum())

    weights = np.zeros(design.shape[1])
    least = cost(weights)
    for _ in range(100):
        p = logistic(offset + design @ weights)
        gradient = design.T @ (leads * (p - targets)) + ridge * weights
        hessian = (design * (leads * p * (1 - p))[:, None]).T @ design + np.diag(ridge + 1e-9)
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
