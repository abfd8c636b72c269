"""Trains a model on past leads, for ``leadscoring train``.

1. **Rehearsal.** A fifth of the leads (the latest, with a time column; else a random fifth, with duplicates
   kept together) is held out before anything is fitted. On the rest depth, rate and rounds are selected by
   cross-fitting with early stopping, the calibration is fitted to out-of-fold margins, and the trees are trained.
   Only then is the held-out fifth scored, once. Those are the figures of the report. The contract is that of all
   leads where nobody asks for more: but for columns that tell the outcome, which are left out, it does not depend on
   outcomes.
2. **Final.** The same steps on all leads: the newest leads are the most similar to future ones, and a fifth of the
   conversions is too much to waste. The recipe and the rounds are those of the rehearsal; of few leads, the recipes
   that it could not tell apart compete again. The report shows its out-of-fold figures beside those of the
   rehearsal. ``ship_measured`` skips this step and writes the model that was measured.

From ``PLENTY`` leads on, ``parts`` does the same with one fit each.
"""

import os
import threading
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
from leadscoring.model.reading import PLAIN
from leadscoring.quality.figures import Quality, measure
from leadscoring.training import certify, trees
from leadscoring.training.basis import basis_of, inferred_from
from leadscoring.training.cross_fitted import fit, folded, followed
from leadscoring.training.encode import encode_table
from leadscoring.training.fitted import Fitted, trees_of
from leadscoring.training.leads import Leads, Progress, parted, quiet
from leadscoring.training.measured import Measured
from leadscoring.training.options import TrainOptions
from leadscoring.training.parts import Pair, Parts
from leadscoring.training.plenty import PLENTY
from leadscoring.training.prepared import Prepared, prepare
from leadscoring.training.reading.series import Matrix
from leadscoring.training.reading.table import Table
from leadscoring.training.report.comparison import compared, not_compared, served_model
from leadscoring.training.report.facts import finish_report, training_report
from leadscoring.training.report.following import run_of
from leadscoring.training.report.suspicion import suspicions
from leadscoring.training.reread import reread
from leadscoring.training.share import PREPARED, Share
from leadscoring.training.split import Indices
from leadscoring.training.until import as_of_column, trained_until
from leadscoring.training.versions import model_name
from leadscoring.whole_file import whole_file

CERTIFYING = 0.95
"""The share of the work after which both models are fitted."""


class Trained(msgspec.Struct, frozen=True):
    """A model with its card, and the data of its report."""

    booster: xgb.Booster
    card: Card
    report: dict[str, Any]

    def save(self, path: str | Path, *, fresh: bool = False) -> None:
        """Writes the model file atomically: UBJ if the name ends in ``.ubj``, else JSON.

        If it is to be ``fresh``, a file that is there stays, and ``FileExistsError`` is raised.
        """
        write_model(self.booster, Path(path), fresh=fresh)


def train(source: str | Path | pl.DataFrame, options: TrainOptions, progress: Progress | None = None) -> Trained:
    """Trains a model on the leads of a CSV or Parquet file, or of a frame.

    Raises ``TrainingDataError``, with the reason, if they are not sufficient.
    """
    report_progress = progress or quiet
    served = served_model(options.compare, options.beside)
    past = prepare(source, options, report_progress)
    options, leads = past.options, past.leads
    part = parted(leads, past.guarded.inferred.alike, options.seed)
    held = part == part.max()
    fitting = fitted_by_parts if int((~held).sum()) >= PLENTY else fitted_by_folds
    pair = fitting(past, part, Share(report_progress, PREPARED, CERTIFYING))
    shipped = leads.take(~held) if options.ship_measured else leads
    report_progress("certifying", CERTIFYING)
    out_of_fold = pair.final.out_of_fold()
    figures = {"held_out": pair.held_out.quality, "out_of_fold": out_of_fold}
    card = make_card(past.table, options, shipped, pair.final, figures)
    pair.final.booster.set_attr(**{ATTRIBUTE: card.to_json()})
    report = training_report(
        card, pair.final, pair.rehearsal, pair.held_out, leads, out_of_fold, past.table.notes, pair.doubts
    )
    report["evidence"] = past.guarded.published
    if past.encoded is None:
        comparison = compared(served, pair.held_out, past.table.data_hash, report["warnings"])
    else:
        comparison = None
        report["warnings"] += not_compared(served)
    finish_report(report, comparison, run_of(options, source, past.guarded.inferred.contract))
    report_progress("done", 1.0)
    return Trained(pair.final.booster, card, report)


def fitted_by_folds(past: Prepared, part: Indices, share: Share) -> Pair:
    """Fits both models by cross-fitting; that of the rehearsal has a contract of its own where the other's is later."""
    leads, options, held = past.leads, past.options, part == part.max()
    seen = leads.take(~held)
    own = past.encoded is None and (options.ship_measured or leads.time is not None)
    every = None if own and options.ship_measured else basis_of(past)
    basis = inferred_from(past, seen) if every is None or own else every.of(~held)
    recipes = trees.recipes_for(len(seen.y), over_time=leads.time is not None)
    stop, some = threading.Event(), folded(seen, basis, options.seed)
    cross = some.crossed(recipes, share.of(0.0, 0.55), stop)
    x = None if every is None or not every.complete else every.x[held]

    def rehearsed() -> Pair:
        fitted = some.fitted(some.grown(cross.recipe, cross.rounds, stop), cross)
        held_out = rehearse(fitted, leads.take(held), x)
        return Pair(fitted, held_out, fitted, suspicions(fitted, held_out, options.seed))

    share.report("measuring", 0.55)
    if every is None or options.ship_measured:
        return rehearsed()
    rest = share.of(0.6, 1.0)
    if len(seen.y) >= trees.MANY:
        pair, final = followed(folded(leads, every, options.seed), cross, rehearsed, rest, stop)
    else:
        pair, final = rehearsed(), fit(leads, every, cross.rivals, options.seed, rest)
    return msgspec.structs.replace(pair, final=final)


def fitted_by_parts(past: Prepared, part: Indices, share: Share) -> Pair:
    """Fits both models of very many leads."""
    options = past.options
    return Parts(past.leads, basis_of(past), part, options.seed, ship_measured=options.ship_measured).fit(share)


def rehearse(fitted: Fitted, leads: Leads, x: Matrix | None = None) -> Measured:
    """Scores held-out leads and measures the result; they are read as the card says, unless ``x`` has them encoded."""
    if x is None:
        x = encode_table(fitted.contract, reread(fitted.contract, fitted.reading, leads.frame).frame, leads.as_of)
    p = fitted.probabilities(x)
    quality = measure(leads.y, p, fitted.tiers.thresholds)
    return Measured(leads, x, p, quality)


def make_card(table: Table, options: TrainOptions, leads: Leads, final: Fitted, figures: dict[str, Quality]) -> Card:
    """The card of the model."""
    return Card(
        name=model_name(options.name, table.name),
        version=options.version,
        created_at=now().isoformat().replace("+00:00", "Z"),
        contract=final.contract,
        calibration=final.calibration,
        tiers=final.tiers,
        reference=certify.make_reference(
            final.contract, final.served, final.probabilities(final.served[np.isin(final.shown, final.recent)])
        ),
        training=Training(
            rows=len(leads.y),
            positives=int(leads.y.sum()),
            target=options.target,
            positive=leads.positive,
            data_hash=table.data_hash,
            source=table.name,
            period=leads.period,
            notes=(*leads.notes, *leads.leaks),
            trained_until=trained_until(leads),
            as_of=as_of_column(leads, options),
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


def write_model(booster: xgb.Booster, path: Path, *, fresh: bool = False) -> None:
    """Writes a sealed booster; the file appears whole or not at all."""
    seal(booster)
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole_file(path, fresh=fresh) as part:
        part.write_bytes(booster.save_raw("ubj" if path.suffix == ".ubj" else "json"))
