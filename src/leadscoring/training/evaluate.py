"""The figures of any model file on leads whose outcome is known: the deed behind ``leadscoring evaluate``."""

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from leadscoring.errors import TrainingDataError
from leadscoring.features import Contract
from leadscoring.model.file import AS_IT_IS, Opening, open_model
from leadscoring.model.loaded import LoadedModel
from leadscoring.training.calibrate import apply
from leadscoring.training.encode import encode_table, refused
from leadscoring.training.leads import Leads, Progress, gather, quiet
from leadscoring.training.missing import hint, parse_tokens
from leadscoring.training.quality import measure
from leadscoring.training.report import Measured, evaluation_report
from leadscoring.training.table import Table, read_source

SHOWN = 5


def evaluate(
    model: str | Path,
    source: str | Path | pl.DataFrame,
    target: str,
    positive: str | None = None,
    progress: Progress | None = None,
    opening: Opening = AS_IT_IS,
) -> dict[str, Any]:
    """The report's data of a model on the leads of a file or frame.

    Raises ``ModelError`` for a model that cannot be read, and ``TrainingDataError`` for leads that
    cannot be measured on: without outcomes, with one outcome only, or without required features.
    """
    tell = progress or quiet
    tell("reading", 0.0)
    opened = open_model(model, opening)
    card, contract = opened.card, opened.card.contract
    table = read_source(source)
    frame = table.frame
    leads = gather(frame, target, parse_tokens((), frame.columns), positive=positive or known_positive(opened, target))
    refuse_absent(contract, leads.frame)
    refuse_values_for_codes(contract, leads.frame)
    refuse_one_outcome(leads)
    tell("scoring", 0.3)
    x = encode_table(contract, leads.frame)
    p = apply(card.calibration, opened.trees.margins(x).astype(np.float64))
    tell("measuring", 0.5)
    measured = Measured(leads, x, p, measure(leads.y, p, card.tiers.thresholds))
    warnings = [
        *known_data(opened, table),
        *opened.cautions,
    ] + [
        f"{count} values of {feature!r} are outside the contract and were read as missing; "
        "the service would refuse those leads"
        for feature, count in refused(contract, leads.frame).items()
    ]
    tell("done", 1.0)
    return evaluation_report(opened, measured, table.name, warnings)


def known_data(opened: LoadedModel, table: Table) -> list[str]:
    """The warning that these are the very leads that the model was trained on, when they are."""
    training = opened.card.training
    if training is None or training.data_hash != table.data_hash:
        return []
    return [
        "these are the very leads that the model was trained on: the figures say how well it remembers them, not how "
        "well it scores others; measure on later leads, or see the held-out figures of its training"
    ]


def refuse_one_outcome(leads: Leads) -> None:
    """Raise ``TrainingDataError`` when all leads went the same way, so that there is nothing to tell apart."""
    if leads.y.min() == leads.y.max():
        told = "every lead" if leads.y[0] else "no lead"
        raise TrainingDataError(f"{told} converted (converted means {leads.positive!r}): measuring needs both outcomes")


def known_positive(opened: LoadedModel, target: str) -> str | None:
    """What the card says converted means, where it was trained on the same target."""
    training = opened.card.training
    return training.positive or None if training and training.target == target else None


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


def refuse_values_for_codes(contract: Contract, frame: pl.DataFrame) -> None:
    """Raise ``TrainingDataError`` when a category that only its codes are known of comes as text."""
    for feature in contract.features:
        if not feature.codes or feature.name not in frame.columns or frame[feature.name].dtype != pl.String:
            continue
        column = frame[feature.name].drop_nulls()
        texts = column.filter(column.str.strip_chars().cast(pl.Float64, strict=False).is_null())
        if len(texts):
            raise TrainingDataError(
                f"{feature.name!r} holds texts such as {texts[0]!r}, but the model file does not say which code each "
                f"has: put the codes there (0 to {feature.codes - 1}), or save the model with XGBoost 3.1 or newer, "
                "which keeps the texts"
            )
