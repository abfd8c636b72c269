"""Trains a model on past leads, for ``leadscoring train``.

1. **Rehearsal.** A fifth of the leads (the latest, with a time column; else a random fifth, with duplicates
   kept together) is held out before anything is fitted. On the rest the contract is inferred, depth, rate and
   rounds are selected by cross-fitting with early stopping, the calibration is fitted to out-of-fold margins,
   and the trees are trained. Only then is the held-out fifth scored, once. Those are the figures of the report.
2. **Final.** The same steps, with the recipes that the rehearsal could not tell apart, on all leads: the newest
   leads are the most similar to future ones, and a fifth of the conversions is too much to waste. The report
   shows its out-of-fold figures beside those of the rehearsal. ``ship_measured`` skips this step and writes the
   model that was measured.
"""

import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import polars as pl
import xgboost as xgb
from msgspec import UNSET

from leadscoring.model.card import ATTRIBUTE, SEAL, Card, Training
from leadscoring.model.loaded import sealed
from leadscoring.model.reading import PLAIN, Dated, DayOrder, Reading
from leadscoring.quality.figures import Quality, measure
from leadscoring.training import certify, trees
from leadscoring.training.calendar_proxies import calendar_features
from leadscoring.training.calibrate import apply, fit_calibration
from leadscoring.training.encode import encode_table
from leadscoring.training.fitted import Fitted, trees_of
from leadscoring.training.infer import Asked, Inferred, infer, without
from leadscoring.training.leads import Leads, Progress, hold_out, quiet
from leadscoring.training.learned import learn
from leadscoring.training.level_weights import weigh
from leadscoring.training.measured import Measured
from leadscoring.training.options import TrainOptions
from leadscoring.training.prepared import prepare
from leadscoring.training.reading.missing import MissingTokens
from leadscoring.training.reading.moments import moments
from leadscoring.training.reading.series import Matrix, Vector
from leadscoring.training.reading.table import Table
from leadscoring.training.report.facts import training_report
from leadscoring.training.report.suspicion import suspicions
from leadscoring.training.reread import reread
from leadscoring.training.versions import model_name
from leadscoring.whole_file import whole_file

FOLDS = 5

RECENT_FOLDS = 2
"""With a time column, calibration and tiers use only the latest folds, because base rates change over time."""


class Trained(msgspec.Struct, frozen=True):
    """A model with its card, and the data of its report."""

    booster: xgb.Booster
    card: Card
    report: dict[str, Any]

    def save(self, path: str | Path) -> None:
        """Writes the model file atomically: UBJ if the name ends in ``.ubj``, else JSON."""
        write_model(self.booster, Path(path))


def train(source: str | Path | pl.DataFrame, options: TrainOptions, progress: Progress | None = None) -> Trained:
    """Trains a model on the leads of a CSV or Parquet file, or of a frame.

    Raises ``TrainingDataError``, with the reason, if they are not sufficient.
    """
    report_progress = progress or quiet
    past = prepare(source, options, report_progress)
    options, leads, asked, tokens = past.options, past.leads, past.asked, past.tokens
    held = hold_out(leads, past.guarded.inferred.alike, options.seed)
    recipes = trees.recipes_for(int((~held).sum()), over_time=leads.time is not None)
    rehearsal = fit(leads.take(~held), options, asked, tokens, recipes, Share(report_progress, "rehearsing", 0.02, 0.6))
    report_progress("measuring", 0.6)
    held_out = rehearse(rehearsal, leads.take(held))
    doubts = suspicions(rehearsal, held_out, options.seed)
    final, shipped = rehearsal, leads.take(~held)
    if not options.ship_measured:
        final = fit(
            leads, options, asked, tokens, rehearsal.cross.rivals, Share(report_progress, "training", 0.65, 0.95)
        )
        shipped = leads
    report_progress("certifying", 0.95)
    out_of_fold = measure(shipped.y, final.unseen, final.tiers.thresholds)
    card = make_card(past.table, options, shipped, final, {"held_out": held_out.quality, "out_of_fold": out_of_fold})
    final.booster.set_attr(**{ATTRIBUTE: card.to_json()})
    report = training_report(card, final, rehearsal, held_out, leads, out_of_fold, past.table.notes, doubts)
    report["evidence"] = past.guarded.published
    report_progress("done", 1.0)
    return Trained(final.booster, card, report)


def dated(options: TrainOptions, leads: Leads) -> Dated:
    """The dates by which later files are read: the moment of their leads is that of training, by ``--time`` too."""
    moment = options.as_of or (options.time if leads.as_of is not None else None)
    return msgspec.structs.replace(options.dated, as_of=moment or "")


def orders(frame: pl.DataFrame, times: Dated) -> dict[str, DayOrder]:
    """The order of day and month in the columns that ``times`` names, where both are numbers."""
    texts = [frame[name] for name in times.columns if frame.schema.get(name) == pl.String]
    return {text.name: first for text in texts if (first := moments(text).first) is not None}


def rehearse(fitted: Fitted, leads: Leads) -> Measured:
    """Scores held-out leads and measures the result."""
    x = encode_table(fitted.contract, reread(fitted.contract, fitted.reading, leads.frame).frame, leads.as_of)
    p = fitted.probabilities(x)
    quality = measure(leads.y, p, fitted.tiers.thresholds)
    return Measured(leads, x, p, quality)


class Share:
    """Reports the progress of a part of the work, step by step."""

    def __init__(self, progress: Progress, stage: str, start: float, end: float) -> None:
        self.progress, self.stage, self.at, self.start, self.end = progress, stage, 0, start, end

    def ticks(self, count: int) -> Callable[[], None]:
        """Returns a function to call after each of ``count`` steps."""

        def tick() -> None:
            self.at += 1
            self.progress(self.stage, self.start + (self.end - self.start) * self.at / count)

        return tick


def fit(
    leads: Leads,
    options: TrainOptions,
    asked: Asked,
    tokens: MissingTokens,
    recipes: tuple[trees.Recipe, ...],
    share: Share,
) -> Fitted:
    """Fits contract, trees, calibration and tiers to leads."""
    inferred = infer(leads.frame, leads.y, leads.named, asked, tokens, leads.as_of)
    x = encode_table(inferred.contract, inferred.frame, leads.as_of)
    if leads.time is not None:
        inferred, x = without_calendar(inferred, x, leads.time)
    folds = leads.folds(FOLDS, options.seed, inferred.alike)
    learned = weigh(learn(inferred, x, leads.y, leads.as_of, folds), leads.y, folds)
    inferred, x, contract = learned.inferred, learned.x, learned.inferred.contract
    ticks = share.ticks(FOLDS * len(recipes))
    cross = trees.cross_fit(contract, x, leads.y, folds, recipes, options.seed, ticks, learned.view)
    recent = np.arange(len(leads.y)) if leads.time is None else np.flatnonzero(folds >= FOLDS - RECENT_FOLDS)
    calibration = fit_calibration(cross.margins[recent], leads.y[recent], options.seed)
    unseen = apply(calibration, cross.margins)
    booster = trees.grow(contract, x, leads.y, cross.recipe, cross.rounds, options.seed)
    tiers = certify.make_tiers(unseen[recent], leads.y[recent])
    times = dated(options, leads)
    reading = Reading(
        numbers=inferred.numbers,
        missing=(*options.missing, *inferred.tokens),
        positive=leads.outcome.positive if len(leads.outcome.positive) > 1 else (),
        negative=leads.outcome.negative,
        dates=inferred.dates | orders(leads.frame, times),
        presence=inferred.presence,
        dated=times,
    )
    return Fitted(inferred, reading, x, learned.served, leads.y, booster, cross, calibration, unseen, recent, tiers)


def without_calendar(inferred: Inferred, x: Matrix, time: Vector) -> tuple[Inferred, Matrix]:
    """Drops numeric features that only reflect when a lead arrived, unless there are no others."""
    moved = calendar_features(inferred.contract, x, time)
    if not moved or len(moved) == len(inferred.contract):
        return inferred, x
    names, columns = inferred.contract.names, inferred.contract.columns
    keep = [place for place, feature in enumerate(columns.feature) if names[feature] not in moved]
    reasons = {
        name: f"follows the calendar: its values move {shift:.0%} of the way from one period to the next, "
        "so those of later leads tell nothing"
        for name, shift in moved.items()
    }
    return without(inferred, reasons), x[:, keep]


def make_card(table: Table, options: TrainOptions, leads: Leads, final: Fitted, figures: dict[str, Quality]) -> Card:
    """The card of the model."""
    return Card(
        name=model_name(options.name, table.name),
        version=options.version,
        created_at=now().isoformat().replace("+00:00", "Z"),
        contract=final.contract,
        calibration=final.calibration,
        tiers=final.tiers,
        reference=certify.make_reference(final.contract, final.served, final.probabilities(final.served)[final.recent]),
        training=Training(
            rows=len(leads.y),
            positives=int(leads.y.sum()),
            target=options.target,
            positive=leads.positive,
            data_hash=table.data_hash,
            source=table.name,
            period=leads.period,
            notes=(*leads.notes, *leads.leaks),
        ),
        libraries={"numpy": np.__version__, "polars": pl.__version__, "xgboost": xgb.__version__},
        quality={
            "protocol": protocol(options),
            **{part: quality.summary() for part, quality in figures.items()},
            "recipe": {**msgspec.to_builtins(final.cross.recipe), "rounds": final.cross.rounds},
        },
        golden=certify.make_golden(final.booster, final.contract, final.served),
        reading=UNSET if final.reading == PLAIN else final.reading,
    )


def protocol(options: TrainOptions) -> str:
    """What the figures of the card were measured on, in a sentence."""
    part = "the latest fifth of the leads" if options.time else "a random fifth of the leads (duplicates together)"
    model = (
        "this very model, which never saw them"
        if options.ship_measured
        else "a model trained in the same way without them; this one was then trained on all leads"
    )
    return f"held_out: {part}, scored by {model}. out_of_fold: the training leads, each by trees that had not seen it."


def now() -> datetime:
    """The current time, or that of SOURCE_DATE_EPOCH (reproducible-builds.org)."""
    epoch = os.environ.get("SOURCE_DATE_EPOCH")
    return datetime.fromtimestamp(int(epoch), UTC) if epoch else datetime.now(UTC).replace(microsecond=0)


def seal(booster: xgb.Booster) -> None:
    """Stores a hash of the card and trees in a booster, by which alterations are detected."""
    card = booster.attr(ATTRIBUTE)
    if card is not None:
        booster.set_attr(**{SEAL: sealed(trees_of(booster), card)})


def write_model(booster: xgb.Booster, path: Path) -> None:
    """Writes a sealed booster; the file appears whole or not at all."""
    seal(booster)
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole_file(path) as part:
        part.write_bytes(booster.save_raw("ubj" if path.suffix == ".ubj" else "json"))
