"""Creates the parts of the card besides contract and calibration: tiers, reference, golden rows."""

import msgspec
import numpy as np
import xgboost as xgb

from leadscoring.contract.columns import Column
from leadscoring.contract.features import Contract
from leadscoring.model.card import TIERS, Bins, GoldenRow, Reference, Tiers, in_percent, tier_spans
from leadscoring.training.reading.series import Matrix, Vector
from leadscoring.training.trees import matrix

TOP_SHARES = (0.10, 0.25, 0.50, 0.75)
"""The cumulative shares of leads in A, in A and B, in A to C, and in A to D."""

QUANTILES = 101
NUMBER_BINS = 10
GOLDEN = 32
APART = 1e-6
"""Minimum difference between tier thresholds."""


def make_tiers(p: Vector, y: Vector) -> Tiers:
    """Derives tiers by share of leads, described by the outcomes observed on out-of-fold leads.

    Thresholds strictly decrease within 0..1 for any probabilities, even if all are equal.
    """
    thresholds = [float(bound) for bound in np.quantile(p, [1.0 - share for share in TOP_SHARES])]
    thresholds[0] = min(max(thresholds[0], 5 * APART), 1.0 - APART)
    for place in range(1, len(thresholds)):
        ceiling = thresholds[place - 1] - APART
        thresholds[place] = max(min(thresholds[place], ceiling), (len(thresholds) - place) * APART)
    a, b, c, d = thresholds
    tier = np.searchsorted(-np.asarray(thresholds), -p, side="left")
    spans = tier_spans((a, b, c, d))
    words = ("the best tenth of leads", "the next 15 %", "the next 25 %", "the 25 % after those", "the last 25 %")
    definitions: dict[str, str] = {
        name: f"{words[place]}: probability {spans[place]}; {observed(y[tier == place])}"
        for place, name in enumerate(TIERS)
    }
    return Tiers((a, b, c, d), definitions)


def observed(outcomes: Vector) -> str:
    """Describes how many of the leads converted."""
    if len(outcomes) == 0:
        return "no past lead scored here"
    if outcomes.min() == outcomes.max():
        return f"{'all' if outcomes[0] else 'none'} of {len(outcomes)} past leads converted"
    return f"{in_percent([float(outcomes.mean())])[0]} of {len(outcomes)} past leads converted"


def make_reference(contract: Contract, x: Matrix, p: Vector) -> Reference:
    """Computes the quantiles of probabilities ``p``, and the bins of every column of ``x``.

    The probabilities are those of the model itself: where scores are few and apart, those of the folds, which
    are five other models, lie between them, and leads of the same kind would seem to have drifted.
    """
    quantiles = np.maximum.accumulate(np.quantile(p, np.linspace(0.0, 1.0, QUANTILES)))
    columns = tuple(make_bins(column, x[:, place]) for place, column in enumerate(contract.columns.every))
    return Reference(tuple(quantiles.tolist()), columns)


def make_bins(column: Column, values: Matrix) -> Bins:
    """Computes the bins of a column: one per code, one per number if these are few, else ten.

    A column of 0 and 1 has a bin for each, even if training saw only one of them. A number whose quantiles all equal
    its maximum has one bin for the maximum and one for all below.
    """
    present = values[~np.isnan(values)].astype(np.float64)
    missing = 1.0 - len(present) / len(values)
    if column.categorical:
        counts = np.bincount(present.astype(np.int64), minlength=column.codes or 0)
        return Bins((), tuple((counts / len(values)).tolist()), missing)
    edges = edges_of(column, present)
    counts = np.bincount(np.searchsorted(edges, present, side="left"), minlength=len(edges) + 1)
    return Bins(tuple(edges.tolist()), tuple((counts / len(values)).tolist()), missing)


def edges_of(column: Column, present: Vector) -> Vector:
    """Returns the inclusive upper edges of all bins of a column of numbers but the last."""
    if column.most == 1:
        return np.zeros(1)
    if len(present) == 0:
        return present
    distinct = np.unique(present)
    edges = distinct
    if len(distinct) > NUMBER_BINS:
        edges = np.unique(np.quantile(present, np.linspace(0.0, 1.0, NUMBER_BINS + 1)[1:-1], method="lower"))
        edges = edges if edges[0] < distinct[-1] else distinct[-2:]
    return np.asarray(edges[edges < distinct[-1]])


def make_golden(booster: xgb.Booster, contract: Contract, x: Matrix, seed: int = 0) -> tuple[GoldenRow, ...]:
    """Creates golden rows: encoded leads and their margins computed by XGBoost.

    They are all missing, both extremes, the last code of each category, and leads of the data, half of them with
    some values blanked.
    """
    bare = np.where(np.isnan(x), np.inf, x)
    lowest = bare.min(axis=0)
    highest = np.where(np.isnan(x), -np.inf, x).max(axis=0)
    last = [float(c.most) if c.categorical and c.most is not None else np.nan for c in contract.columns.every]
    special = np.stack([np.full(x.shape[1], np.nan), lowest, highest, np.asarray(last)])
    special = np.where(np.isfinite(special), special, np.nan)
    random = np.random.default_rng(seed)
    drawn = x[np.sort(random.choice(len(x), GOLDEN - len(special), replace=len(x) < GOLDEN))].copy()
    half = len(drawn) // 2
    drawn[:half][random.random(drawn[:half].shape) < 0.2] = np.nan
    rows = np.concatenate([special, drawn]).astype(np.float32)
    margins = booster.predict(matrix(contract, rows), output_margin=True)
    return tuple(
        GoldenRow(tuple(None if np.isnan(value) else float(value) for value in row), float(margin))
        for row, margin in zip(rows, margins, strict=True)
    )


def plain(value: object) -> object:
    """Converts structs to dicts and lists, for JSON."""
    return msgspec.to_builtins(value)
