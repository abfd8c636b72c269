"""Drift of the leads in a file, with the bins and counters of the service, for ``leadscoring drift``."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import polars as pl

from leadscoring._engine import Rows
from leadscoring.errors import ModelUnsupported
from leadscoring.model.file import AS_IT_IS, Opening, open_model
from leadscoring.model.loaded import LoadedModel
from leadscoring.quality.drift import baseline
from leadscoring.quality.drift_counts import AREA, DriftCounts
from leadscoring.telemetry.tally import Tally
from leadscoring.training.encode import encode_table, with_unseen
from leadscoring.training.evaluate import refuse_absent
from leadscoring.training.later_files import moments_in
from leadscoring.training.leads import Progress, quiet
from leadscoring.training.reading.table import read_source
from leadscoring.training.reread import reread

WIDEST = 36
"""The widest name that has its figures beside it, so that a line has 80 columns; a longer name has them below."""

VALUES = 2**18
"""Values of rows passed to the counter at once, as Python floats: 8 MB, whatever the number of columns."""


def drift_of(
    model: str | Path | LoadedModel,
    source: str | Path | pl.DataFrame,
    progress: Progress | None = None,
    opening: Opening = AS_IT_IS,
) -> dict[str, Any]:
    """What ``GET /api/v1/model/drift`` would return after a service had scored the leads of a file or frame.

    In addition, ``reading`` describes how the file was parsed, and ``warnings`` list what the service would reject,
    which counts as missing here. Raises ``ModelError`` for a model that cannot be read or has no reference,
    ``TrainingDataError`` for leads that cannot be read or lack a required feature.
    """
    report_progress = progress or quiet
    report_progress("reading", 0.0)
    loaded = model if isinstance(model, LoadedModel) else open_model(model, opening)
    base = baseline(loaded.card)
    if base is None:
        raise ModelUnsupported(
            f"{loaded.card.name!r} has no reference to compare leads with; models of leadscoring train have one"
        )
    table = read_source(source)
    contract = loaded.card.contract
    refuse_absent(contract, table.frame)
    report_progress("scoring", 0.3)
    moment = moments_in(loaded.card, table)
    read = reread(contract, loaded.card.read_as, table.frame, moment)
    x = encode_table(contract, read.frame, moment)
    margins = loaded.trees.margins(x).astype(np.float64)
    counted = with_unseen(contract, read.frame, x)
    counts = DriftCounts(Tally((), area=AREA), base)
    for rows in parts(*x.shape):
        part = counted[rows]
        values = part.astype(object)
        values[np.isnan(part)] = None
        counts.count(Rows(values.tolist()), margins[rows].tolist())
        report_progress("counting", 0.4 + 0.6 * rows.start / len(x))
    report_progress("done", 1.0)
    facts: dict[str, Any] = msgspec.to_builtins(counts.report())
    return facts | {"reading": list(table.notes), "warnings": list(read.warnings)}


def parts(rows: int, columns: int) -> Iterator[slice]:
    """Yields the rows in parts of at most ``VALUES`` values, but at least one row."""
    step = max(VALUES // columns, 1)
    return (slice(start, start + step) for start in range(0, rows, step))


def drift_text(report: dict[str, Any]) -> str:
    """The report as a text table: the score, then each feature in descending order of drift.

    A feature of several columns has the name of the column that has drifted most.
    """
    rows = [("the score", report["score"])] if report["score"] else []
    rows += [(row.get("column", row["feature"]), row) for row in report["features"]]
    width = min(max(len(name) for name, _ in rows), WIDEST)
    lines = [f"{report['leads']} leads against the training data of version {report['version']}", ""]
    lines.append(f"{'':<{width}}  {'index':>7}  {'missing':>8}  {'unseen':>8}  verdict")
    for name, row in rows:
        index = "-" if row["psi"] is None else f"{row['psi']:.4f}"
        shares = [share_of(row, label) for label in ("missing", "unseen")]
        lines += [name] if len(name) > width else []
        short = name if len(name) <= width else ""
        lines.append(f"{short:<{width}}  {index:>7}  {shares[0]:>8}  {shares[1]:>8}  {row['verdict']}")
    if report["not_counted"]:
        lines.append(f"not counted: {', '.join(report['not_counted'])}")
    if report["leads"] < report["fewest_leads"]:
        lines.append(f"no verdict with fewer than {report['fewest_leads']} leads")
    lines += [f"reading: {note}" for note in report["reading"]]
    return "\n".join(lines + [f"warning: {warning}" for warning in report["warnings"]])


def share_of(row: dict[str, Any], label: str) -> str:
    """The share of leads in a bin as a percentage; empty if there is no such bin."""
    return next((f"{bins['actual']:.2%}" for bins in row["bins"] if bins["bin"] == label), "")
