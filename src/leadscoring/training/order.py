"""The order in which leads came: how far a random split flatters a model of leads that come later.

A model scores leads that are later than all it has learnt from. If columns, or what they mean, change over time, then
random folds are easier than the future. The difference is measured with quick models: by ``--time``, else by a date
column that could be the time, else by the order of the rows if the conversion rate moves along the file.
"""

import msgspec
import numpy as np
import polars as pl

from leadscoring.quality.figures import roc_auc
from leadscoring.training.dates import date_columns, is_before_outcome, is_of_beginning
from leadscoring.training.leads import Leads
from leadscoring.training.quick import Quick, quick_models
from leadscoring.training.reading.missing import MissingTokens
from leadscoring.training.reading.series import Vector

EARLIER = 0.7
"""The share of the leads, in the order of time, from which the later ones are predicted."""

FEWEST = 20
"""Minimum number of later leads with each outcome."""

FLATTERS = 0.02
"""The fall of the ROC-AUC from which a warning is issued, if it is also beyond chance."""

SIGMAS = 2.6
FILLED = 0.95
DISTINCT = 10
DRIFT_SIGMAS = 6.0
DRIFT = 1.5
"""Minimum ratio of the conversion rates at both ends of a file for its rows to seem ordered."""

RUNS = 0.1
"""Below this share of the changes of outcome that chance would make from row to row, a file is sorted by outcome."""


class Order(msgspec.Struct, frozen=True):
    """An order of the leads: a number of each, shape (rows,), what it is, and the option that uses it."""

    values: Vector
    words: str
    option: str = ""


def with_order(leads: Leads, frame: pl.DataFrame, tokens: MissingTokens, seed: int) -> Leads:
    """The leads with what their order says: notes, and a warning if a random split flatters.

    ``frame`` has the parsed columns of the leads.
    """
    order = order_of(leads, tokens)
    if order is None:
        return leads
    measured = flattery(quick_models(frame, leads.y, seed), order.values)
    named = "" if not order.option else f"{order.option[7:]} could be the time of the leads"
    if measured is None:
        notes = [f"{named}: {order.option} holds out the latest leads"] if named else []
        return msgspec.structs.replace(leads, notes=(*leads.notes, *notes))
    random, later, error = measured
    split = (
        f"quick models reach a ROC-AUC of {random:.3f} on random leads, and of {later:.3f} on the latest "
        f"{1 - EARLIER:.0%} {order.words} when they learn from the earlier ones"
    )
    if leads.time is not None:
        return msgspec.structs.replace(leads, notes=(*leads.notes, split))
    flatters = random - later > max(FLATTERS, SIGMAS * error)
    advice = f"{order.option} holds out the latest leads" if named else "give the time of each lead with --time"
    words = f"{named or drift_words(leads.y)}: {split}"
    if flatters:
        words += f". The figures of this training are those of random leads: {advice}"
    elif named:
        words += f"; {advice}"
    if flatters or not named:
        return msgspec.structs.replace(leads, warnings=(*leads.warnings, words))
    return msgspec.structs.replace(leads, notes=(*leads.notes, words))


def order_of(leads: Leads, tokens: MissingTokens) -> Order | None:
    """The order of the leads: by their time, by a date column that could be it, or by a drift along the rows."""
    if leads.time is not None:
        return Order(leads.time, "by time")
    dates = date_columns(leads.frame, tokens, besides=leads.named)
    fine = {name: values for name, values in dates.items() if is_before_outcome(name) and is_spread(values)}
    name = next((name for name in fine if is_of_beginning(name)), next(iter(fine), None))
    if name is not None:
        return Order(fine[name], f"by {name!r}", f"--time {name!r}")
    return Order(np.arange(len(leads.y), dtype=np.float64), "in the order of the rows") if drifts(leads.y) else None


def is_spread(values: Vector) -> bool:
    """Whether nearly every lead has a date, and there are many."""
    present = values[~np.isnan(values)]
    return len(present) >= FILLED * len(values) and len(np.unique(present)) > DISTINCT


def ends(y: Vector) -> tuple[float, float]:
    """The conversion rates of the first and the last fifth of the rows."""
    part = max(1, len(y) // 5)
    return float(y[:part].mean()), float(y[-part:].mean())


def drifts(y: Vector) -> bool:
    """Whether the conversion rate moves along the rows far beyond chance, in a file that is not sorted by outcome."""
    low, high = sorted(ends(y))
    base = float(y.mean())
    error = np.sqrt(base * (1.0 - base) * 2.0 / max(1, len(y) // 5))
    changes = float((np.diff(y) != 0).mean())
    sorted_by_outcome = changes < RUNS * 2.0 * base * (1.0 - base)
    return high - low > DRIFT_SIGMAS * error and high > DRIFT * low and not sorted_by_outcome


def drift_words(y: Vector) -> str:
    """What a drift along the rows suggests."""
    first, last = ends(y)
    return (
        f"the rows seem to be in time order: the conversion rate moves from {first:.1%} in the first fifth of the file "
        f"to {last:.1%} in the last"
    )


def flattery(quick: Quick, order: Vector) -> tuple[float, float, float] | None:
    """The ROC-AUC of quick models on random leads and on later ones, and the standard error of the latter.

    ``None`` if too few of the later leads have one of the outcomes.
    """
    when = order[quick.rows]
    cut = float(np.nanquantile(when, EARLIER))
    later = np.nan_to_num(when, nan=-np.inf) > cut
    won = int(quick.y[later].sum())
    lost, early = int(later.sum()) - won, quick.y[~later]
    if min(won, lost) < FEWEST or min(early.sum(), (1.0 - early).sum()) < FEWEST:
        return None
    places = list(range(quick.x.shape[1]))
    auc = roc_auc(quick.y[later], quick.margins(later, places))
    error = float(np.sqrt((won + lost + 1.0) / (12.0 * won * lost)))
    return quick.auc(places), auc, error
