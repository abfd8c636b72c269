"""Formats the metrics and columns of a report as text, for the terminal and the page."""

from collections.abc import Sequence
from typing import Any

import msgspec

from leadscoring.model.card import in_percent
from leadscoring.quality.figure import Figure

FIGURE = ("value", "low", "high")


def figure_text(figure: dict[str, float | None] | Figure, percent: bool = False) -> str:
    """Formats a value with its interval."""
    plain = msgspec.to_builtins(figure)
    if plain["value"] is None:
        return "no leads"
    value, low, high = ((in_percent([plain[key]])[0] if percent else f"{plain[key]:.3f}") for key in FIGURE)
    return f"{value} ({low} to {high})"


FIGURES = (
    (
        "roc_auc",
        "ROC-AUC",
        "probability that a lead that converted scores above one that did not; 0.5 is random, 1 is perfect",
    ),
    ("pr_auc", "PR-AUC", "average precision over all thresholds; a random ranking scores the conversion rate"),
    ("log_loss", "log-loss", "mean negative log-likelihood of the outcomes; lower is better"),
    ("brier", "Brier score", "mean squared error of the probability; lower is better"),
    ("calibration_error", "calibration error", "average gap between predicted and observed rate in ten equal groups"),
)
PERFECT = (
    "perfect_calibration_error",
    "perfect calibration",
    "calibration error of a perfectly calibrated model on as many leads, which is due to chance alone",
)


def calibration_text(quality: dict[str, Any]) -> str:
    """Describes the calibration error that chance alone would cause on as many leads."""
    perfect = figure_text(quality[PERFECT[0]], percent=True)
    return f"a perfectly calibrated model would show {perfect} on {quality['rows']:,} leads"


def capital(words: str) -> str:
    """Returns a sentence with a capital letter."""
    return words[:1].upper() + words[1:]


def percent(share: float, digits: int = 1) -> str:
    """Formats a share as a percentage; not quite 0 and 100 % stay distinct from them."""
    return in_percent([share])[0] if digits else f"{share:.0%}"


def span_text(figure: dict[str, float | None] | Figure, form: str) -> str:
    """Formats the 95 % interval of a figure."""
    plain = msgspec.to_builtins(figure)
    return f"{form.format(plain['low'])} to {form.format(plain['high'])}"


def column_text(column: dict[str, Any]) -> str:
    """Describes how a column was interpreted."""
    words = [column["kind"]]
    if "values" in column:
        words.append(f"{len(column['values'])} values" + (" and other" if column["other"] else ""))
    words += [f"read as {listed(column['columns'])}"] if column.get("columns") else []
    words += ["may be in the future"] if column.get("planned") else []
    words += [
        f"{word} {column[key]:g}" for key, word in (("minimum", "from"), ("maximum", "to")) if column[key] is not None
    ]
    words.append("required" if column["required"] else "optional")
    return ", ".join(words)


def listed(columns: Sequence[str]) -> str:
    """Lists the columns of a feature, those of one sort together."""
    sorts: dict[str, list[str]] = {}
    for column in columns:
        sort, _, of = column.partition(" ")
        sorts.setdefault(sort, []).append(of)
    return "; ".join(f"{sort} {', '.join(map(repr, of))}" if any(of) else sort for sort, of in sorts.items())


def tokens_text(counts: dict[str, int]) -> str:
    """Lists missing tokens with their counts."""
    return ", ".join(f"{token!r} {count} times" for token, count in counts.items())


def other_scores(measured: Sequence[float], of_file: Sequence[float], where: str) -> str:
    """Why the tiers of the model file begin at other scores than those that were measured; empty if they do not."""
    if list(measured) == list(of_file):
        return ""
    return (
        f"They begin at slightly other scores than those {where}: those are of the model that was evaluated, which did "
        "not see the held-out leads, and the file has the model of all leads."
    )
