"""Folding: a score with the same row and model as its lead's last one stretches that one, and is not kept again."""

import struct
from collections.abc import Iterable, Mapping
from hashlib import blake2b
from typing import NamedTuple

import msgspec

from leadscoring.ledger.segments import FALLBACK, REMOTE

BY_WHOM = FALLBACK | REMOTE
"""The flags by which scores of the same row may differ."""

MADE = struct.Struct("<dQB")


class Taken(NamedTuple):
    """A score as the tape has it, with what was computed from it; ``model`` is its number in the ledger."""

    time: int
    key: bytes
    name: str | None
    as_of: int | None
    model: int
    margin: float
    probability: float
    tier: str
    row: bytes
    unseen: str | None
    request: str | None
    flags: int
    digest: bytes


class Kept(msgspec.Struct, gc=False):
    """A score as the ledger has it, in the order of its columns; the number is given when all are folded."""

    number: int
    lead: int | None
    first_at: int
    last_at: int
    times: int
    as_of: int | None
    model: int
    margin: float
    probability: float
    tier: str
    row: bytes
    unseen: str | None
    request: str | None
    flags: int


class Lead(msgspec.Struct, gc=False):
    """A lead and its last score: as the ledger has them, or as they will be once what is folded is stored."""

    number: int
    score: int | None = None
    first_at: int = 0
    last_at: int = -1
    digest: bytes | None = None
    name: str | None = None
    fresh: Kept | None = None
    """The last score, if the ledger does not have it yet."""
    times: int = 0
    """How often the last score came again."""


class Stretch(NamedTuple):
    """How a score of the ledger is stretched."""

    number: int
    first_at: int
    last_at: int
    times: int


class Folded(NamedTuple):
    """What is to be stored: new scores, stretched ones, and leads with another last score than before."""

    scores: list[Kept]
    stretches: list[Stretch]
    leads: list[Lead]


def digest_of(row: bytes, model: int, margin: float, flags: int, unseen: str | None) -> bytes:
    """Returns 16 bytes that are the same for scores that fold: the row, what scored it, and what came of it."""
    made = blake2b(row, digest_size=16)
    made.update(MADE.pack(margin, model, flags & BY_WHOM))
    if unseen is not None:
        made.update(unseen.encode("utf-8", "surrogatepass"))
    return made.digest()


def fold(taken: Iterable[Taken], leads: Mapping[bytes, Lead]) -> Folded:
    """Folds scores, the earliest first, into those of their ``leads``, by key; a score without a key never folds.

    A score that was given before the last one of its lead, as one from a tape that was moved late, is kept beside it.
    """
    folded = Folded([], [], [])
    for one in taken:
        if not one.key:
            folded.scores.append(kept(one, None))
            continue
        lead = leads[one.key]
        if one.digest == lead.digest and one.time >= lead.first_at:
            lead.times += 1
            lead.last_at = max(lead.last_at, one.time)
            continue
        score = kept(one, lead.number)
        folded.scores.append(score)
        if one.time >= lead.last_at:
            settle(lead, folded.stretches)
            lead.fresh, lead.digest, lead.first_at, lead.last_at = score, one.digest, one.time, one.time
            lead.name = one.name or lead.name
    for lead in leads.values():
        settle(lead, folded.stretches)
        if lead.fresh is not None:
            folded.leads.append(lead)
    return folded


def kept(one: Taken, lead: int | None) -> Kept:
    """Returns the score as it is kept, for the first time."""
    return Kept(
        0, lead, one.time, one.time, 1, one.as_of, one.model, one.margin, one.probability, one.tier, one.row,
        one.unseen, one.request, one.flags,
    )  # fmt: skip


def settle(lead: Lead, stretches: list[Stretch]) -> None:
    """Ends the stretch of a lead's last score."""
    if not lead.times:
        return
    if lead.fresh is not None:
        lead.fresh.times += lead.times
        lead.fresh.last_at = lead.last_at
    else:
        assert lead.score is not None  # noqa: S101  # what is stretched is in the ledger
        stretches.append(Stretch(lead.score, lead.first_at, lead.last_at, lead.times))
    lead.times = 0
