"""Fits a model by cross-fitting, where leads are not plenty: a margin from other trees for every lead."""

import numpy as np

from leadscoring.training import certify, trees
from leadscoring.training.basis import Basis
from leadscoring.training.calendar_proxies import without_calendar
from leadscoring.training.calibrate import apply, fit_calibration
from leadscoring.training.fitted import Fitted
from leadscoring.training.leads import Leads
from leadscoring.training.learned import Learned, learn
from leadscoring.training.level_weights import weigh
from leadscoring.training.share import Share

FOLDS = 5

RECENT_FOLDS = 2
"""With a time column, calibration and tiers use only the latest folds, because base rates change over time."""


def fit(leads: Leads, basis: Basis, recipes: tuple[trees.Recipe, ...], seed: int, share: Share) -> Fitted:
    """Fits trees, calibration and tiers to leads; ``basis`` is that of them."""
    inferred, x = basis.inferred, basis.x
    if leads.time is not None and not basis.complete:
        inferred, x = without_calendar(inferred, x, leads.time)
    folds = leads.folds(FOLDS, seed, inferred.alike)
    if basis.complete:
        learned = Learned(inferred, x, x, lambda _: (inferred.contract, x))
    else:
        learned = weigh(learn(inferred, x, leads.y, leads.as_of, folds), leads.y, folds)
    inferred, x, contract = learned.inferred, learned.x, learned.inferred.contract
    ticks = share.ticks("folds", FOLDS * len(recipes))
    cross = trees.cross_fit(contract, x, leads.y, folds, recipes, seed, ticks, learned.view)
    every = np.arange(len(leads.y))
    recent = every if leads.time is None else np.flatnonzero(folds >= FOLDS - RECENT_FOLDS)
    calibration = fit_calibration(cross.margins[recent], leads.y[recent], seed)
    unseen = apply(calibration, cross.margins)
    share.report("trees", 1.0)
    booster = trees.grow(contract, x, leads.y, cross.recipe, cross.rounds, seed)
    tiers = certify.make_tiers(unseen[recent], leads.y[recent])
    return Fitted(
        *(inferred, basis.reading, x, learned.served, every, leads.y, booster, cross, calibration, unseen, recent),
        tiers=tiers,
    )
