"""The effect of each feature on the score, by its values, and the groups of leads that the values make.

Contributions are the same as in answers: exact path-dependent SHAP values, in log-odds (Lundberg et al. 2020).
"""

from typing import Any

import msgspec
import numpy as np

from leadscoring.contract.features import Contract
from leadscoring.model.trees import TreeEnsemble
from leadscoring.training.reading.series import Matrix, Vector
from leadscoring.training.report.evenly import evenly
from leadscoring.training.report.levels import Level, levels
from leadscoring.training.split import Indices

MOST_ROWS = 20_000
"""Maximum number of leads, evenly spaced, for which contributions are computed."""

MOST_FEATURES = 30
"""Maximum number of features, the strongest first, whose effects are shown by value."""

SPREAD = (0.1, 0.9)
"""The quantiles of the contributions at a level between which four of five leads lie."""


class Examined(msgspec.Struct, frozen=True):
    """The contributions of some held-out leads: ``rows`` are their places, ``every`` is of shape (rows, columns).

    ``ranked`` are the features, as places in the contract, the strongest first; ``share`` is of each feature.
    """

    rows: Indices
    every: Vector
    ranked: list[int]
    share: Vector


def examine(trees: TreeEnsemble, contract: Contract, x: Matrix) -> Examined:
    """Computes the contributions of at most ``MOST_ROWS`` of the encoded leads ``x``."""
    rows = evenly(len(x), MOST_ROWS)
    every = trees.contributions(x[rows])[:, :-1].astype(np.float64)
    strength = np.abs(np.add.reduceat(every, contract.columns.first, axis=1)).mean(axis=0)
    names = contract.names
    ranked = sorted(range(len(names)), key=lambda place: (-strength[place], names[place]))
    return Examined(rows, every, ranked, strength / (strength.sum() or 1.0))


def effects(examined: Examined, contract: Contract, x: Matrix, y: Vector) -> list[dict[str, Any]]:
    """Returns the effect of the strongest features by value: mean and spread in log-odds, leads and observed rate."""
    some, won = x[examined.rows], y[examined.rows]
    return [
        {
            "feature": contract.features[place].name,
            "share": float(examined.share[place]),
            "levels": levels_of(examined, contract, some, won, place),
        }
        for place in examined.ranked[:MOST_FEATURES]
        if examined.share[place] > 0.0
    ]


def levels_of(examined: Examined, contract: Contract, x: Matrix, y: Vector, place: int) -> list[dict[str, Any]]:
    """Returns the levels of one feature."""
    feature, at = contract.features[place], contract.columns.places(place)
    by_column = examined.every[:, at]
    top = int(np.abs(by_column).mean(axis=0).argmax())
    aspect = feature.form.is_aspected and feature.columns[top].most != 1
    whole: Vector = by_column[:, top] if aspect else by_column.sum(axis=1)
    return [level_facts(level, whole, y) for level in levels(feature, x[:, at], top)]


def level_facts(level: Level, contribution: Vector, y: Vector) -> dict[str, Any]:
    """Returns the effect of one level."""
    inside = contribution[level.rows]
    low, high = (float(bound) for bound in np.quantile(inside, SPREAD))
    return {
        "value": level.value,
        "at": None if np.isnan(level.order) else level.order,
        "leads": int(level.rows.sum()),
        "effect": float(inside.mean()),
        "low": low,
        "high": high,
        "observed": float(y[level.rows].mean()),
    }


def unknown_shares(contract: Contract, x: Matrix) -> list[dict[str, Any]]:
    """Returns the share of leads whose value of a feature is unknown, for each feature with any, the largest first."""
    lacks = [
        (feature.name, float(np.isnan(x[:, contract.columns.places(place)]).all(axis=1).mean()))
        for place, feature in enumerate(contract.features)
    ]
    return [{"feature": name, "share": share} for name, share in sorted(lacks, key=lambda one: -one[1]) if share > 0.0]
