import threading
from typing import Any

import numpy as np
import pytest
import xgboost as xgb

from leadscoring.training.workers import Watch, side_by_side

RANDOM = np.random.default_rng(1)
X = RANDOM.normal(size=(200, 2))
DATA = xgb.DMatrix(X, (X[:, 0] > 0).astype(float))


def grown(watch: Watch, rounds: int = 50) -> int:
    """The rounds of a fit that is watched."""
    return xgb.train({"nthread": 1}, DATA, rounds, callbacks=[watch]).num_boosted_rounds()


@pytest.mark.parametrize("workers", [1, 2, 7])
def test_results_come_in_the_order_of_the_jobs(workers: int) -> None:
    """However many threads there are."""
    assert side_by_side(lambda job: job * job, list(range(20)), threading.Event(), workers) == [
        k * k for k in range(20)
    ]


def test_each_round_is_reported_and_enough_are_enough() -> None:
    """A fit ends at the first round that suffices."""
    seen: list[int] = []
    assert grown(Watch(threading.Event(), seen.append, lambda count: count >= 7)) == 7
    assert seen == list(range(1, 8))


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError])
def test_an_error_or_ctrl_c_ends_the_other_fits(error: type[BaseException]) -> None:
    """A fit of a million rounds ends after the round that it is in, and no other job begins."""
    stop, begun = threading.Event(), threading.Event()
    rounds: list[int] = []
    jobs: list[str] = []

    def work(job: str) -> Any:
        jobs.append(job)
        if job == "fails":
            assert begun.wait(30)
            raise error
        rounds.append(grown(Watch(stop, lambda _: begun.set()), 1_000_000))

    with pytest.raises(error):
        side_by_side(work, ["fails", "long", "never begun"], stop, 2)
    assert sorted(set(jobs)) == ["fails", "long"] or len(rounds) == 2
    assert all(count < 1_000_000 for count in rounds)


def test_ctrl_c_while_waiting_ends_the_fits() -> None:
    """It reaches the thread that waits, not those that work: these see the flag."""
    stop = threading.Event()
    rounds: list[int] = []

    class Results(list[int]):
        """Jobs of which the second is asked for when Ctrl-C comes."""

        def __iter__(self) -> Any:
            yield 1
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        side_by_side(lambda _: rounds.append(grown(Watch(stop), 1_000_000)), Results(), stop, 1)
    assert all(count < 1_000_000 for count in rounds)
