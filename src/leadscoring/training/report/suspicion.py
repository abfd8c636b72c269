"""What is too good, or too odd, to be true: columns that may know the outcome, and tiers in the wrong order."""

from collections import Counter
from itertools import combinations

import numpy as np

from leadscoring.contract.features import Contract
from leadscoring.quality.figures import Quality, TierQuality, roc_auc
from leadscoring.training import names, trees
from leadscoring.training.fitted import Fitted
from leadscoring.training.measured import Measured
from leadscoring.training.reading.series import Matrix
from leadscoring.training.report.drivers import Driver, drivers

TOO_GOOD = 0.99
"""Hardly any honest model of leads reaches this ROC-AUC."""

STRONGEST = 3
NOTABLE = 0.05
"""The share of the score from which on a column is named beside the strongest."""

MOST_OF_IT = 0.5
"""The share of the score, or of what the ranking has beyond chance, that is more than one column should bring."""

TRIED = 0.25
"""A column of a smaller share of the score is not taken away to see what becomes of the ranking."""

WORTH = 0.6
"""A ranking worse than this has nothing to lose."""

SIGMAS = 2.6
"""Two tiers are in the wrong order when they differ by so many standard errors, about one time in 200 by chance."""


def suspicions(fitted: Fitted, measured: Measured, seed: int) -> list[str]:
    """What a model that was measured on leads it had not seen gives reason to doubt, the worst first."""
    found = drivers(fitted.trees, fitted.contract, measured.x)
    said = [too_good(found, measured.quality), one_column(fitted, measured, found, seed)]
    said += [late_names(fitted.contract), inverted(measured.quality.tiers)]
    return [words for words in said if words]


def too_good(found: tuple[Driver, ...], quality: Quality) -> str:
    """The warning for a ranking that is better than any honest one."""
    if quality.roc_auc.value < TOO_GOOD:
        return ""
    named = [driver for driver in found[:STRONGEST] if driver is found[0] or driver.share >= NOTABLE]
    columns = "; ".join(f"{driver.feature!r}, {driver.share:.0%} of the score ({driver.direction})" for driver in named)
    return (
        f"the ROC-AUC is {quality.roc_auc.value:.3f}, too good to be true: some columns are probably "
        f"known only after the outcome (target leakage). The strongest are {columns}. "
        "Use --ignore to exclude columns that a new lead does not have yet"
    )


def one_column(fitted: Fitted, measured: Measured, found: tuple[Driver, ...], seed: int) -> str:
    """The warning for a model that rests on one column."""
    driver, auc = found[0], measured.quality.roc_auc.value
    if driver.share < TRIED or len(found) < 2 or auc < WORTH:
        return ""
    rest = without_column(fitted, measured, driver.feature, seed)
    lost = rest - 0.5 < (1.0 - MOST_OF_IT) * (auc - 0.5)
    if not lost and driver.share <= max(MOST_OF_IT, 1.5 / len(found)):
        return ""
    return (
        f"{driver.feature!r} alone is {driver.share:.0%} of the score ({driver.direction}); without it the ROC-AUC "
        f"is {rest:.3f} instead of {auc:.3f}. Is it known when a new lead arrives? If not, exclude it with --ignore"
    )


def without_column(fitted: Fitted, measured: Measured, name: str, seed: int) -> float:
    """The ROC-AUC on the measured leads of a model trained in the same way without a column."""
    names, columns = fitted.contract.names, fitted.contract.columns
    keep = [place for place, feature in enumerate(columns.feature) if names[feature] != name]
    contract = Contract(tuple(feature for feature in fitted.contract.features if feature.name != name))
    train: Matrix = np.ascontiguousarray(fitted.x[:, keep])
    booster = trees.grow(contract, train, fitted.y, fitted.cross.recipe, fitted.cross.rounds, seed)
    margins = trees.margins_of(booster, contract, np.ascontiguousarray(measured.x[:, keep]))
    return roc_auc(measured.leads.y, margins)


def late_names(contract: Contract) -> str:
    """The warning for columns in use whose names sound like after the outcome."""
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
    """The warning for a tier that converted less than one below it, beyond chance."""
    for high, low in combinations([tier for tier in tiers if tier.leads], 2):
        pooled = (high.positives + low.positives) / (high.leads + low.leads)
        error = np.sqrt(pooled * (1.0 - pooled) * (1.0 / high.leads + 1.0 / low.leads))
        first, second = high.positives / high.leads, low.positives / low.leads
        if error > 0 and (second - first) / error > SIGMAS:
            return (
                f"tier {high.tier} converted less often than tier {low.tier} on the evaluated leads ({first:.1%} of "
                f"{high.leads} against {second:.1%} of {low.leads}): the ranking is unreliable"
            )
    return ""
