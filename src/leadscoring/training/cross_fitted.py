"""Fits a model by cross-fitting, where leads are not plenty: a margin from other trees for every lead."""

import threading
from collections.abc import Callable
from functools import partial
from typing import Any

import msgspec
import numpy as np
import xgboost as xgb

from leadscoring.training import certify, trees
from leadscoring.training.basis import Basis
from leadscoring.training.calendar_proxies import without_calendar
from leadscoring.training.calibrate import apply, fit_calibration
from leadscoring.training.fitted import Fitted
from leadscoring.training.leads import Leads
from leadscoring.training.learned import Learned, learn
from leadscoring.training.level_weights import weigh
from leadscoring.training.reading.series import Vector
from leadscoring.training.share import Share
from leadscoring.training.split import Indices
from leadscoring.training.workers import Result, side_by_side

FOLDS = 5

RECENT_FOLDS = 2
"""With a time column, calibration and tiers use only the latest folds, because base rates change over time."""


class Folded(msgspec.Struct, frozen=True):
    """Leads in folds, in the columns that were chosen for each of them; ``seed`` is that of the trees."""

    leads: Leads
    basis: Basis
    learned: Learned
    folds: Indices
    seed: int

    @property
    def recent(self) -> Indices:
        """The rows by which calibration and tiers are made, shape (leads,)."""
        every = np.arange(len(self.leads.y))
        return every if self.leads.time is None else np.flatnonzero(self.folds >= FOLDS - RECENT_FOLDS)

    def crossed(self, recipes: tuple[trees.Recipe, ...], share: Share, stop: threading.Event) -> trees.CrossFit:
        """Selects the best of some recipes, and its number of rounds."""
        ticks = share.ticks("folds", FOLDS * len(recipes))
        return trees.cross_fit(self.learned.view, self.leads.y, self.folds, recipes, self.seed, ticks, stop)

    def grown(self, recipe: trees.Recipe, rounds: int, stop: threading.Event) -> xgb.Booster:
        """Trains the trees of the model."""
        contract = self.learned.inferred.contract
        return trees.grow(contract, self.learned.x, self.leads.y, recipe, rounds, self.seed, stop)

    def without(self, number: int, recipe: trees.Recipe, rounds: int, stop: threading.Event) -> Vector:
        """Trains the same trees without a fold; returns their margins of it, shape (leads of the fold,)."""
        contract, x = self.learned.view(number)
        inside = self.folds != number
        booster = trees.grow(contract, x[inside], self.leads.y[inside], recipe, rounds, self.seed, stop)
        return trees.margins_of(booster, contract, x[~inside])

    def fitted(self, booster: xgb.Booster, cross: trees.CrossFit) -> Fitted:
        """Calibrates the trees by margins from other trees, and derives the tiers."""
        learned, y, recent = self.learned, self.leads.y, self.recent
        calibration = fit_calibration(cross.margins[recent], y[recent], self.seed)
        unseen = apply(calibration, cross.margins)
        every = np.arange(len(y))
        tiers = certify.make_tiers(unseen[recent], y[recent])
        return Fitted(
            *(learned.inferred, self.basis.reading, learned.x, learned.served, every, y),
            *(booster, cross, calibration, unseen, recent),
            tiers=tiers,
        )


def folded(leads: Leads, basis: Basis, seed: int) -> Folded:
    """Puts leads into folds, and chooses the columns of each; ``basis`` is that of them."""
    inferred, x = basis.inferred, basis.x
    if leads.time is not None and not basis.complete:
        inferred, x = without_calendar(inferred, x, leads.time)
    folds = leads.folds(FOLDS, seed, inferred.alike)
    if basis.complete:
        learned = Learned(inferred, x, x, lambda _: (inferred.contract, x))
    else:
        learned = weigh(learn(inferred, x, leads.y, leads.as_of, folds), leads.y, folds)
    return Folded(leads, basis, learned, folds, seed)


def fit(
    leads: Leads,
    basis: Basis,
    recipes: tuple[trees.Recipe, ...],
    seed: int,
    share: Share,
    stop: threading.Event | None = None,
) -> Fitted:
    """Fits trees, calibration and tiers to leads; ``basis`` is that of them, and the best of the recipes is taken."""
    stop, some = stop or threading.Event(), folded(leads, basis, seed)
    cross = some.crossed(recipes, share, stop)
    share.report("trees", 1.0)
    return some.fitted(some.grown(cross.recipe, cross.rounds, stop), cross)


def followed(
    some: Folded, cross: trees.CrossFit, beside: Callable[[], Result], share: Share, stop: threading.Event
) -> tuple[Result, Fitted]:
    """Fits with the recipe and the rounds of ``cross``, which most of the leads selected; does ``beside`` meanwhile.

    All trees grow side by side, as none waits for the rounds of others. Returns the result of ``beside``, too.
    """
    numbers = np.unique(some.folds).tolist()
    tick = share.ticks("trees", len(numbers) + 2)
    with_all = partial(some.grown, cross.recipe, cross.rounds, stop)
    without = [partial(some.without, number, cross.recipe, cross.rounds, stop) for number in numbers]

    def done(job: Callable[[], Any]) -> Any:
        result = job()
        tick()
        return result

    jobs: list[Callable[[], Any]] = [beside, with_all, *without]
    first, booster, *unseen = side_by_side(done, jobs, stop)
    margins = np.full(len(some.folds), np.nan)
    for number, found in zip(numbers, unseen, strict=True):
        margins[some.folds == number] = found
    loss = float(trees.losses_of(margins, some.leads.y).mean())
    own = trees.CrossFit(cross.recipe, cross.rounds, loss, margins, cross.rounds, (cross.recipe,))
    return first, some.fitted(booster, own)
