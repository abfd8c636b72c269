"""The figures of any model file on leads whose outcome is known: the deed behind ``leadscoring evaluate``."""

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from leadscoring.contract.features import Contract
from leadscoring.errors import TrainingDataError
from leadscoring.model.card import Card
from leadscoring.model.file import AS_IT_IS, Opening, open_model
from leadscoring.quality.figures import measure
from leadscoring.training.calibrate import apply
from leadscoring.training.encode import encode_table
from leadscoring.training.leads import Leads, Progress, gather, quiet
from leadscoring.training.measured import Measured
from leadscoring.training.outcome import fold
from leadscoring.training.reading.missing import hint
from leadscoring.training.reading.series import as_text
from leadscoring.training.reading.table import Table, read_source
from leadscoring.training.report.facts import evaluation_report
from leadscoring.training.reread import reread, tokens_of

SHOWN = 5


def evaluate(
    model: str | Path,
    source: str | Path | pl.DataFrame,
    target: str,
    positive: str | None = None,
    progress: Progress | None = None,
    negative: str | None = None,
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
    target = table.resolve(target, "--target")
    won, lost = known_outcome(card, target, table.frame) if positive is None else ((positive,), ())
    tokens = tokens_of(card.read_as, table.frame)
    leads = gather(table, target, tokens, positive=won, negative=lost if negative is None else (negative,))
    refuse_absent(contract, leads.frame)
    refuse_one_outcome(leads)
    tell("scoring", 0.3)
    read = reread(contract, card.read_as, leads.frame)
    x = encode_table(contract, read.frame)
    p = apply(card.calibration, opened.trees.margins(x).astype(np.float64))
    tell("measuring", 0.5)
    measured = Measured(leads, x, p, measure(leads.y, p, card.tiers.thresholds))
    warnings = [*known_data(card, table), *opened.cautions, *read.warnings]
    tell("done", 1.0)
    return evaluation_report(opened, measured, table.name, table.notes, warnings)


def known_data(card: Card, table: Table) -> list[str]:
    """The warning that these are the very leads that the model was trained on, when they are."""
    if card.training is None or card.training.data_hash != table.data_hash:
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


def known_outcome(card: Card, target: str, frame: pl.DataFrame) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The values that the card says mean converted and not converted, where it was trained on the same target.

    Of several, those that the data does not hold are none of this time's.
    """
    training = card.training
    if training is None or training.target != target or not training.positive:
        return (), ()
    won, lost = card.read_as.positive or (training.positive,), card.read_as.negative
    there = {fold(text) for text in as_text(frame[target]).drop_nulls().unique()} if target in frame.columns else set()
    some = tuple(value for value in won if fold(value) in there)
    return some or won, tuple(value for value in lost if fold(value) in there)


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
