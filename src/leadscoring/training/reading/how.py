"""How to parse single columns, as specified by the user: ``--read COLUMN=HOW``."""

from collections.abc import Iterable
from typing import get_args

import msgspec

from leadscoring.contract.kinds import KINDS
from leadscoring.errors import TrainingDataError
from leadscoring.model.reading import DayOrder, Notation
from leadscoring.training.reading.missing import hint
from leadscoring.training.reading.notation import SAMPLES

ALLOWED = (*KINDS, *SAMPLES, *get_args(DayOrder))


class How(msgspec.Struct, frozen=True):
    """What the user specified for a column: its kind, its number notation, or the order of day and month."""

    kind: str | None = None
    notation: Notation | None = None
    first: DayOrder | None = None


def parse_how(options: Iterable[str], columns: Iterable[str]) -> dict[str, How]:
    """Parses the ``--read`` options: what is specified for each column.

    Raises ``TrainingDataError`` for an unknown column or an invalid value.
    """
    known = list(columns)
    specified: dict[str, How] = {}
    for option in options:
        name, sign, way = option.rpartition("=")
        if not sign or name not in known:
            raise TrainingDataError(
                f"--read takes COLUMN=HOW with a column of the data, not {option!r}{hint(name or option, known)}"
            )
        specified[name] = how(name, way.strip())
    return specified


def how(name: str, way: str) -> How:
    """Parses one value of ``--read``. Raises ``TrainingDataError`` if it is invalid."""
    if way in SAMPLES:
        return How(notation=SAMPLES[way])
    if way in get_args(DayOrder):
        return How(first=way)  # type: ignore[arg-type]  # checked in the condition
    if way in KINDS:
        return How(kind=way)
    raise TrainingDataError(f"--read {name!r} must be one of {', '.join(map(repr, ALLOWED))}, not {way!r}")
