"""Fits the rehearsal and the final model where leads are plenty, by five parts of the leads.

The trees of the rehearsal learn from the first three parts, stop by the loss on the fourth, and are calibrated on it;
the fifth is held out, and measures them. The final model learns from all leads, with the recipe and rounds of the
rehearsal; its calibration and tiers come from the margins of the last two parts, by trees that had not seen them.
"""

import msgspec
import numpy as np
import xgboost as xgb

from leadscoring.quality.figures import measure
from leadscoring.training import certify, plenty, trees
from leadscoring.training.basis import Basis, choose
from leadscoring.training.binned import margins_in_blocks
from leadscoring.training.calibrate import apply, fit_calibration
from leadscoring.training.fitted import Fitted
from leadscoring.training.leads import HELD_OUT, Leads
from leadscoring.training.learned import Learned
from leadscoring.training.measured import Measured
from leadscoring.training.plenty import Part, evenly
from leadscoring.training.share import Share
from leadscoring.training.split import Indices

HELD = HELD_OUT - 1
STOPS = HELD - 1

SHOWN = 50_000
"""Maximum number of leads whose matrix is kept: the reference of the card is made of them."""


class Parts:
    """The leads, encoded, the part of each, and what the rehearsal leaves for the final model.

    ``again`` says that the model of the rehearsal also learns from the part that stopped it: over time, since that part
    is the most similar to the held-out one.
    """

    def __init__(self, leads: Leads, basis: Basis, part: Indices, seed: int, *, again: bool) -> None:
        self.leads, self.basis, self.part, self.seed, self.again = leads, basis, part, seed, again
        self.margins = np.full(len(part), np.nan)
        """Those of trees that had not seen the lead, shape (leads,)."""

    def rehearsal(self, share: Share) -> tuple[Fitted, Measured]:
        """Fits the model that is measured, and measures it on the held-out part."""
        part, leads = self.part, self.leads
        learned = choose(self.basis, leads, part, part < STOPS)
        fits, stops, held = (np.flatnonzero(rows) for rows in (part < STOPS, part == STOPS, part == HELD))
        contract, x = learned.inferred.contract, learned.x
        recipes = trees.RECIPES_OVER_TIME if leads.time is not None else plenty.RECIPES
        first, second = (share.of(0.0, 0.5), share.of(0.5, 0.95)) if self.again else (share.of(0.0, 0.95), share)
        cross, booster = plenty.settle(
            contract, Part(x, leads.y, fits), Part(x, leads.y, stops), recipes, self.seed, first
        )
        seen = np.flatnonzero(part < HELD)
        if self.again:
            rounds = second.rounds("folds", cross.rounds)
            booster = plenty.grow(contract, Part(x, leads.y, seen), cross.recipe, cross.rounds, self.seed, rounds)
        share.report("measuring", 0.95)
        self.margins[stops] = cross.margins
        self.margins[held] = margins_in_blocks(booster, contract, learned.served, held)
        fitted = self.fitted(learned, booster, cross, seen, np.flatnonzero(part[seen] == STOPS))
        p = apply(fitted.calibration, self.margins[held])
        quality = measure(leads.y[held], p, fitted.tiers.thresholds)
        return fitted, Measured(leads.take(held), learned.served[held], p, quality)

    def final(self, rehearsal: Fitted, share: Share) -> Fitted:
        """Fits the model of all leads."""
        every = np.arange(len(self.part))
        learned = choose(self.basis, self.leads, self.part, np.ones(len(every), dtype=bool))
        cross = rehearsal.cross
        booster = plenty.grow(
            learned.inferred.contract,
            Part(learned.x, self.leads.y, every),
            cross.recipe,
            cross.rounds,
            self.seed,
            share.rounds("trees", cross.rounds),
        )
        return self.fitted(learned, booster, cross, every, np.flatnonzero(self.part >= STOPS))

    def fitted(
        self, learned: Learned, booster: xgb.Booster, cross: trees.CrossFit, rows: Indices, recent: Indices
    ) -> Fitted:
        """Calibrates the trees of some leads, and derives their tiers, by those of the ``rows`` that are ``recent``."""
        margins, y = self.margins[rows], self.leads.y[rows]
        calibration = fit_calibration(margins[recent], y[recent], self.seed)
        unseen = apply(calibration, margins)
        shown = evenly(np.arange(len(rows)), SHOWN)
        return Fitted(
            learned.inferred,
            self.basis.reading,
            learned.x[rows[shown]],
            learned.served[rows[shown]],
            shown,
            y,
            booster,
            msgspec.structs.replace(cross, margins=margins),
            calibration,
            unseen,
            recent,
            certify.make_tiers(unseen[recent], y[recent]),
        )
