"""Groups of leads: whether the model is as good for each of them as for all."""

from typing import Any

import msgspec
import numpy as np

from leadscoring.contract.features import Contract
from leadscoring.quality.figures import roc_auc
from leadscoring.quality.proportion import share_of, verdicts
from leadscoring.training.reading.series import Matrix, Vector
from leadscoring.training.report.levels import OTHER, Level, levels

ENOUGH = 100
"""Minimum leads of a segment; there is no verdict on fewer."""

OF_EACH = 20
"""Minimum leads of each outcome for a ROC-AUC."""

MOST_FEATURES = 12
MOST_NUMBERS = 4
"""Of the features, the strongest make segments; of numbers only a few, as any band of them is arbitrary."""

BANDS = 3
FEW_VALUES = 4
"""A number with no more different values makes groups by them."""


class Scored(msgspec.Struct, frozen=True):
    """Encoded leads with their outcomes and probabilities."""

    x: Matrix
    y: Vector
    p: Vector


def segments(contract: Contract, scored: Scored, ranked: list[int]) -> list[dict[str, Any]]:
    """Compares predicted and observed conversions of groups of leads, those of the strongest features first.

    ``ranked`` are the features by strength. False alarms are held at 5 % over all segments together.
    """
    found = [
        (contract.features[place].name, level)
        for place in chosen(contract, scored.x, ranked)
        for level in levels_of(contract, scored.x, place)
        if level.value != OTHER and ENOUGH <= level.rows.sum() < len(scored.y)
    ]
    said = verdicts([counts(scored, level) for _, level in found])
    return [facts(name, level, scored, verdict) for (name, level), verdict in zip(found, said, strict=True)]


def chosen(contract: Contract, x: Matrix, ranked: list[int]) -> list[int]:
    """Returns the features that make segments: categories, flags and words, and a few numbers."""
    groups = [place for place in ranked if grouped(contract, x, place)]
    numbers = [place for place in ranked if place not in groups][:MOST_NUMBERS]
    return [place for place in ranked if place in {*groups[: MOST_FEATURES - len(numbers)], *numbers}]


def grouped(contract: Contract, x: Matrix, place: int) -> bool:
    """Whether the values of a feature are groups by themselves: categories, words, or few different numbers."""
    feature, values = contract.features[place], x[:, contract.columns.first[place]]
    if feature.columns[0].labels or any(column.most == 1 for column in feature.columns):
        return True
    return not feature.form.is_aspected and len(np.unique(values[~np.isnan(values)])) <= FEW_VALUES


def levels_of(contract: Contract, x: Matrix, place: int) -> list[Level]:
    """Returns the levels of one feature; words if it has any, else bands of its first column."""
    feature, values = contract.features[place], x[:, contract.columns.places(place)]
    top = next((number for number, column in enumerate(feature.columns) if column.most == 1), 0)
    return levels(feature, values, top) if grouped(contract, x, place) else levels(feature, values, top, BANDS)


def counts(scored: Scored, level: Level) -> tuple[float, float, float]:
    """Returns the conversions and leads of a segment, and its mean prediction."""
    return float(scored.y[level.rows].sum()), float(level.rows.sum()), float(scored.p[level.rows].mean())


def facts(feature: str, level: Level, scored: Scored, verdict: str) -> dict[str, Any]:
    """Returns the facts of one segment."""
    positives, leads, predicted = counts(scored, level)
    both = OF_EACH <= positives <= leads - OF_EACH
    return {
        "feature": feature,
        "value": level.value,
        "leads": int(leads),
        "predicted": predicted,
        "observed": share_of(positives, leads),
        "roc_auc": roc_auc(scored.y[level.rows], scored.p[level.rows]) if both else None,
        "verdict": verdict,
    }


def off(every: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Returns the segments that converted otherwise than predicted, beyond chance and materially."""
    return [one for one in every if one["verdict"] != "as predicted"]
