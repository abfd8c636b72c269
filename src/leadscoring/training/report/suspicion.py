"""Detects implausible results: columns that may leak the outcome, and tiers in the wrong order."""

from collections import Counter
from itertools import combinations

import numpy as np

from leadscoring.contract.features import Contract
from leadscoring.quality.figures import Quality, TierQuality, roc_auc
from leadscoring.quality.proportion import is_material
from leadscoring.training import names, trees
from leadscoring.training.fitted import Fitted
from leadscoring.training.infer import contract_without
from leadscoring.training.measured import Measured
from leadscoring.training.plenty import evenly
from leadscoring.training.reading.series import Matrix
from leadscoring.training.report.drivers import Driver, drivers

TOO_GOOD = 0.99
"""A ROC-AUC that models of leads hardly ever reach without leakage."""

STRONGEST = 3
NOTABLE = 0.05
"""Minimum share of the score for a column to be named besides the strongest."""

MOST_OF_IT = 0.5
"""Maximum share of the score, or of the ROC-AUC above chance, that a single column should contribute."""

TRIED = 0.25
"""Minimum share of the score for a column to be tested by training without it."""

WORTH = 0.6
"""Minimum ROC-AUC for this test."""

SCORED = 50_000
"""Maximum number of held-out leads for this test."""

SIGMAS = 2.6
"""Standard errors of a difference beyond which two tiers are in the wrong order; exceeded by chance 1 time in 200."""


def suspicions(fitted: Fitted, measured: Measured, seed: int) -> tuple[str, ...]:
    """Returns warnings about implausible results on held-out leads, the most serious first."""
    ranked = drivers(fitted.trees, fitted.contract, measured.x)
    warnings = [too_good(ranked, measured.quality), one_column(fitted, measured, ranked, seed)]
    warnings += [late_names(fitted.contract), inverted(measured.quality.tiers)]
    return tuple(filter(None, warnings))


def too_good(ranked: tuple[Driver, ...], quality: Quality) -> str:
    """Returns the warning for an implausibly good ranking; empty if there is none."""
    if quality.roc_auc.value < TOO_GOOD:
        return ""
    named = [driver for driver in ranked[:STRONGEST] if driver is ranked[0] or driver.share >= NOTABLE]
    columns = "; ".join(f"{driver.feature!r}, {driver.share:.0%} of the score ({driver.direction})" for driver in named)
    return (
        f"the ROC-AUC is {quality.roc_auc.value:.3f}, too good to be true: some columns are probably "
        f"known only after the outcome (target leakage). The strongest are {columns}. "
        "Use --ignore to exclude columns that a new lead does not have yet"
    )


def one_column(fitted: Fitted, measured: Measured, ranked: tuple[Driver, ...], seed: int) -> str:
    """Returns the warning for a model that depends mostly on one column; empty if it does not."""
    driver, auc = ranked[0], measured.quality.roc_auc.value
    if driver.share < TRIED or len(ranked) < 2 or auc < WORTH:
        return ""
    rest = without_column(fitted, measured, driver.feature, seed)
    lost = rest - 0.5 < (1.0 - MOST_OF_IT) * (auc - 0.5)
    if not lost and driver.share <= max(MOST_OF_IT, 1.5 / len(ranked)):
        return ""
    return (
        f"{driver.feature!r} alone is {driver.share:.0%} of the score ({driver.direction}); without it the ROC-AUC "
        f"is {rest:.3f} instead of {auc:.3f}. Is it known when a new lead arrives? If not, exclude it with --ignore"
    )


def without_column(fitted: Fitted, measured: Measured, name: str, seed: int) -> float:
    """Trains the same model without a column; returns its ROC-AUC on the measured leads."""
    contract = contract_without(fitted.contract, {name})
    left = set(contract.columns.names)
    keep = [place for place, column in enumerate(fitted.contract.columns.names) if column in left]
    train: Matrix = np.ascontiguousarray(fitted.x[:, keep])
    booster = trees.grow(contract, train, fitted.y[fitted.shown], fitted.cross.recipe, fitted.cross.rounds, seed)
    rows = evenly(np.arange(len(measured.x)), SCORED)
    margins = trees.margins_of(booster, contract, np.ascontiguousarray(measured.x[rows][:, keep]))
    return roc_auc(measured.leads.y[rows], margins)


def late_names(contract: Contract) -> str:
    """Returns the warning for columns whose names suggest that they are known only after the outcome."""
    first = Counter(name.split(" ")[0] for name in contract.names)  # Pipedrive begins all names with Deal
    prefix = next((word + " " for word, count in first.items() if count > max(2, len(contract) / 2)), "")
    late = [name for name in contract.names if names.says_late(name.removeprefix(prefix))]
    if not late:
        return ""
    more = f" and {len(late) - 6} more" if len(late) > 6 else ""
    return (
        f"{', '.join(map(repr, late[:6]))}{more}: judging by the name, known only after the outcome; "
        "use --ignore to exclude columns that a new lead does not have yet"
    )


def inverted(tiers: tuple[TierQuality, ...]) -> str:
    """Returns the warning for a tier that converted less than a lower one; empty if there is none.

    The difference has to be beyond chance, and material.
    """
    for high, low in combinations([tier for tier in tiers if tier.leads], 2):
        pooled = (high.positives + low.positives) / (high.leads + low.leads)
        error = np.sqrt(pooled * (1.0 - pooled) * (1.0 / high.leads + 1.0 / low.leads))
        first, second = high.positives / high.leads, low.positives / low.leads
        if error > 0 and (second - first) / error > SIGMAS and is_material(second, first):
            return (
                f"tier {high.tier} converted less often than tier {low.tier} on the evaluated leads ({first:.1%} of "
                f"{high.leads} against {second:.1%} of {low.leads}): the ranking is unreliable"
            )
    return ""
