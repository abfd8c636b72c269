"""Several fits at once, each on a fixed number of threads, so that results do not depend on the number of cores.

A fit that runs in a thread does not notice Ctrl-C, and a process waits for its threads. So the first error, or Ctrl-C,
stops all fits: each looks after every round whether it is still wanted.
"""

import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import xgboost as xgb

Job = TypeVar("Job")
Result = TypeVar("Result")

Round = Callable[[int], None]
"""Called with the number of rounds of a fit that are done."""


class Watch(xgb.callback.TrainingCallback):
    """Reports each round of a fit, and ends the fit once ``stop`` is set."""

    def __init__(self, stop: threading.Event | None = None, done: Round | None = None) -> None:
        super().__init__()
        self.stop, self.done = stop, done

    def after_iteration(self, model: xgb.Booster, epoch: int, evals_log: Any) -> bool:  # noqa: ARG002 - XGBoost's
        """Returns whether the fit ends here."""
        if self.done is not None:
            self.done(epoch + 1)
        return self.stop is not None and self.stop.is_set()


def side_by_side(work: Callable[[Job, threading.Event], Result], jobs: Sequence[Job]) -> list[Result]:
    """Does the jobs in as many threads as there are cores; returns their results in order.

    Sets the event that ``work`` gets, and begins no other job, on the first error or KeyboardInterrupt, and raises it.
    """
    stop = threading.Event()
    pool = ThreadPoolExecutor(max_workers=os.cpu_count())
    try:
        return list(pool.map(lambda job: work(job, stop), jobs))
    finally:
        stop.set()
        pool.shutdown(cancel_futures=True)
