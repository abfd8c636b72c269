"""The figures of any model file on leads whose outcome is known: the deed behind ``leadscoring evaluate``."""

import json
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import polars as pl
import xgboost as xgb

from leadscoring.errors import CardInvalid, ModelNotFound, ModelUnreadable, ModelUnsupported, TrainingDataError
from leadscoring.features import Contract, Feature
from leadscoring.model.calibration import Calibration
from leadscoring.model.card import ATTRIBUTE, Card, Tiers, read_card
from leadscoring.model.reading import PLAIN, Reading
from leadscoring.training.calibrate import apply
from leadscoring.training.encode import Matrix, as_text, encode_table
from leadscoring.training.leads import Leads, Progress, gather, quiet
from leadscoring.training.missing import hint
from leadscoring.training.outcome import fold
from leadscoring.training.quality import measure
from leadscoring.training.report import Measured, evaluation_report
from leadscoring.training.reread import reread, tokens_of
from leadscoring.training.table import table_of

SHOWN = 5


class Opened(msgspec.Struct, frozen=True):
    """A model file: its trees, and its card where it has one."""

    booster: xgb.Booster
    contract: Contract
    card: Card | None = None

    @property
    def calibration(self) -> Calibration:
        """From margin to probability: the card's, else the logistic function."""
        return self.card.calibration if self.card else Calibration()

    @property
    def reading(self) -> Reading:
        """How a file is to be read: as training read its own, where the card says so."""
        return self.card.read_as if self.card else PLAIN

    @property
    def tiers(self) -> Tiers:
        """The card's tiers, or the default ones."""
        return self.card.tiers if self.card else Tiers()

    def matrix(self, x: Matrix) -> xgb.DMatrix:
        """Encoded rows under the names and types that the trees know."""
        names, types = self.booster.feature_names, self.booster.feature_types
        return xgb.DMatrix(x, feature_names=names, feature_types=types, enable_categorical=True, nthread=1)


def evaluate(
    model: str | Path,
    source: str | Path | pl.DataFrame,
    target: str,
    positive: str | None = None,
    progress: Progress | None = None,
    negative: str | None = None,
) -> dict[str, Any]:
    """The report's data of a model on the leads of a file or frame.

    Raises ``ModelError`` for a model that cannot be read, and ``TrainingDataError`` for leads that
    cannot be measured on: without outcomes, with one outcome only, or without required features.
    """
    tell = progress or quiet
    tell("reading", 0.0)
    opened = open_model(Path(model))
    table = table_of(source)
    target = table.resolve(target, "--target")
    won, lost = known_outcome(opened, target, table.frame) if positive is None else ((positive,), ())
    tokens = tokens_of(opened.reading, table.frame)
    leads = gather(table, target, tokens, positive=won, negative=lost if negative is None else (negative,))
    refuse_absent(opened.contract, leads.frame)
    refuse_one_outcome(leads)
    tell("scoring", 0.3)
    read = reread(opened.contract, opened.reading, leads.frame)
    x = encode_table(opened.contract, read.frame)
    data = opened.matrix(x)
    p = apply(opened.calibration, opened.booster.predict(data, output_margin=True).astype(np.float64))
    tell("measuring", 0.5)
    measured = Measured(leads, x, data, p, measure(leads.y, p, opened.tiers.thresholds))
    tell("done", 1.0)
    name = "" if isinstance(source, pl.DataFrame) else Path(source).name
    return evaluation_report(opened, measured, name, table.notes, read.warnings)


def refuse_one_outcome(leads: Leads) -> None:
    """Raise ``TrainingDataError`` when all leads went the same way, so that there is nothing to tell apart."""
    if leads.y.min() == leads.y.max():
        told = "every lead" if leads.y[0] else "no lead"
        raise TrainingDataError(f"{told} converted (converted means {leads.positive!r}): measuring needs both outcomes")


def known_outcome(opened: Opened, target: str, frame: pl.DataFrame) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The values that the card says mean converted and not converted, where it was trained on the same target.

    Of several, those that the data does not hold are none of this time's.
    """
    training = opened.card.training if opened.card else None
    if training is None or training.target != target or not training.positive:
        return (), ()
    won, lost = opened.reading.positive or (training.positive,), opened.reading.negative
    there = {fold(text) for text in as_text(frame[target]).drop_nulls().unique()} if target in frame.columns else set()
    some = tuple(value for value in won if fold(value) in there)
    return some or won, tuple(value for value in lost if fold(value) in there)


def open_model(path: Path) -> Opened:
    """The trees of a JSON or UBJ file, with contract and card."""
    try:
        content = path.read_bytes()
    except OSError as failure:
        raise ModelNotFound(str(path), failure.strerror or "unreadable") from failure
    booster = xgb.Booster()
    try:
        booster.load_model(bytearray(content))
        config = json.loads(booster.save_config())["learner"]
    except (xgb.core.XGBoostError, ValueError, KeyError) as failure:
        raise ModelUnreadable(f"{path} is not an XGBoost model in JSON or UBJ") from failure
    objective = config["objective"]["name"]
    if objective != "binary:logistic":
        raise ModelUnsupported(f"{path} has the objective {objective!r}; only 'binary:logistic' can be evaluated")
    text = booster.attr(ATTRIBUTE)
    if text is None:
        return Opened(booster, bare_contract(booster, path))
    card = read_card(text)
    if len(card.contract) != booster.num_features():
        raise CardInvalid(f"{path} has {booster.num_features()} columns, but its card {len(card.contract)} features")
    return Opened(booster, card.contract, card)


def bare_contract(booster: xgb.Booster, path: Path) -> Contract:
    """The contract of a model without a card: its feature names, all numbers (categories as their codes)."""
    if not booster.feature_names:
        raise ModelUnsupported(f"{path} has neither a card nor feature names: nobody can tell which column is which")
    return Contract(tuple(Feature(name, "number") for name in booster.feature_names))


def refuse_absent(contract: Contract, frame: pl.DataFrame) -> None:
    """Raise ``TrainingDataError`` when the data lacks a column that the model requires, or all of them."""
    features = contract.features
    absent = [feature.name for feature in features if feature.name not in frame.columns]
    needed = [feature.name for feature in features if feature.required and feature.name in absent]
    if needed or len(absent) == len(features):
        names = needed or absent
        more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
        raise TrainingDataError(
            f"the data lacks {', '.join(map(repr, names[:SHOWN]))}{more}, which the model needs"
            + hint(names[0], frame.columns)
        )
