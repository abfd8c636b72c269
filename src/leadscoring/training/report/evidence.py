"""The evidence of the leak guard in plain words: suspects first, then what is beyond doubt."""

from collections.abc import Mapping, Sequence
from typing import Any

HEAD = ("column", "verdict", "alone", "with it", "without it", "filled in: converted / others")
"""The columns of the table; figures from the third on."""

UNMEASURED = "\N{EN DASH}"


def by_suspicion(every: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Returns suspects that were left out first, then those that were kept, then the others by their ROC-AUC alone."""
    return sorted(every, key=lambda one: (not one["left_out"], not one["signs"], -one["roc_auc_alone"]))


def verdict_text(one: Mapping[str, Any]) -> str:
    """Describes why a column is a suspect, and what was done about it."""
    signs = "; ".join(one["signs"])
    if one["left_out"]:
        return f"left out: {signs}"
    return f"kept, because {one['because']}, although {signs}" if signs else "no sign of a leak"


def evidence_row(one: Mapping[str, Any]) -> list[str]:
    """Formats the evidence on a column as the cells of ``HEAD``."""
    figures = [one["roc_auc_alone"], one["roc_auc_with"], one["roc_auc_without"]]
    return [
        one["column"],
        verdict_text(one),
        *(UNMEASURED if figure is None else f"{figure:.3f}" for figure in figures),
        " / ".join(f"{share:.0%}" for share in one["filled"]),
    ]
