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
    """Reports each round of a fit, and ends the fit once ``stop`` is set, or ``enough`` rounds are done."""

    def __init__(
        self, stop: threading.Event, done: Round | None = None, enough: Callable[[int], bool] | None = None
    ) -> None:
        super().__init__()
        self.stop, self.done, self.enough = stop, done, enough

    def after_iteration(self, model: xgb.Booster, epoch: int, evals_log: Any) -> bool:  # noqa: ARG002 - XGBoost's
        """Returns whether the fit ends here."""
        if self.done is not None:
            self.done(epoch + 1)
        return self.stop.is_set() or (self.enough is not None and self.enough(epoch + 1))


def side_by_side(
    work: Callable[[Job], Result], jobs: Sequence[Job], stop: threading.Event, workers: int | None = None
) -> list[Result]:
    """Does the jobs in as many threads as there are cores, or ``workers``; returns their results in order.

    On the first error or KeyboardInterrupt sets ``stop``, at which work has to end, begins no other job, and raises it.
    """
    pool = ThreadPoolExecutor(max_workers=workers or os.cpu_count())
    try:
        return list(pool.map(work, jobs))
    except BaseException:
        stop.set()
        raise
    finally:
        pool.shutdown(cancel_futures=True)
