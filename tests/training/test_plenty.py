import threading

import numpy as np
import pytest
import xgboost as xgb

from leadscoring.contract.features import Contract, Feature
from leadscoring.training import plenty
from leadscoring.training.plenty import MAX_ROUNDS, Goal, Part, evenly, grow, race, settle
from leadscoring.training.share import Share
from leadscoring.training.trees import CrossFit, Recipe, losses_of, margins_of

RANDOM = np.random.default_rng(4)
ROWS = 4000
X = RANDOM.normal(size=(ROWS, 3)).astype(np.float32)
Y = (RANDOM.random(ROWS) < 1 / (1 + np.exp(-2.0 * X[:, 0] * X[:, 1]))).astype(float)
THREE = Contract(tuple(Feature(name, "number") for name in "abc"))
STUMPS, DEEP = Recipe(1, 0.3), Recipe(3, 0.3)
LEARN, STOP, HELD = (np.arange(start, ROWS, 4) for start in (0, 1, 2))
NOBODY = Share(lambda _stage, _share: None, 0.0, 1.0)


def part(rows: np.ndarray, y: np.ndarray = Y) -> Part:
    """Some of the leads."""
    return Part(X, y, rows)


def settled(y: np.ndarray = Y, recipe: Recipe = DEEP, threads: int = 1) -> tuple[CrossFit, xgb.Booster, Goal]:
    """What one fit tells."""
    goal = Goal(threading.Event(), threads)
    cross, booster = settle(THREE, part(LEARN, y), part(STOP, y), recipe, 0, goal, lambda _: None)
    return cross, booster, goal


@pytest.mark.parametrize(("rows", "most"), [(10, 3), (10, 10), (3, 10), (1000, 999)])
def test_a_sample_is_spread_evenly(rows: int, most: int) -> None:
    """From the first to the last, none twice, all where there are few."""
    some = evenly(np.arange(rows), most)
    assert len(np.unique(some)) == len(some) == min(rows, most)
    assert (some[0], some[-1]) == (0, rows - 1)


def test_the_recipe_with_the_least_loss_wins_the_race() -> None:
    """Single splits learn nothing of a product, wherever they stand in the list."""
    for recipes in ((STUMPS, DEEP), (DEEP, STUMPS)):
        recipe, rounds = race(THREE, part(LEARN), part(STOP), recipes, 0, NOBODY)
        assert recipe == DEEP
        assert 1 <= rounds <= MAX_ROUNDS


def test_the_race_is_run_on_a_sample(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of both parts, however many leads there are."""
    seen: list[tuple[int, int]] = []
    original = plenty.stopping

    def counted(contract: Contract, fitted: Part, stopped: Part, *rest: object) -> tuple[list[float], xgb.Booster]:
        seen.append((len(fitted.rows), len(stopped.rows)))
        return original(contract, fitted, stopped, *rest)  # type: ignore[arg-type]  # handed on

    monkeypatch.setattr(plenty, "stopping", counted)
    monkeypatch.setattr(plenty, "RACED", 400)
    race(THREE, part(LEARN), part(STOP), (STUMPS, DEEP), 0, NOBODY)
    assert seen == [(300, 100)] * 2


def test_neither_recipe_nor_rounds_nor_trees_depend_on_other_leads() -> None:
    """Every outcome of the others may be turned round."""
    other = Y.copy()
    other[~np.isin(np.arange(ROWS), np.r_[LEARN, STOP])] = 1.0 - other[~np.isin(np.arange(ROWS), np.r_[LEARN, STOP])]
    assert race(THREE, part(LEARN), part(STOP), (STUMPS, DEEP), 0, NOBODY) == race(
        THREE, part(LEARN, other), part(STOP, other), (STUMPS, DEEP), 0, NOBODY
    )
    (one, trees, _), (two, same, _) = settled(), settled(other)
    assert one.rounds == two.rounds
    assert bytes(trees.save_raw()) == bytes(same.save_raw())
    assert np.array_equal(one.margins, two.margins)


def test_the_rounds_are_those_with_the_least_loss_and_the_margins_are_of_those_trees() -> None:
    """On leads that the trees had not seen."""
    cross, booster, goal = settled()
    assert goal.is_known
    assert cross.rounds == goal.rounds == booster.num_boosted_rounds() < cross.seen
    assert np.array_equal(cross.margins, margins_of(booster, THREE, X[STOP]))
    assert cross.loss == pytest.approx(float(losses_of(cross.margins, Y[STOP]).mean()))


def test_a_fit_that_is_ahead_of_its_goal_ends_with_the_same_trees() -> None:
    """Whether it knew the rounds from its first tree on, or learned of them when it had more."""
    early, late = Goal(threading.Event()), Goal(threading.Event())
    early.settle(5)

    def tell(done: int) -> None:
        if done == 9:
            late.settle(5)

    one = grow(THREE, part(LEARN), DEEP, 0, early, lambda _: None)
    two = grow(THREE, part(LEARN), DEEP, 0, late, tell)
    assert one.num_boosted_rounds() == two.num_boosted_rounds() == 5
    assert bytes(one.save_raw("json")) == bytes(two.save_raw("json"))


def test_a_fit_that_nobody_wants_ends() -> None:
    """After the round that it is in."""
    goal = Goal(threading.Event())
    rounds: list[int] = []

    def done(count: int) -> None:
        rounds.append(count)
        if count == 3:
            goal.stop.set()

    grow(THREE, part(LEARN), DEEP, 0, goal, done)
    assert rounds == [1, 2, 3]
