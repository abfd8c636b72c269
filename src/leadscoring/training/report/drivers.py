"""The drivers of the score: the mean absolute contribution of each feature, and its direction.

Contributions are the same as in answers: exact path-dependent SHAP values, in log-odds (Lundberg et al. 2020).
"""

from collections.abc import Sequence

import msgspec
import numpy as np

from leadscoring.contract.features import Contract, Feature
from leadscoring.model.trees import TreeEnsemble
from leadscoring.training.reading.series import Matrix, Vector

MOST_ROWS = 5000
"""Maximum number of leads, evenly spaced, for which contributions are computed."""

CLEAR = 0.3
"""Minimum rank correlation between value and contribution for a direction to be reported."""

FEWEST = 10
"""Minimum leads of a level for it to be named."""


class Driver(msgspec.Struct, frozen=True):
    """One feature: mean |contribution| in log-odds, its share of the total, and a description of its direction."""

    feature: str
    strength: float
    share: float
    direction: str


def drivers(trees: TreeEnsemble, contract: Contract, x: Matrix) -> tuple[Driver, ...]:
    """Ranks the features by strength over the encoded leads ``x``, the strongest first."""
    rows = np.unique(np.linspace(0, len(x) - 1, min(len(x), MOST_ROWS)).astype(int))
    columns = contract.columns
    every = trees.contributions(x[rows])[:, :-1].astype(np.float64)
    contributions = np.add.reduceat(every, columns.first, axis=1)
    strength = np.abs(contributions).mean(axis=0)
    total = float(strength.sum()) or 1.0
    unsorted = [
        Driver(
            feature.name,
            float(strength[k]),
            float(strength[k]) / total,
            directions(feature, x[rows, columns.places(k)], every[:, columns.places(k)]),
        )
        for k, feature in enumerate(contract.features)
    ]
    return tuple(sorted(unsorted, key=lambda driver: (-driver.strength, driver.feature)))


def directions(feature: Feature, values: Matrix, contributions: Vector) -> str:
    """Describes the direction of the strongest of a feature's columns; ``values`` are of shape (leads, columns).

    If that holds yes or no, as words do, the strongest of all such columns are named.
    """
    if not feature.form.is_aspected:
        return direction(feature, values[:, 0], contributions.sum(axis=1))
    top = int(np.abs(contributions).mean(axis=0).argmax())
    column = feature.columns[top]
    if column.most != 1:
        return f"{column.name.removeprefix(feature.name).strip()}: {slope(values[:, top], contributions[:, top])}"
    effects = {
        feature.phrase(place, 1.0): float(contributions[yes, place].mean())
        for place, one in enumerate(feature.columns)
        if one.most == 1 and (yes := values[:, place] == 1.0).sum() >= FEWEST
    }
    best, worst = max(effects, key=effects.__getitem__, default=""), min(effects, key=effects.__getitem__, default="")
    words = [f"{best} raises the score most"] if effects.get(best, 0.0) > 0.0 else []
    words += [f"{worst} lowers it most"] if effects.get(worst, 0.0) < 0.0 else []
    return ", ".join(words) or "hardly used"


def direction(feature: Feature, values: Matrix, contribution: Vector) -> str:
    """Describes the direction of a feature's contribution."""
    if labels := feature.columns[0].labels:
        return levels(labels, values, contribution)
    return slope(values, contribution)


def slope(values: Matrix, contribution: Vector) -> str:
    """Describes whether higher numbers increase or decrease the score."""
    known = ~np.isnan(values)
    if known.sum() < FEWEST or np.ptp(values[known]) == 0 or np.ptp(contribution[known]) == 0:
        return "hardly used"
    rank = np.corrcoef(ranks(values[known]), ranks(contribution[known]))[0, 1]
    if abs(rank) < CLEAR:
        return "raises or lowers the score, depending on the lead"
    return "higher values raise the score" if rank > 0 else "higher values lower the score"


def levels(labels: Sequence[str | int | float], values: Matrix, contribution: Vector) -> str:
    """Describes which values of a category increase and decrease the score most."""
    names = [*map(repr, labels), "other"]
    named = np.where(np.isnan(values), -1, values).astype(int)
    means = {
        ("missing" if code < 0 else names[min(code, len(names) - 1)]): float(contribution[named == code].mean())
        for code in np.unique(named)
        if (named == code).sum() >= FEWEST
    }
    if len(means) < 2 or max(means.values()) == min(means.values()):
        return "hardly used"
    best, worst = max(means, key=lambda name: means[name]), min(means, key=lambda name: means[name])
    return f"{best} raises the score most, {worst} lowers it most"


def ranks(values: Matrix | Vector) -> Vector:
    """Computes ranks; ties have their mean rank."""
    _, place, count = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(count)
    middle: Vector = ends - (count - 1) / 2.0
    return middle[place]
