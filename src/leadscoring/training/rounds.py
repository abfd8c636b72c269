"""Grows trees round by round until the loss on other leads no longer falls, without the callbacks of XGBoost.

Those take as long as a round of small trees does: they parse, compare and store the loss of every round as texts.
"""

import threading
from typing import Any

import numpy as np
import xgboost as xgb


def grown(
    parameters: dict[str, Any], data: xgb.DMatrix, judged: xgb.DMatrix, most: int, patience: int, stop: threading.Event
) -> tuple[xgb.Booster, list[float]]:
    """Trains on ``data`` until the log-loss on ``judged`` has not fallen for ``patience`` rounds, or ``stop`` is set.

    Returns the trees of all rounds, ``most`` at most, and the loss after each.
    """
    booster = xgb.Booster(parameters, [data, judged])
    losses: list[float] = []
    best = 0
    while len(losses) < most and not stop.is_set():
        booster.update(data, len(losses))
        losses.append(loss_in(booster.eval(judged)))
        best = len(losses) - 1 if losses[-1] < losses[best] else best
        if len(losses) - 1 - best >= patience:
            break
    return booster.reset(), losses


def of_rounds(parameters: dict[str, Any], data: xgb.DMatrix, rounds: int, stop: threading.Event) -> xgb.Booster:
    """Trains on ``data`` for some rounds, fewer once ``stop`` is set."""
    booster = xgb.Booster(parameters, [data])
    for number in range(rounds):
        if stop.is_set():
            break
        booster.update(data, number)
    return booster.reset()


def loss_in(line: str) -> float:
    """The loss at the end of a line of XGBoost, such as ``eval-logloss:0.52``; NaN for trees that diverge."""
    value = float(line.rpartition(":")[2])
    return value if np.isfinite(value) else np.nan
