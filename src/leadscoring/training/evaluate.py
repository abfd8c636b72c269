"""Evaluates a model file on leads with known outcomes, for ``leadscoring evaluate``."""

from pathlib import Path
from typing import Any

import polars as pl

from leadscoring.contract.features import Contract
from leadscoring.errors import TrainingDataError
from leadscoring.model.card import Card
from leadscoring.model.file import AS_IT_IS, Opening, open_model
from leadscoring.quality.figures import measure
from leadscoring.training.later_files import dates_of
from leadscoring.training.leads import Leads, Progress, gather, quiet
from leadscoring.training.measured import Measured
from leadscoring.training.outcome import fold
from leadscoring.training.reading.missing import hint
from leadscoring.training.reading.series import as_text
from leadscoring.training.reading.table import Table, read_source
from leadscoring.training.report.comparison import compared, served_model
from leadscoring.training.report.facts import evaluation_report, finish_report
from leadscoring.training.report.following import Run
from leadscoring.training.reread import hows, tokens_of
from leadscoring.training.scored import score_leads

SHOWN = 5


def evaluate(
    model: str | Path,
    source: str | Path | pl.DataFrame,
    target: str,
    positive: str | None = None,
    progress: Progress | None = None,
    negative: str | None = None,
    opening: Opening = AS_IT_IS,
    compare: str | None = None,
) -> dict[str, Any]:
    """Evaluates a model on the leads of a file or frame; returns the data of the report.

    ``compare`` is the file of another model, which is compared with it on the same leads.

    Raises ``ModelError`` for a model that cannot be read, and ``TrainingDataError`` for leads that cannot be
    evaluated: without outcomes, with a single outcome, or without required features.
    """
    report_progress = progress or quiet
    report_progress("reading", 0.0)
    opened, served = open_model(model, opening), served_model(compare, ())
    card, contract = opened.card, opened.card.contract
    table = read_source(source)
    target = table.resolve(target, "--target")
    won, lost = known_outcome(card, target, table.frame) if positive is None else ((positive,), ())
    tokens = tokens_of(card.read_as, table.frame)
    leads = gather(
        table,
        target,
        tokens,
        positive=won,
        negative=lost if negative is None else (negative,),
        how=hows(card.read_as),
        dated=dates_of(card, table),
    )
    refuse_absent(contract, leads.frame)
    refuse_one_outcome(leads)
    report_progress("scoring", 0.3)
    scored = score_leads(opened, leads)
    report_progress("measuring", 0.5)
    measured = Measured(leads, scored.x, scored.p, measure(leads.y, scored.p, card.tiers.thresholds))
    known = known_data(card, table)
    warnings = [*known, *opened.cautions, *scored.warnings]
    report = evaluation_report(opened, measured, table.name, table.notes, warnings, remembered=bool(known))
    comparison = compared(served, measured, table.data_hash, report["warnings"])
    report_progress("done", 1.0)
    return finish_report(report, comparison, Run(model=str(model), data=table.name, target=target))


def known_data(card: Card, table: Table) -> list[str]:
    """The warning for data that the model was trained on, if it is the same."""
    if card.training is None or card.training.data_hash != table.data_hash:
        return []
    return [
        "these are the very leads that the model was trained on: the figures say how well it remembers them, not how "
        "well it scores others; measure on later leads, or see the held-out figures of its training"
    ]


def refuse_one_outcome(leads: Leads) -> None:
    """Raises ``TrainingDataError`` if all leads have the same outcome."""
    if leads.y.min() == leads.y.max():
        subject = "every lead" if leads.y[0] else "no lead"
        raise TrainingDataError(
            f"{subject} converted (converted means {leads.positive!r}): measuring needs both outcomes"
        )


def known_outcome(card: Card, target: str, frame: pl.DataFrame) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The values that mean converted and not converted according to the card, if it was trained on the same target.

    Values that do not occur in the data are left out.
    """
    training = card.training
    if training is None or training.target != target or not training.positive:
        return (), ()
    won, lost = card.read_as.positive or (training.positive,), card.read_as.negative
    occurring = (
        {fold(text) for text in as_text(frame[target]).drop_nulls().unique()} if target in frame.columns else set()
    )
    some = tuple(value for value in won if fold(value) in occurring)
    return some or won, tuple(value for value in lost if fold(value) in occurring)


def refuse_absent(contract: Contract, frame: pl.DataFrame) -> None:
    """Raises ``TrainingDataError`` if the data lacks a required column, or all columns of the model."""
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
