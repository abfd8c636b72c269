"""The values of the domain: a lead that came in, and what is said of it.

These are the wire's own types: what the service answers is one of these, encoded.
"""

from typing import Any, Literal

import msgspec
from msgspec import UNSET, UnsetType

LEAD_ID_LENGTH = 256
"""Characters of an id, at most."""

LEAD_ID_MAX = 2**53 - 1
"""The largest whole number that may be an id: beyond it some JSON readers change the digits before we see them."""

LEAD_BYTES = 524288
"""Bytes of one lead that may always be sent; a contract of more than 2,048 features allows 256 for each."""

Tier = Literal["A", "B", "C", "D", "E"]
Direction = Literal["increases", "decreases"]


class Lead(msgspec.Struct, frozen=True, gc=False):
    """One lead that its contract accepts: ``values`` in contract order, ``None`` or ``UNSET`` is unknown."""

    lead_id: str
    values: tuple[Any, ...]


class Reason(msgspec.Struct, frozen=True, gc=False):
    """Why a score is what it is: one feature's exact share of the margin, in log-odds."""

    feature: str
    value: float | int | bool | str | None
    contribution: float
    direction: Direction


class Ranking(msgspec.Struct, frozen=True, gc=False):
    """What the tiers mean, A to E."""

    tier_definition: dict[str, str]


class Score(msgspec.Struct, gc=False):
    """How likely a lead is to convert.

    ``raw_score`` is the calibrated probability, 0..1; ``tier`` A (best) to E; ``bucket`` 5 (best)
    to 1, the same as a number; ``percentile`` the share of past leads, 0..100, that score lower.
    """

    raw_score: float
    bucket: int
    tier: Tier
    percentile: float | None
    ranking: Ranking | UnsetType = UNSET


class Explanation(msgspec.Struct, frozen=True, gc=False):
    """How the reasons add up, in log-odds: ``base_value`` + shown contributions + ``remainder`` = ``margin``."""

    base_value: float
    remainder: float
    margin: float


class Warned(msgspec.Struct, frozen=True, gc=False):
    """Something that the caller should know of a score that was given all the same.

    ``feature`` is the one that it is about, if it is about one.
    """

    code: Literal["unseen_category", "rare_category", "reasons_unavailable", "text_converted", "unknown_ignored"]
    feature: str | None
    message: str


class LenientLead(Lead, frozen=True, gc=False):
    """A lead that had to be changed before its contract accepted it, and what was changed."""

    warned: tuple[Warned, ...]


class Model(msgspec.Struct, frozen=True, gc=False):
    """Which model answered; ``served_by`` says where, with a remote provider."""

    name: str
    version: str
    served_by: Literal["local", "sagemaker", "azure"] | UnsetType = UNSET


class Timing(msgspec.Struct, frozen=True, gc=False):
    """How long the service took, from the whole request read to the answer ready."""

    latency_ms: float


class Scored(msgspec.Struct, gc=False):
    """The answer for one lead.

    ``reasons`` come strongest first; they are ``None`` when they cannot be had, and a warning says why.
    ``explanation``, ``timing`` and ``api_version`` stand in it only when details were asked for, ``degraded`` only
    when the fallback answered for a remote model.
    """

    request_id: str
    model: Model
    lead_id: str
    score: Score
    reasons: list[Reason] | None
    warnings: list[Warned]
    explanation: Explanation | UnsetType = UNSET
    timing: Timing | UnsetType = UNSET
    api_version: str | UnsetType = UNSET
    degraded: bool | UnsetType = UNSET


def id_text(lead_id: str | float) -> str:
    """A lead's id as it is answered: ``12345``, ``12345.0`` and ``"12345"`` are one. Raises ``ValueError`` for 0.5."""
    if isinstance(lead_id, str):
        return lead_id
    if lead_id % 1:
        raise ValueError(lead_id)
    return str(int(lead_id))
