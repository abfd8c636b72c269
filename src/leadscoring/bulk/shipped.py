"""What each worker of a cluster needs to score its part of a table: the plan, and the model.

Importing this module imports neither numpy nor polars, so that a worker can set the number of their threads before.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from leadscoring.bulk.kept import names_beside
from leadscoring.contract import moment
from leadscoring.model.content import read_content
from leadscoring.model.file import AS_IT_IS, Opening, model_of
from leadscoring.model.loaded import LoadedModel

MADE = (
    "as_of",
    "probability",
    "tier",
    "bucket",
    "percentile",
    "model_version",
    "model_digest",
    "margin",
    "base_value",
    "remainder",
    "reasons",
    "warnings",
)
"""The columns that only leads which were scored have."""

REJECTED = "rejected"
"""The column with the faults of a rejected lead."""


class Plan(msgspec.Struct, frozen=True):
    """How a table is scored: the same for every worker, and for a part of the table that is scored again.

    ``path`` is where the model was read, for messages, and ``sha256`` that of its bytes. ``now`` is the moment of leads
    without one of their own, in microseconds since 1970. ``id`` and ``as_of`` are the columns with the ids and moments
    of leads, if any; ``columns`` are the columns that are handed on.
    """

    path: str
    sha256: str
    opening: Opening
    reasons: int
    details: bool
    now: int
    id: str | None = None
    as_of: str | None = None
    columns: tuple[str, ...] = ()

    @property
    def named(self) -> tuple[str, ...]:
        """The columns that a table must have, each once."""
        return tuple(dict.fromkeys(name for name in (self.id, self.as_of, *self.columns) if name is not None))

    @property
    def handed(self) -> dict[str, str]:
        """The columns that are handed on behind the scores, and their names there."""
        return names_beside({"id", REJECTED, *MADE}, self.columns)


class Shipment(NamedTuple):
    """A model as it is sent to workers: its bytes, how to score with it, and the model as it is opened here."""

    content: bytes
    plan: Plan
    loaded: LoadedModel


class Asked(NamedTuple):
    """What a caller asks for: see ``leadscoring.bulk.spark.score``."""

    reasons: int
    details: bool
    id: str | None
    as_of: int | str | None
    columns: Sequence[str]
    opening: Opening = AS_IT_IS


def shipment(model: str | Path, asked: Asked) -> Shipment:
    """Reads and opens a model, once, where the work is planned, and fixes the moment of scoring.

    Raises a ``ModelError`` if the file is not a model, and ``ValueError`` for options that do not fit.
    """
    reasons, as_of, columns = asked.reasons, asked.as_of, tuple(asked.columns)
    if type(reasons) is not int or reasons < 0:
        raise ValueError(f"reasons must be a whole number from 0 on, not {reasons!r}")
    if isinstance(asked.columns, str):
        raise TypeError(f"columns must be a list of names, such as [{asked.columns!r}], not a text")
    if twice := [name for name in columns if columns.count(name) > 1]:
        raise ValueError(f"columns must name each column once, not {twice[0]!r} twice")
    content = read_content(model)
    loaded = model_of(content, model, asked.opening)
    plan = Plan(
        str(model),
        loaded.sha256,
        asked.opening,
        min(reasons, len(loaded.card.contract)),
        asked.details,
        as_of if isinstance(as_of, int) else moment.now(),
        asked.id,
        as_of if isinstance(as_of, str) else None,
        columns,
    )
    return Shipment(content, plan, loaded)


def columns_read(loaded: LoadedModel) -> tuple[str, ...]:
    """The columns of a table that a model reads: those of its features, and those whose presence is a feature."""
    return tuple(dict.fromkeys((*loaded.names, *loaded.card.read_as.presence.values())))
