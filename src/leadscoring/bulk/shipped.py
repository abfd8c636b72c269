"""What each worker of a cluster needs to score its part of a table: the plan, and the model, checked where it arrives.

Importing this module imports neither numpy nor polars, so that a worker can set the number of their threads before.
"""

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from leadscoring.contract import moment
from leadscoring.contract.moment import EPOCH
from leadscoring.errors import ModelMisdelivered, ScoringTableError
from leadscoring.model.content import read_content
from leadscoring.model.file import AS_IT_IS, Opening, model_of
from leadscoring.model.loaded import LoadedModel

if TYPE_CHECKING:
    from leadscoring.bulk.arrow_batches import BatchScorer

OWN = (
    "id",
    "as_of",
    "probability",
    "tier",
    "bucket",
    "percentile",
    "model_version",
    "model_sha256",
    "reasons",
    "warnings",
    "rejected",
)
"""The columns that scoring makes; a kept column may have none of these names."""

WITH_FAULTS = ("id", "rejected")
"""Those of them that a rejected lead has."""

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
    now: int
    id: str | None = None
    as_of: str | None = None
    keep: tuple[str, ...] = ()

    @property
    def named(self) -> tuple[str, ...]:
        """The columns that a table must have, each once."""
        return tuple(dict.fromkeys(name for name in (self.id, self.as_of, *self.keep) if name is not None))


class Shipment(NamedTuple):
    """A model as it is sent to workers: its bytes, how to score with it, and the model as it is opened here."""

    content: bytes
    plan: Plan
    loaded: LoadedModel


def shipment(
    model: str | Path,
    reasons: int,
    id: str | None,  # noqa: A002  # the name of the column in the output
    as_of: str | datetime | None,
    keep: Sequence[str],
    opening: Opening = AS_IT_IS,
) -> Shipment:
    """Reads and opens a model, once, where the work is planned, and fixes the moment of scoring.

    ``as_of`` is a moment, or the name of a column with the moment of each lead. Raises a ``ModelError`` if the file is
    not a model, and ``ScoringTableError`` for options that do not fit.
    """
    if isinstance(reasons, bool) or not isinstance(reasons, int) or reasons < 0:
        raise ScoringTableError(f"reasons must be a whole number from 0 on, not {reasons!r}")
    kept = (keep,) if isinstance(keep, str) else tuple(keep)
    if taken := [name for name in kept if name in OWN]:
        raise ScoringTableError(f"keep must not name {taken[0]!r}: scoring makes a column of that name; rename yours")
    if twice := [name for name in kept if kept.count(name) > 1]:
        raise ScoringTableError(f"keep names {twice[0]!r} twice")
    content = read_content(model)
    loaded = model_of(content, model, opening)
    stated = moment_stated(as_of)
    plan = Plan(
        str(model),
        loaded.sha256,
        opening,
        reasons,
        moment.now() if stated is None else stated,
        id,
        as_of if isinstance(as_of, str) and stated is None else None,
        kept,
    )
    return Shipment(content, plan, loaded)


def moment_stated(as_of: str | datetime | None) -> int | None:
    """Returns the moment that ``as_of`` states, in microseconds since 1970; ``None`` for none, or a column."""
    if isinstance(as_of, datetime):
        if as_of.tzinfo is None:
            raise ScoringTableError(f"as_of must be a time with a zone, not {as_of.isoformat()}: datetime(..., tzinfo=UTC)")
        return (as_of.astimezone(UTC) - EPOCH) // timedelta(microseconds=1)
    try:
        return None if as_of is None else moment.moment_of(as_of)
    except ValueError:
        return None


def columns_read(loaded: LoadedModel) -> tuple[str, ...]:
    """The columns of a table that a model reads: those of its features, and those whose presence is a feature."""
    return tuple(dict.fromkeys((*loaded.names, *loaded.card.read_as.presence.values())))


def check_columns(names: Sequence[str], plan: Plan, loaded: LoadedModel) -> None:
    """Raises ``ScoringTableError`` if a table lacks a column that was asked for, or all that the model reads."""
    if absent := [name for name in plan.named if name not in names]:
        raise ScoringTableError(f"the table has no column {absent[0]!r}: its columns are {listed(names)}")
    read = columns_read(loaded)
    used = (*plan.named, *read)
    if twice := [name for name in used if list(names).count(name) > 1]:
        raise ScoringTableError(f"the table has the column {twice[0]!r} twice")
    if not set(read) & set(names):
        raise ScoringTableError(
            f"the table has none of the columns that {loaded.identity.name} {loaded.identity.version} reads "
            f"({listed(read)}): its columns are {listed(names)}"
        )


def listed(names: Sequence[str]) -> str:
    """Names for a message: the first ten."""
    more = f" and {len(names) - 10} more" if len(names) > 10 else ""
    return ", ".join(map(repr, names[:10])) + more


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
