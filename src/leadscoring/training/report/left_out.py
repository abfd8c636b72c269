"""The columns that were left out, in the order of what matters: leaks, then columns with a signal, then empty ones."""

from collections.abc import Mapping
from typing import Any, NamedTuple

LEAK = ("a probable leak", "leaks the outcome")
LATE = ("after the moment at which a lead is scored", "which is after it", "which is after the lead's moment")
EMPTY = ("constant", "nearly constant", "all missing", "almost empty")
NAMED = ("the target", "the lead's identifier, as named", "the time of the lead, as named", "ignored, as asked")

SORTS = ("Probable leaks", "Others that may say something", "Constant or empty", "Named on the command line")


class LeftOut(NamedTuple):
    """One column: its sort, as a place in ``SORTS``, and why it was left out."""

    column: str
    sort: int
    why: str


def sort_of(why: str) -> int:
    """Returns the sort of a reason."""
    if why.startswith(LEAK) or any(words in why for words in LATE):
        return 0
    return 2 if why.startswith(EMPTY) else 3 if why in NAMED else 1


def probable_leaks(dropped: Mapping[str, str]) -> list[str]:
    """Returns the columns that were left out since they are known, or changed, only after the outcome."""
    return [name for name, why in dropped.items() if sort_of(why) == 0]


def left_out(dropped: Mapping[str, str], evidence: list[dict[str, Any]]) -> list[LeftOut]:
    """Returns the columns that were left out, those that matter most first; leaks by their ROC-AUC alone."""
    alone = {one["column"]: abs(one["roc_auc_alone"] - 0.5) for one in evidence}
    every = [LeftOut(column, sort_of(why), why) for column, why in dropped.items()]
    return sorted(every, key=lambda one: (one.sort, -alone.get(one.column, 0.0)))
