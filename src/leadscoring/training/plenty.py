"""How trees are fitted where leads are plenty: one fit tells the rounds, and no lead is fitted twice without need.

Cross-fitting spends most of its time on what many leads do not need: a margin from other trees for every lead. From
``PLENTY`` leads on, the recipes race on a sample, the best is fitted once with early stopping on a part of the leads,
and these calibrate it. All of that sees only the leads of the rehearsal.
"""

import threading

import msgspec
import numpy as np
import xgboost as xgb

from leadscoring.contract.features import Contract
from leadscoring.training.binned import binned, margins_in_blocks
from leadscoring.training.reading.series import Matrix, Vector
from leadscoring.training.share import Share
from leadscoring.training.split import Indices
from leadscoring.training.trees import CrossFit, Recipe, losses_of
from leadscoring.training.workers import Round, Watch, side_by_side

PLENTY = 50_000
"""From this number of leads outside of the held-out part on."""

MAX_ROUNDS = 450
PATIENCE = 25

RACED = 16_000
"""Maximum number of leads that recipes race on."""

JUDGED = 50_000
"""Maximum number of leads by which a fit stops."""

RECIPES = (
    Recipe(3, 0.12, 0.3),
    Recipe(8, 0.1, 0.3, child_weight=5.0, reg_lambda=10.0, leaves=16),
)
"""Faster than those of fewer leads, at twice the rate and more: decision 22 has what that costs."""


class Part(msgspec.Struct, frozen=True):
    """Some of the encoded leads: rows ``rows`` of ``x``."""

    x: Matrix
    y: Vector
    rows: Indices

    @property
    def outcomes(self) -> Vector:
        """The outcome of each of them, shape (leads,)."""
        return self.y[self.rows]

    def some(self, most: int) -> "Part":
        """At most so many of them, evenly spaced."""
        return msgspec.structs.replace(self, rows=evenly(self.rows, most))


def evenly(rows: Indices, most: int) -> Indices:
    """At most so many of some rows, evenly spaced."""
    if len(rows) <= most:
        return rows
    return rows[np.linspace(0, len(rows) - 1, most).astype(np.int64)]


class Goal:
    """What fits of the same trees share: their rounds, once these are known; until then a fit goes on.

    ``stop`` ends them early, and each of them is on ``threads``.
    """

    def __init__(self, stop: threading.Event, threads: int = 1) -> None:
        self.stop, self.threads, self.rounds, self.is_known = stop, threads, MAX_ROUNDS, False

    def settle(self, rounds: int) -> None:
        """Makes the rounds known."""
        self.rounds, self.is_known = rounds, True


def settle(
    contract: Contract, fitted: Part, stopped: Part, recipe: Recipe, seed: int, goal: Goal, done: Round
) -> tuple[CrossFit, xgb.Booster]:
    """Selects the rounds: trees of the leads in ``fitted``, by their loss on those in ``stopped``.

    The margins of the result are those of ``stopped``; the booster has the trees up to the selected round.
    """
    curve, booster = stopping(contract, fitted, stopped.some(JUDGED), recipe, seed, goal, done)
    goal.settle(int(np.argmin(curve)) + 1)
    booster = booster[: goal.rounds]
    margins = margins_in_blocks(booster, contract, stopped.x, stopped.rows)
    loss = float(losses_of(margins, stopped.outcomes).mean())
    return CrossFit(recipe, goal.rounds, loss, margins, len(curve), (recipe,)), booster


def race(
    contract: Contract, fitted: Part, stopped: Part, recipes: tuple[Recipe, ...], seed: int, share: Share
) -> tuple[Recipe, int]:
    """Returns the recipe with the least loss on some of ``stopped``, and the rounds that it takes for that."""
    rounds = dict.fromkeys(recipes, 0)
    fitted, stopped = fitted.some(RACED * 3 // 4), stopped.some(RACED // 4)

    stop = threading.Event()

    def run(recipe: Recipe) -> list[float]:
        def done(count: int) -> None:
            rounds[recipe] = count
            share.report("recipes", sum(rounds.values()) / (MAX_ROUNDS * len(recipes)))

        return stopping(contract, fitted, stopped, recipe, seed, Goal(stop), done)[0]

    curves = side_by_side(run, recipes, stop)
    best = min(range(len(recipes)), key=lambda place: min(curves[place]))
    return recipes[best], int(np.argmin(curves[best])) + 1


def stopping(
    contract: Contract, fitted: Part, stopped: Part, recipe: Recipe, seed: int, goal: Goal, done: Round
) -> tuple[list[float], xgb.Booster]:
    """Grows trees until the loss on ``stopped`` no longer falls; returns the loss after each round, and the trees."""
    data = binned(contract, fitted.x, fitted.y, fitted.rows, threads=goal.threads)
    judged = binned(contract, stopped.x, stopped.y, stopped.rows, data, goal.threads)
    found: dict[str, dict[str, list[float]]] = {}
    booster = xgb.train(
        recipe.parameters(float(fitted.outcomes.mean()), seed) | {"nthread": goal.threads},
        data,
        MAX_ROUNDS,
        evals=[(judged, "rest")],
        evals_result=found,
        early_stopping_rounds=PATIENCE,
        verbose_eval=False,
        callbacks=[Watch(goal.stop, done)],
    )
    return found["rest"]["logloss"], booster


def grow(contract: Contract, part: Part, recipe: Recipe, seed: int, goal: Goal, done: Round) -> xgb.Booster:
    """Trains the trees of one model, as many rounds as are its goal when it gets there."""
    data = binned(contract, part.x, part.y, part.rows, threads=goal.threads)
    parameters = recipe.parameters(float(part.outcomes.mean()), seed) | {"nthread": goal.threads}
    watch = Watch(goal.stop, done, lambda count: count >= goal.rounds)
    booster = xgb.train(parameters, data, goal.rounds, verbose_eval=False, callbacks=[watch])
    return booster[: min(goal.rounds, booster.num_boosted_rounds())]
