"""What each worker of a cluster needs to score its part of a table: the plan, and the model, checked where it arrives.

Importing this module imports neither numpy nor polars, so that a worker can set the number of their threads before.
"""

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from leadscoring.contract import moment
from leadscoring.errors import ModelMisdelivered
from leadscoring.model.content import read_content
from leadscoring.model.file import AS_IT_IS, Opening, model_of
from leadscoring.model.loaded import LoadedModel

if TYPE_CHECKING:
    from leadscoring.bulk.arrow_batches import BatchScorer

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

SCORERS = 4
"""How many plans a worker holds ready: those of the models that it scores with at the same time."""


class Plan(msgspec.Struct, frozen=True):
    """How a table is scored: the same for every worker, and for a part of the table that is scored again.

    ``path`` is where the model was read, for messages, and ``sha256`` that of its bytes. ``now`` is the moment of leads
    without one of their own, in microseconds since 1970. ``id`` and ``as_of`` are the columns with the ids and moments
    of leads, if any; ``keep`` are the columns that are handed on.
    """

    path: str
    sha256: str
    opening: Opening
    reasons: int
    details: bool
    now: int
    id: str | None = None
    as_of: str | None = None
    keep: tuple[str, ...] = ()

    @property
    def named(self) -> tuple[str, ...]:
        """The columns that a table must have, each once."""
        return tuple(dict.fromkeys(name for name in (self.id, self.as_of, *self.keep) if name is not None))

    @property
    def handed(self) -> dict[str, str]:
        """The columns that are handed on behind the scores, and their names there."""
        taken = {"id", REJECTED, *MADE}
        return {name: f"input_{name}" if name in taken else name for name in self.keep}


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
    keep: Sequence[str]
    opening: Opening = AS_IT_IS


def shipment(model: str | Path, asked: Asked) -> Shipment:
    """Reads and opens a model, once, where the work is planned, and fixes the moment of scoring.

    Raises a ``ModelError`` if the file is not a model, and ``ValueError`` for options that do not fit.
    """
    reasons, as_of, keep = asked.reasons, asked.as_of, tuple(asked.keep)
    if type(reasons) is not int or reasons < 0:
        raise ValueError(f"reasons must be a whole number from 0 on, not {reasons!r}")
    if isinstance(asked.keep, str):
        raise TypeError(f"keep must be a list of names, such as [{asked.keep!r}], not a text")
    if twice := [name for name in keep if keep.count(name) > 1]:
        raise ValueError(f"keep must name each column once, not {twice[0]!r} twice")
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
        keep,
    )
    return Shipment(content, plan, loaded)


def columns_read(loaded: LoadedModel) -> tuple[str, ...]:
    """The columns of a table that a model reads: those of its features, and those whose presence is a feature."""
    return tuple(dict.fromkeys((*loaded.names, *loaded.card.read_as.presence.values())))


_ready: OrderedDict[bytes, "BatchScorer"] = OrderedDict()


def scorer_of(plan: Plan, fetch: Callable[[], bytes]) -> "BatchScorer":
    """Returns the scorer of a plan, opened once in each process; ``fetch`` returns the bytes of the model.

    Raises ``ModelMisdelivered`` unless these are the bytes that were sent.
    """
    key = msgspec.msgpack.encode(plan)
    if key not in _ready:
        _ready[key] = made(plan, fetch())
        if len(_ready) > SCORERS:
            _ready.popitem(last=False)
    _ready.move_to_end(key)
    return _ready[key]


def made(plan: Plan, content: bytes) -> "BatchScorer":
    """Opens a model where it has arrived."""
    got = hashlib.sha256(content).hexdigest()
    if got != plan.sha256:
        raise ModelMisdelivered(plan.path, plan.sha256, got, len(content))
    from leadscoring.bulk.arrow_batches import BatchScorer

    return BatchScorer(model_of(content, plan.path, plan.opening), plan)
