"""The engine against XGBoost, both on one thread: ``python -m benchmarks.engine``."""

import argparse
from collections.abc import Callable
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np
import xgboost
from numpy.typing import NDArray

from benchmarks.row import Row, table
from leadscoring import _engine
from leadscoring.model.trees import TreeEnsemble

FEATURES = 50
LEADS = 10_000


class Bound(NamedTuple):
    """The minimum speed-up, and the target."""

    floor: float
    aim: float


BOUNDS = {
    (200, 4): (Bound(20, 50), Bound(40, 90)),
    (300, 6): (Bound(8, 40), Bound(15, 40)),
}
"""Bounds by number of trees and depth, for contributions of 1 and of 10,000 leads."""

MARGIN_BOUNDS = (Bound(25, 25), Bound(1.5, 3))


def row(what: str, ours: float, reference: float, bound: Bound) -> Row:
    """Returns the speed-up from the microseconds per lead of both."""
    told = f"{ours:.2f} us", f"xgboost {reference:,.1f} us"
    return Row(what, *told, reference / ours, bound.floor, aim=bound.aim)


def leads() -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Generates leads with 5 % missing values and outcomes that depend on twenty features."""
    random = np.random.default_rng(7)
    rows = random.normal(size=(2 * LEADS, FEATURES)).astype(np.float32)
    signal = rows[:, :20] @ random.normal(size=20) * 0.4 + rows[:, 0] * rows[:, 1]
    outcome = signal + random.normal(size=len(rows)) > 1
    rows[random.random(rows.shape) < 0.05] = np.nan
    return rows, outcome


def train(trees: int, depth: int) -> tuple[xgboost.Booster, TreeEnsemble]:
    """Returns the same model in XGBoost (one thread) and in the engine."""
    rows, outcome = leads()
    options = {"objective": "binary:logistic", "max_depth": depth, "eta": 0.1, "seed": 7}
    raw = xgboost.train(options, xgboost.DMatrix(rows, outcome), trees).save_raw("json")
    booster = xgboost.Booster({"nthread": 1}, model_file=raw)
    booster.set_param({"nthread": 1})
    return booster, TreeEnsemble.from_bytes(bytes(raw))


def best(work: Callable[[], Any], leads: int, rounds: int, calls: int = 1) -> float:
    """Returns the microseconds per lead in the fastest round, since noise only increases the time."""
    fastest = float("inf")
    for _ in range(rounds):
        start = perf_counter()
        for _ in range(calls):
            work()
        fastest = min(fastest, perf_counter() - start)
    return fastest / calls / leads * 1e6


def measure_contributions(trees: int, depth: int) -> list[Row]:
    """Measures contributions of a single lead and of many."""
    booster, ours = train(trees, depth)
    rows = np.ascontiguousarray(leads()[0][:LEADS])
    one, bounds = rows[:1].copy(), BOUNDS[trees, depth]
    ready_one, ready = xgboost.DMatrix(one, nthread=1), xgboost.DMatrix(rows, nthread=1)
    theirs = booster.predict(ready, pred_contribs=True)
    np.testing.assert_allclose(ours.contributions(rows), theirs, rtol=0, atol=1e-4)

    single = best(lambda: ours.contributions(one), 1, 30, 100)
    bulk = best(lambda: ours.contributions(rows), LEADS, 10)
    single_theirs = best(lambda: booster.predict(ready_one, pred_contribs=True), 1, 20, 20)
    single_whole = best(lambda: booster.predict(xgboost.DMatrix(one, nthread=1), pred_contribs=True), 1, 20, 20)
    bulk_theirs = best(lambda: booster.predict(ready, pred_contribs=True), LEADS, 2)
    shape = f"contributions, {trees} trees of depth {depth}"
    return [
        row(f"{shape}, 1 lead", single, single_theirs, bounds[0]),
        row(f"{shape}, 1 lead, with XGBoost's DMatrix", single, single_whole, bounds[0]),
        row(f"{shape}, {LEADS:,} leads", bulk, bulk_theirs, bounds[1]),
    ]


def measure_margins(trees: int, depth: int) -> list[Row]:
    """Measures margins of a single lead and of many, from the same arrays."""
    booster, ours = train(trees, depth)
    rows = np.ascontiguousarray(leads()[0][:LEADS])
    one = rows[:1].copy()
    theirs = booster.inplace_predict(rows, predict_type="margin")
    np.testing.assert_array_equal(ours.margins(rows), theirs)

    single = best(lambda: ours.margins(one), 1, 30, 200)
    bulk = best(lambda: ours.margins(rows), LEADS, 20)
    single_theirs = best(lambda: booster.inplace_predict(one, predict_type="margin"), 1, 30, 50)
    bulk_theirs = best(lambda: booster.inplace_predict(rows, predict_type="margin"), LEADS, 10)
    shape = f"margins, {trees} trees of depth {depth}"
    return [
        row(f"{shape}, 1 lead", single, single_theirs, MARGIN_BOUNDS[0]),
        row(f"{shape}, {LEADS:,} leads", bulk, bulk_theirs, MARGIN_BOUNDS[1]),
    ]


def rows() -> list[Row]:
    """Runs all benchmarks of the engine, with the instruction set in use."""
    return [
        line for trees, depth in BOUNDS for line in measure_contributions(trees, depth) + measure_margins(trees, depth)
    ]


def main() -> None:
    """Prints the table, for the widest instruction set or the requested one."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--variant", choices=_engine.variants(), default=_engine.variant())
    _engine.use_variant(parser.parse_args().variant)
    print(f"{FEATURES} features, one thread, {_engine.variant()}, time a lead\n")
    print(table(rows()))


if __name__ == "__main__":
    main()
