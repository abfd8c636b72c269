"""What training would make of a file of leads, as plain data, for ``leadscoring inspect``: a dry run in seconds."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import polars as pl

from leadscoring.contract.features import Feature
from leadscoring.errors import TrainingDataError
from leadscoring.training.candidates import Candidate, candidates
from leadscoring.training.dates import date_columns, is_before_outcome, is_of_beginning, is_of_outcome
from leadscoring.training.glance import Glance, glance
from leadscoring.training.leads import Progress, hold_out, quiet
from leadscoring.training.options import TrainOptions
from leadscoring.training.prepared import Prepared, prepare
from leadscoring.training.proposed import command
from leadscoring.training.quick import quick_models
from leadscoring.training.reading.missing import blank
from leadscoring.training.reading.series import Vector, as_text, counts_of, numbers
from leadscoring.training.report.facts import as_plain, column_facts

EXAMPLES = 4
"""Number of values that are shown of a column."""

NUMERIC = 0.9
"""Minimum share of plain numbers among the values of an excluded column for it to be ranked by them."""

ROLES = ("the target", "the time", "the lead's identifier", "a date of the outcome")
"""Reasons to exclude a column that is not a feature because of its role."""

LEAK = "a probable leak"
DISCREET = frozenset(("email", "text"))
"""Kinds whose values may name a person, and are not shown."""


def inspect(source: str | Path, options: TrainOptions, progress: Progress | None = None) -> dict[str, Any]:
    """Reads a file, or a sample of a large one, as ``train`` does; returns what it would do, and the command to run.

    ``options`` are those of ``train``; with an empty ``target``, the most probable column is taken for it, and the
    result says so. Raises ``TrainingDataError`` for whatever ``train`` would refuse before it fits a model, or if no
    column could be the outcome.
    """
    report_progress = progress or quiet
    report_progress("reading", 0.0)
    seen = glance(Path(source))
    possible = [] if options.target else candidates(seen.table.frame)
    if not options.target:
        best = chosen(possible, seen.table.frame)
        found = None if any("," in value for value in best.converted) else ",".join(best.converted)
        options = msgspec.structs.replace(options, target=best.column, positive=options.positive or found)
    past = prepare(seen.table, options, report_progress)
    hold_out(past.leads, past.guarded.inferred.alike, options.seed)
    report_progress("measuring", 0.8)
    report = facts(seen, past, possible)
    report["command"] = command(Path(source), past)
    report_progress("done", 1.0)
    return as_plain(report)


def chosen(possible: Sequence[Candidate], frame: pl.DataFrame) -> Candidate:
    """The most probable target. Raises ``TrainingDataError`` if no column could be it."""
    if possible:
        return possible[0]
    few = [f"{name!r}" for name in frame.columns if frame[name].n_unique() <= 2 * EXAMPLES][: 2 * EXAMPLES]
    some = f"; columns of few values are {', '.join(few)}" if few else ""
    raise TrainingDataError(
        "no column is clearly the outcome: name it with --target, and its values that mean converted with "
        f"--positive{some}"
    )


def facts(seen: Glance, past: Prepared, possible: Sequence[Candidate]) -> dict[str, Any]:
    """The result as plain data, without the command."""
    leads, inferred = past.leads, past.guarded.inferred
    alone = {one.column: one.evidence.alone for one in past.guarded.verdicts}
    return {
        "kind": "inspect",
        "source": past.table.name,
        "sample": seen.note,
        "rows": seen.table.frame.height,
        "target": {
            "column": past.options.target,
            "positive": list(leads.outcome.positive),
            "guessed": bool(possible),
            "candidates": [
                {"column": one.column, "values": one.values, "positive": list(one.converted), "base_rate": one.share}
                for one in possible
            ],
        },
        "data": {"rows": len(leads.y), "positives": int(leads.y.sum()), "base_rate": float(leads.y.mean())},
        "lost": lost(seen, past),
        "columns": [feature_facts(feature, past, alone) for feature in inferred.contract.features],
        "excluded": excluded(past),
        "missing": inferred.missing,
        "evidence": [one for one in past.guarded.published if one["signs"]],
        "dates": dates(past),
        "reading": [
            *past.table.notes,
            *(note for note in inferred.notes if not is_of_one(note, inferred.contract.names)),
        ],
        "notes": list(leads.notes),
        "warnings": [*(words for words in leads.warnings if words not in leads.leaks), *inferred.warnings],
    }


def lost(seen: Glance, past: Prepared) -> dict[str, Any]:
    """The rows that are not trained on, and those that are there more than once."""
    frame, outcome = seen.table.frame, past.leads.outcome
    without = int(outcome.column.null_count())
    return {
        "rows": frame.height - len(past.leads.y),
        "open": min(outcome.waiting, without),
        "without_outcome": without - min(outcome.waiting, without),
        "duplicates": past.leads.frame.height - past.leads.frame.n_unique(),
    }


def feature_facts(feature: Feature, past: Prepared, alone: dict[str, float]) -> dict[str, Any]:
    """What a column is taken for, how it was read, and what it says alone."""
    inferred, name = past.guarded.inferred, feature.name
    column = inferred.frame[name]
    own = [note.partition(": ")[2] for note in inferred.notes if note.startswith(f"{name!r}: ")]
    return column_facts(feature) | {
        "unknown": column.null_count() / max(len(column), 1),
        "shown": shown(feature, column),
        "read_as": own,
        "roc_auc_alone": alone.get(name),
    }


def shown(feature: Feature, column: pl.Series) -> list[str]:
    """The range of a column of numbers or dates, or its most frequent values; of what may name a person, nothing."""
    present = column.drop_nulls()
    if len(present) == 0 or feature.kind in DISCREET:
        return []
    if feature.form.is_timed:
        day = present.cast(pl.Int64).cast(pl.Datetime("us")).dt.date()
        return [str(day.min()), str(day.max())]
    if present.dtype.is_numeric():
        return [f"{value:,.6g}" for value in (float(present.min()), float(present.max()))]  # type: ignore[arg-type]  # numeric, as checked
    return [value for value, _ in counts_of(as_text(present))[:EXAMPLES]]


def excluded(past: Prepared) -> list[dict[str, Any]]:
    """The columns that are not used, why, and the ROC-AUC that each would reach alone; probable leaks first."""
    dropped = past.guarded.inferred.dropped
    known = {one.column: one.evidence.alone for one in past.guarded.verdicts}
    unknown = [name for name, why in dropped.items() if name not in known and not why.startswith(ROLES)]
    signal = known | signals(past, unknown)
    role = {name: why.startswith(ROLES) for name, why in dropped.items()}
    every = sorted(dropped.items(), key=lambda one: (not one[1].startswith(LEAK), -signal.get(one[0], 0.0)))
    return [
        {"column": name, "why": why, "role": role[name], "roc_auc_alone": None if role[name] else signal.get(name)}
        for name, why in every
    ]


def is_of_one(note: str, names: Sequence[str]) -> bool:
    """Whether a note says how one of some columns was read."""
    return any(note.startswith(f"{name!r}: ") for name in names)


def signals(past: Prepared, names: Sequence[str]) -> dict[str, float]:
    """The cross-validated ROC-AUC of some raw columns, each alone, on a sample of the leads."""
    frame = past.leads.frame
    raw = [ranked(blank(frame[name], past.tokens.of(name))[0]) for name in names if is_plain(frame[name].dtype)]
    if not raw:
        return {}
    quick = quick_models(pl.DataFrame(raw), past.leads.y, past.options.seed)
    return dict(zip([column.name for column in raw], quick.each_alone(), strict=True))


def is_plain(kind: pl.DataType) -> bool:
    """Whether a column holds texts or numbers."""
    return kind in (pl.String, pl.Boolean) or kind.is_numeric()


def ranked(column: pl.Series) -> pl.Series:
    """A column as numbers if nearly all its values are plain numbers, else as texts."""
    if column.dtype != pl.String:
        return column.cast(pl.Float64)
    values = numbers(column)
    if np.isnan(values).sum() - column.null_count() > (1.0 - NUMERIC) * max(len(column) - column.null_count(), 1):
        return column
    return pl.Series(column.name, values).fill_nan(None)


def dates(past: Prepared) -> list[dict[str, Any]]:
    """The columns of dates, and what each could be: the time of the leads, or the date of the outcome."""
    found = date_columns(past.table.frame, past.tokens, past.asked.how)
    return [
        {"column": name, "role": role_of(name, past), "known": known_share(values), **span(values)}
        for name, values in found.items()
    ]


def role_of(name: str, past: Prepared) -> str:
    """What a date could be, by its name and the options."""
    options = past.options
    for option in ("time", "as_of", "won_date", "lost_date"):
        if getattr(options, option) == name:
            return f"--{option.replace('_', '-')}"
    if is_of_beginning(name):
        return "could be --time"
    return (
        "could be --won-date or --lost-date"
        if is_of_outcome(name)
        else ""
        if is_before_outcome(name)
        else "changes later"
    )


def known_share(values: Vector) -> float:
    """The share of the rows that have a date."""
    return float((~np.isnan(values)).mean()) if len(values) else 0.0


def span(values: Vector) -> dict[str, str]:
    """The first and the last of some moments, as days."""
    known = values[~np.isnan(values)]
    if not len(known):
        return {"from": "", "to": ""}
    first, last = (pl.Series([int(value)]).cast(pl.Datetime("us")).dt.date()[0] for value in (known.min(), known.max()))
    return {"from": str(first), "to": str(last)}
