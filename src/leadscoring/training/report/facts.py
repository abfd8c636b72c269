"""Builds the report of a training or an evaluation as plain data; both have the same layout."""

from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np

from leadscoring.contract.features import Contract, Feature
from leadscoring.model.card import Card
from leadscoring.model.loaded import LoadedModel
from leadscoring.model.trees import TreeEnsemble
from leadscoring.quality.figures import Quality
from leadscoring.training.fitted import Fitted
from leadscoring.training.leads import Leads
from leadscoring.training.measured import Measured
from leadscoring.training.reading.series import Vector
from leadscoring.training.report.cutoffs import cutoffs, gains
from leadscoring.training.report.drivers import drivers
from leadscoring.training.report.effects import effects, examine, unknown_shares
from leadscoring.training.report.following import Run, steps
from leadscoring.training.report.left_out import probable_leaks
from leadscoring.training.report.periods import leads_per_month, over_time
from leadscoring.training.report.segments import Scored, segments
from leadscoring.training.report.suspicion import inverted, too_good
from leadscoring.training.report.verdict import Seen, verdict
from leadscoring.training.split import time_folds

HISTOGRAM_BINS = 20
HIGH_ERROR = 0.05
LOW_AUC = 0.6
WIDE = 0.1
"""A ROC-AUC whose interval is wider than this is uncertain."""

MOVED = 1.25
SIGMAS = 4.0


def training_report(
    card: Card,
    final: Fitted,
    rehearsal: Fitted,
    held_out: Measured,
    every: Leads,
    out_of_fold: Quality,
    file_notes: Sequence[str] = (),
    doubts: Sequence[str] = (),
) -> dict[str, Any]:
    """Builds the report of ``train``; ``file_notes`` describe how the file was read, ``doubts`` concern the result."""
    inferred = final.inferred
    moved = [] if every.time is None else moved_rates(every.y, every.time)
    decision = deciding(rehearsal.trees, rehearsal.contract, held_out, every)
    seen = Seen(
        quality=held_out.quality,
        doubts=doubts,
        moved=moved,
        left_out=probable_leaks(inferred.dropped),
        segments=decision["segments"],
        over_time=decision["over_time"],
        later=every.time is not None,
    )
    return as_plain(
        {
            "kind": "train",
            "verdict": verdict(seen),
            **decision,
            "comparison": None,
            "next": [],
            "model": model_facts(card),
            "data": {**msgspec.to_builtins(card.training), "base_rate": float(every.y.mean())},
            "columns": {
                "features": [column_facts(feature) for feature in inferred.contract.features],
                "dropped": inferred.dropped,
                "missing": inferred.missing,
                "folded": inferred.folded,
            },
            "protocol": card.quality["protocol"],
            "recipe": card.quality["recipe"],
            "held_out": held_out.quality,
            "out_of_fold": out_of_fold,
            "tiers": {"thresholds": final.tiers.thresholds, "definitions": final.tiers.definitions},
            "measured_thresholds": rehearsal.tiers.thresholds,
            "drivers": drivers(rehearsal.trees, rehearsal.contract, held_out.x),
            "histogram": histogram(held_out.leads.y, held_out.p),
            "reading": [*file_notes, *inferred.notes],
            "notes": list(every.notes),
            "warnings": [*doubts, *every.warnings, *inferred.warnings, *cautions(held_out.quality), *moved],
            "aside": list(inferred.aside),
        }
    )


def evaluation_report(
    opened: LoadedModel,
    measured: Measured,
    source: str,
    file_notes: Sequence[str],
    warnings: Sequence[str],
    *,
    remembered: bool = False,
) -> dict[str, Any]:
    """Builds the report of ``evaluate``, in the layout of a training report.

    ``remembered`` says that the model was trained on these very leads.
    """
    leads, tiers = measured.leads, opened.card.tiers
    ranked = drivers(opened.trees, opened.card.contract, measured.x)
    doubts = [*filter(None, [too_good(ranked, measured.quality), inverted(measured.quality.tiers)])]
    target = next(iter(leads.named))
    decision = deciding(opened.trees, opened.card.contract, measured, None)
    seen = Seen(
        quality=measured.quality,
        doubts=doubts,
        segments=decision["segments"],
        over_time=decision["over_time"],
        remembered=remembered,
    )
    return as_plain(
        {
            "kind": "evaluate",
            "verdict": verdict(seen),
            **decision,
            "comparison": None,
            "next": [],
            "model": model_facts(opened.card if opened.certified else None),
            "data": {
                "rows": len(leads.y),
                "positives": int(leads.y.sum()),
                "base_rate": float(leads.y.mean()),
                "target": target,
                "positive": leads.positive,
                "source": source,
            },
            "protocol": "every lead of the data, scored by the model unchanged; "
            "the figures are too optimistic if it was trained on these leads",
            "held_out": measured.quality,
            "tiers": {"thresholds": tiers.thresholds, "definitions": tiers.meanings()},
            "measured_thresholds": tiers.thresholds,
            "drivers": ranked,
            "histogram": histogram(leads.y, measured.p),
            "reading": list(file_notes),
            "notes": list(leads.notes),
            "warnings": [*doubts, *warnings, *leads.warnings, *cautions(measured.quality)],
            "aside": [],
        }
    )


def deciding(trees: TreeEnsemble, contract: Contract, measured: Measured, every: Leads | None) -> dict[str, Any]:
    """Returns what a team decides by: cut-offs, effects, segments, conversions over time, and unknown values."""
    y, p, x = measured.leads.y, measured.p, measured.x
    examined = examine(trees, contract, x)
    return {
        "cutoffs": cutoffs(y, p, leads_per_month(every or measured.leads)),
        "gains": gains(y, p),
        "effects": effects(examined, contract, x, y),
        "effects_leads": len(examined.rows),
        "segments": segments(contract, Scored(x, y, p), examined.ranked),
        "over_time": over_time(every, measured),
        "unknown": unknown_shares(contract, x),
    }


def finish_report(report: dict[str, Any], comparison: dict[str, Any] | None, run: Run) -> dict[str, Any]:
    """Adds what is known only after the report is built: the comparison, and the commands to run next."""
    report["comparison"] = None if comparison is None else as_plain(comparison)
    report["next"] = steps(report, run)
    return report


def as_plain(value: dict[str, Any]) -> dict[str, Any]:
    """Converts structs and arrays to plain JSON data; NaN becomes null."""
    plain: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(value))
    return plain


def model_facts(card: Card | None) -> dict[str, Any]:
    """Returns the identity of the model."""
    if card is None:
        return {"name": "a model without a card", "version": "", "created_at": "", "libraries": {}}
    return {"name": card.name, "version": card.version, "created_at": card.created_at, "libraries": card.libraries}


def column_facts(feature: Feature) -> dict[str, Any]:
    """Returns how a column was interpreted."""
    facts: dict[str, Any] = {"name": feature.name, "kind": feature.kind, "required": feature.required}
    if feature.form.is_category:
        facts |= {"values": list(feature.values), "other": feature.other}
    if feature.form.is_aspected:
        facts |= {"columns": [column.name.removeprefix(feature.name).strip() for column in feature.columns]}
        facts |= {"planned": feature.planned}
    return facts | {"minimum": feature.minimum, "maximum": feature.maximum}


def histogram(y: Vector, p: Vector) -> dict[str, list[float]]:
    """Counts the leads of each outcome by score, in ``HISTOGRAM_BINS`` equal bins."""
    edges = np.linspace(0.0, 1.0, HISTOGRAM_BINS + 1)
    won, lost = (np.histogram(p[y == outcome], edges)[0].tolist() for outcome in (1.0, 0.0))
    return {"edges": edges.tolist(), "converted": won, "not_converted": lost}


def cautions(quality: Quality) -> list[str]:
    """Returns warnings about poor or uncertain metrics."""
    warnings = []
    if quality.calibration_error.value > max(HIGH_ERROR, quality.perfect_calibration_error.high):
        warnings.append(
            f"predicted and observed rates differ by {quality.calibration_error.value:.1%} on average, where a "
            f"perfectly calibrated model would show {quality.perfect_calibration_error.value:.1%}: "
            "rely on the ranking more than on the percentages"
        )
    if quality.roc_auc.value < LOW_AUC:
        warnings.append(
            f"the ROC-AUC is {quality.roc_auc.value:.3f}, little better than random (0.5): "
            "these columns hardly predict which leads convert"
        )
    if quality.roc_auc.high - quality.roc_auc.low > WIDE:
        warnings.append(
            f"{quality.rows} leads, of which {quality.positives} converted, are few to evaluate on: the ROC-AUC lies "
            f"between {quality.roc_auc.low:.2f} and {quality.roc_auc.high:.2f} (95 % confidence interval), and the "
            "other figures are as uncertain"
        )
    return warnings


def moved_rates(y: Vector, time: Vector) -> list[str]:
    """Returns a warning if the conversion rate changed over time by more than chance explains."""
    fold = time_folds(time, 5)
    first, last = y[fold == 0], y[fold == fold.max()]
    low, high = sorted((float(first.mean()), float(last.mean())))
    spread = np.sqrt(y.mean() * (1.0 - y.mean()) * (1.0 / len(first) + 1.0 / len(last)))
    if high - low > SIGMAS * spread and high > MOVED * low:
        return [
            f"the conversion rate changed from {first.mean():.1%} in the earliest fifth of the leads to "
            f"{last.mean():.1%} in the latest: probabilities follow the recent leads, and will need retraining"
        ]
    return []
