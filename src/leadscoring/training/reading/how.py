"""How single columns are to be read where the user says so: ``--read COLUMN=HOW``."""

from collections.abc import Iterable
from typing import get_args

import msgspec

from leadscoring.contract.kinds import KINDS
from leadscoring.errors import TrainingDataError
from leadscoring.model.reading import Notation
from leadscoring.training.reading.missing import hint
from leadscoring.training.reading.moments import First
from leadscoring.training.reading.notation import SAMPLES

ALLOWED = (*KINDS, *SAMPLES, *get_args(First))


class How(msgspec.Struct, frozen=True):
    """What the user said of one column: its kind, how its numbers are written, or what stands first in its dates."""

    kind: str | None = None
    notation: Notation | None = None
    first: First | None = None


def parse_how(given: Iterable[str], columns: Iterable[str]) -> dict[str, How]:
    """What the caller asked for each column.

    Raises ``TrainingDataError`` for a column that is not there, or a way that is none.
    """
    known = list(columns)
    found: dict[str, How] = {}
    for one in given:
        name, sign, way = one.rpartition("=")
        if not sign or name not in known:
            raise TrainingDataError(
                f"--read takes COLUMN=HOW with a column of the data, not {one!r}{hint(name or one, known)}"
            )
        found[name] = how(name, way.strip())
    return found


def how(name: str, way: str) -> How:
    """One way of reading a column."""
    if way in SAMPLES:
        return How(notation=SAMPLES[way])
    if way in get_args(First):
        return How(first=way)  # type: ignore[arg-type]  # one of its words, as looked up
    if way in KINDS:
        return How(kind=way)
    raise TrainingDataError(f"--read {name!r} must be one of {', '.join(map(repr, ALLOWED))}, not {way!r}")
