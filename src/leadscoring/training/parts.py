"""Fits the rehearsal and the final model where leads are plenty, by five parts of the leads.

The trees of the rehearsal learn from the first three parts, stop by the loss on the fourth, and are calibrated on it;
the fifth is held out, and measures them. The final model learns from all leads, with the recipe and rounds of the
rehearsal; its calibration and tiers come from the margins of the last two parts, by trees that had not seen them.
"""

import threading
from collections.abc import Callable
from functools import partial

import msgspec
import numpy as np
import xgboost as xgb

from leadscoring.quality.figures import measure
from leadscoring.training import certify, plenty, trees
from leadscoring.training.basis import Basis, Mask, choose
from leadscoring.training.binned import margins_in_blocks
from leadscoring.training.calibrate import apply, fit_calibration
from leadscoring.training.fitted import Fitted
from leadscoring.training.leads import HELD_OUT, Leads
from leadscoring.training.learned import Learned
from leadscoring.training.measured import Measured
from leadscoring.training.plenty import Goal, Part, evenly
from leadscoring.training.report.suspicion import suspicions
from leadscoring.training.share import Share
from leadscoring.training.split import Indices
from leadscoring.training.trees import Recipe
from leadscoring.training.workers import side_by_side

HELD = HELD_OUT - 1
STOPS = HELD - 1

SHOWN = 50_000
"""Maximum number of leads whose matrix is kept: the reference of the card is made of them."""


SERIAL = 150_000_000
"""From this number of values on, one model at a time is fitted, on two threads, as both together take more memory."""


class Pair(msgspec.Struct, frozen=True):
    """The model that is measured, its figures on the held-out leads, the model that is shipped, and doubts about it."""

    rehearsal: Fitted
    held_out: Measured
    final: Fitted
    doubts: tuple[str, ...]


class Grown(msgspec.Struct, frozen=True):
    """Trees with the leads that they learned from, in the columns that were chosen for them."""

    learned: Learned
    booster: xgb.Booster


class Bar:
    """The progress of both models at once, by their rounds; ``leads`` is how many each is fitted to."""

    def __init__(self, share: Share, expected: int, leads: dict[str, int]) -> None:
        self.share, self.expected, self.leads = share, expected, leads
        self.done = dict.fromkeys(leads, 0.0)

    def rounds(self, model: str, goal: Goal) -> Callable[[int], None]:
        """Returns a function to call with the number of rounds of a model that are done."""

        def done(count: int) -> None:
            self.done[model] = min(1.0, count / min(goal.rounds, self.expected))
            work = sum(self.done[name] * leads for name, leads in self.leads.items())
            self.share.report("trees" if goal.is_known else "folds", work / sum(self.leads.values()))

        return done


class Parts:
    """The leads, encoded, the part of each, and the margins of trees that had not seen the lead, NaN for others.

    ``again`` says that the model that is measured also learns from the part that stopped it: over time, since that part
    is the most similar to the held-out one; and if it is shipped.
    """

    def __init__(self, leads: Leads, basis: Basis, part: Indices, seed: int, *, ship_measured: bool) -> None:
        self.leads, self.basis, self.part, self.seed = leads, basis, part, seed
        self.ship_measured, self.again = ship_measured, ship_measured or leads.time is not None
        self.margins = np.full(len(part), np.nan)

    def fit(self, share: Share) -> Pair:
        """Fits the model that is measured and, unless that is shipped, the one of all leads, at the same time."""
        chosen = choose(self.basis, self.leads, self.part, self.part < STOPS)
        recipes = trees.RECIPES_OVER_TIME if self.leads.time is not None else plenty.RECIPES
        few = (self.of(chosen, self.part < STOPS), self.of(chosen, self.part == STOPS))
        recipe, rounds = plenty.race(chosen.inferred.contract, *few, recipes, self.seed, share.of(0.0, 0.1))
        leads = {"folds": int((self.part < STOPS).sum()), "trees": 0 if self.ship_measured else len(self.part)}
        bar = Bar(share.of(0.1, 0.95), min(plenty.MAX_ROUNDS, 2 * rounds), leads)
        serial = self.basis.x.size > SERIAL
        goal = Goal(threading.Event(), 2 if serial else 1)
        jobs = [partial(self.rehearsal, chosen, recipe, goal, bar)]
        jobs += [] if self.ship_measured else [partial(self.whole, recipe, goal, bar)]
        grown = side_by_side(lambda job: job(), jobs, goal.stop, 1 if serial else None)
        share.report("measuring", 0.95)
        return self.pair(grown[0], grown[-1])

    def of(self, learned: Learned, rows: Mask) -> Part:
        """Returns some of the leads."""
        return Part(learned.x, self.leads.y, np.flatnonzero(rows))

    def rehearsal(self, learned: Learned, recipe: Recipe, goal: Goal, bar: Bar) -> Grown:
        """Grows the trees that are measured, and finds the margins of the last two parts."""
        contract, done = learned.inferred.contract, bar.rounds("folds", goal)
        fits, stops = self.of(learned, self.part < STOPS), self.of(learned, self.part == STOPS)
        cross, booster = plenty.settle(contract, fits, stops, recipe, self.seed, goal, done)
        if self.again:
            booster = plenty.grow(contract, self.of(learned, self.part < HELD), recipe, self.seed, goal, done)
        held = np.flatnonzero(self.part == HELD)
        self.margins[stops.rows] = cross.margins
        self.margins[held] = margins_in_blocks(booster, contract, learned.served, held)
        self.cross = cross
        return Grown(learned, booster)

    def whole(self, recipe: Recipe, goal: Goal, bar: Bar) -> Grown:
        """Grows the trees of all leads."""
        every = np.ones(len(self.part), dtype=bool)
        learned = choose(self.basis, self.leads, self.part, every)
        done = bar.rounds("trees", goal)
        part = self.of(learned, every)
        return Grown(learned, plenty.grow(learned.inferred.contract, part, recipe, self.seed, goal, done))

    def pair(self, measured: Grown, shipped: Grown) -> Pair:
        """Calibrates both models, and measures the first on the held-out leads."""
        part, held = self.part, np.flatnonzero(self.part == HELD)
        seen = np.flatnonzero(part < HELD)
        rehearsal = self.fitted(measured, seen, np.flatnonzero(part[seen] == STOPS))
        p = apply(rehearsal.calibration, self.margins[held])
        quality = measure(self.leads.y[held], p, rehearsal.tiers.thresholds)
        held_out = Measured(self.leads.take(held), measured.learned.served[held], p, quality)
        doubts = suspicions(rehearsal, held_out, self.seed)
        if self.ship_measured:
            return Pair(rehearsal, held_out, rehearsal, doubts)
        final = self.fitted(shipped, np.arange(len(part)), np.flatnonzero(part >= STOPS))
        return Pair(rehearsal, held_out, final, doubts)

    def fitted(self, grown: Grown, rows: Indices, recent: Indices) -> Fitted:
        """Calibrates the trees of some leads, and derives their tiers, by those of the ``rows`` that are ``recent``."""
        margins, y = self.margins[rows], self.leads.y[rows]
        calibration = fit_calibration(margins[recent], y[recent], self.seed)
        unseen = apply(calibration, margins)
        shown = evenly(np.arange(len(rows)), SHOWN)
        return Fitted(
            grown.learned.inferred,
            self.basis.reading,
            grown.learned.x[rows[shown]],
            grown.learned.served[rows[shown]],
            shown,
            y,
            grown.booster,
            msgspec.structs.replace(self.cross, margins=margins),
            calibration,
            unseen,
            recent,
            certify.make_tiers(unseen[recent], y[recent]),
        )
