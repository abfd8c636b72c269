"""The candidate beside the served model, on the same held-out leads."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, date, datetime
from typing import Any

import msgspec
import numpy as np

from leadscoring.errors import LeadScoringError
from leadscoring.model.card import Card
from leadscoring.model.file import open_model
from leadscoring.model.loaded import LoadedModel
from leadscoring.quality.figure import Figure
from leadscoring.quality.figures import CLIP
from leadscoring.training.leads import Leads
from leadscoring.training.measured import Measured
from leadscoring.training.reading.series import Vector
from leadscoring.training.report.evenly import evenly
from leadscoring.training.report.periods import moments_of
from leadscoring.training.scored import score_leads

MOST = 50_000
"""Maximum number of leads, evenly spaced, on which the models are compared."""

RESAMPLES = 200
SEED = 15


class Compared(msgspec.Struct, frozen=True):
    """A figure that models are compared by: whether more is better, and the difference that changes no decision."""

    name: str
    more_is_better: bool
    slight: float


FIGURES = (
    Compared("ROC-AUC", True, 0.005),
    Compared("log-loss", False, 0.002),
    Compared("Brier score", False, 0.001),
    Compared("conversions in the best tenth", True, 0.01),
    Compared("gap between predicted and observed mean", False, 0.005),
)


def served_model(compare: str | None, beside: Sequence[str]) -> tuple[LoadedModel | None, bool]:
    """Opens the model to compare with, and says whether it was asked for.

    It is ``compare``, else the first of ``beside`` that is a model file, else ``None``. Raises ``ModelError`` if the
    one that was asked for cannot be read.
    """
    if compare is not None:
        return open_model(compare), True
    for path in beside:
        with suppress(LeadScoringError):
            return open_model(path), False
    return None, False


def compared(
    served: tuple[LoadedModel | None, bool], held_out: Measured, data_hash: str, warnings: list[str]
) -> dict[str, Any] | None:
    """Compares ``served_model`` with the candidate that ``held_out`` was measured for, if it reads the same columns.

    If it does not, although it was asked for, a warning is added to ``warnings``. ``data_hash`` is of the leads' file.
    """
    opened, asked = served
    if opened is None:
        return None
    if lacking := lacks(opened, held_out):
        if asked:
            warnings.append(
                f"not compared with {opened.card.name} {opened.card.version}: the leads have no column "
                f"{lacking[0]!r}, which it reads"
            )
        return None
    return compare(opened, held_out, data_hash)


def not_compared(served: tuple[LoadedModel | None, bool]) -> list[str]:
    """Returns the warning that the served model, if any, did not score leads that do not fit in memory."""
    opened, _ = served
    if opened is None:
        return []
    return [
        f"not compared with {opened.card.name} {opened.card.version}: of leads that do not fit in memory, only what "
        "the new model reads is kept; leadscoring evaluate NEW LEADS --compare OLD compares both on a smaller file"
    ]


def lacks(opened: LoadedModel, held_out: Measured) -> list[str]:
    """Returns the columns that a model reads, or that a feature was made of, and the leads do not have."""
    presence = opened.card.read_as.presence
    have = set(held_out.leads.frame.columns)
    return [name for name in opened.card.contract.names if presence.get(name, name) not in have]


def compare(opened: LoadedModel, held_out: Measured, data_hash: str) -> dict[str, Any]:
    """Compares an opened model with the candidate; better, same and worse are from the view of the candidate."""
    rows = evenly(len(held_out.p), MOST)
    leads = held_out.leads.take(rows)
    served = score_leads(opened, leads).p
    values = paired(leads.y, served, held_out.p[rows])
    return {
        "model": {"name": opened.card.name, "version": opened.card.version, "created_at": opened.card.created_at},
        "leads": len(rows),
        "overlap": overlap(opened.card, data_hash, period_of(leads)),
        "figures": [row(what, *figures) for what, figures in zip(FIGURES, values, strict=True)],
    }


def period_of(leads: Leads) -> tuple[str, str] | None:
    """Returns the first and last day of the leads; ``None`` if it is not known."""
    when = moments_of(leads)
    if when is None:
        return None
    first, last = (
        datetime.fromtimestamp(float(one) / 1e6, UTC).date().isoformat() for one in (np.nanmin(when), np.nanmax(when))
    )
    return first, last


def row(what: Compared, served: float, candidate: float, difference: Figure) -> dict[str, Any]:
    """Returns one figure of both models."""
    return {
        "name": what.name,
        "better": "more" if what.more_is_better else "less",
        "served": served,
        "candidate": candidate,
        "difference": difference,
        "verdict": judged(what, difference),
    }


def judged(what: Compared, difference: Figure) -> str:
    """Says whether the candidate is better, by the interval of the difference (candidate less served)."""
    low, high = (difference.low, difference.high) if what.more_is_better else (-difference.high, -difference.low)
    if -what.slight <= low and high <= what.slight:
        return "same"
    return "better" if low > 0.0 else "worse" if high < 0.0 else "cannot tell"


def overlap(card: Card, data_hash: str, period: tuple[str, str] | None) -> str:
    """Says whether the served model may have been trained on the leads of the comparison."""
    training = card.training
    flatters = "which flatters it in this comparison"
    if training is None:
        return f"it is not known what the served model was trained on; if on these leads, {flatters}"
    if training.data_hash == data_hash:
        return f"the served model was trained on this very file, these leads included, {flatters}"
    last = None if training.period is None else iso_day(training.period[1])
    if last and period:
        if last < period[0]:
            return "the served model was trained on earlier leads only: the comparison is fair to both"
        return (
            f"the served model was trained on leads up to {last}, and these begin at {period[0]}: it has probably seen "
            f"some of them, {flatters}"
        )
    return f"the served model may have been trained on some of these leads, {flatters}"


def iso_day(written: str) -> str | None:
    """Returns the day of a time as it was written; ``None`` unless it is in the order year, month, day."""
    with suppress(ValueError):
        return date.fromisoformat(written[:10]).isoformat()
    return None


def paired(y: Vector, served: Vector, candidate: Vector) -> list[tuple[float, float, Figure]]:
    """Returns each figure of both models, and its difference with a 95 % interval over resamples of the leads."""
    both = Resampled(y, served), Resampled(y, candidate)
    values = [one.figures(np.ones(len(y))) for one in both]
    random = np.random.default_rng(SEED)
    draws = np.empty((RESAMPLES, len(FIGURES)))
    for number in range(RESAMPLES):
        weights = random.poisson(1.0, len(y)).astype(np.float64)
        draws[number] = both[1].figures(weights) - both[0].figures(weights)
    low, high = np.nanquantile(draws, (0.025, 0.975), axis=0)
    return [
        (float(a), float(b), Figure(float(b - a), float(least), float(most)))
        for a, b, least, most in zip(*values, low, high, strict=True)
    ]


class Resampled:
    """The figures of one model for weighted leads; the leads are sorted once."""

    def __init__(self, y: Vector, p: Vector) -> None:
        self.order = np.argsort(-p, kind="stable")
        self.y, self.p = y[self.order], p[self.order]
        self.starts = np.flatnonzero(np.r_[True, np.diff(self.p) != 0.0])
        clipped = np.clip(self.p, CLIP, 1.0 - CLIP)
        self.loss = -(self.y * np.log(clipped) + (1.0 - self.y) * np.log1p(-clipped))
        self.square = (self.p - self.y) ** 2

    def figures(self, weights: Vector) -> Vector:
        """Returns ``FIGURES`` for leads with ``weights``, which are in the order of the leads."""
        mass = weights[self.order]
        won = mass * self.y
        total, positives = mass.sum(), won.sum()
        if not 0.0 < positives < total:
            return np.full(len(FIGURES), np.nan)
        tied, tied_won = np.add.reduceat(mass, self.starts), np.add.reduceat(won, self.starts)
        seen, found = np.cumsum(tied), np.cumsum(tied_won)
        roc = ((found - 0.5 * tied_won) * (tied - tied_won)).sum() / (positives * (total - positives))
        best = np.interp(total / 10.0, np.r_[0.0, seen], np.r_[0.0, found]) / positives
        gap = abs(mass @ (self.p - self.y)) / total
        return np.array([roc, mass @ self.loss / total, mass @ self.square / total, best, gap])
