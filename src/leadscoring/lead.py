"""The domain's values: a lead and its score.

These are also the types of the API: responses are these structs, encoded as JSON.
"""

from typing import Any, Literal

import msgspec
from msgspec import UNSET, UnsetType

LEAD_ID_LENGTH = 256
"""Maximum number of characters of an id."""

LEAD_ID_MAX = 2**53 - 1
"""The largest whole number allowed as an id: some JSON parsers change the digits of larger ones."""

LEAD_BYTES = 524288
"""Minimum size limit of one lead in bytes; a contract of more than 2,048 features allows 256 bytes per feature."""

Tier = Literal["A", "B", "C", "D", "E"]
ServedBy = Literal["local", "sagemaker", "azure"]
"""Every provider by the name that MODEL_ENDPOINT_PROVIDER has for it; ``providers.table`` has the row of each."""

Direction = Literal["increases", "decreases"]


class Lead(msgspec.Struct, frozen=True, gc=False):
    """A lead that conforms to its contract: ``values`` in contract order; ``None`` or ``UNSET`` means unknown.

    ``as_of`` is the moment as of which it is scored, in microseconds since 1970 in UTC; ``None`` if its score does not
    depend on one.
    """

    lead_id: str
    values: tuple[Any, ...]
    as_of: int | None = None


class Reason(msgspec.Struct, frozen=True, gc=False):
    """Why a lead has its score: one feature's exact contribution to the margin, in log-odds.

    ``aspect`` describes what about the value mattered most; it is present if the model looks at several aspects of
    such a value. A long ``value`` is shortened.
    """

    feature: str
    value: float | int | bool | str | list[str] | None
    contribution: float
    direction: Direction
    aspect: str | UnsetType = UNSET


class Ranking(msgspec.Struct, frozen=True, gc=False):
    """The definition of the tiers, A to E."""

    tier_definition: dict[str, str]


class Score(msgspec.Struct, gc=False):
    """How likely a lead is to convert.

    ``raw_score`` is the calibrated probability, 0..1. ``tier`` is A (best) to E, and ``bucket`` is the same as a
    number, 5 (best) to 1. ``percentile`` is the percentage of past leads, 0..100, with a lower score.
    """

    raw_score: float
    bucket: int
    tier: Tier
    percentile: float | None
    ranking: Ranking | UnsetType = UNSET


class Explanation(msgspec.Struct, frozen=True, gc=False):
    """How the score adds up, in log-odds: ``base_value`` + the reasons' contributions + ``remainder`` = ``margin``."""

    base_value: float
    remainder: float
    margin: float


class Warned(msgspec.Struct, frozen=True, gc=False):
    """A warning about a lead that was scored nevertheless.

    ``feature`` is the feature that it concerns, or null.
    """

    code: Literal[
        "unseen_category", "rare_category", "future_date", "reasons_unavailable", "text_converted", "unknown_ignored"
    ]
    feature: str | None
    message: str


class LenientLead(Lead, frozen=True, gc=False):
    """A lead that was changed to conform to its contract, with the warnings that list the changes."""

    warned: tuple[Warned, ...] = ()


class Model(msgspec.Struct, frozen=True, gc=False):
    """The model that scored the lead; ``served_by`` is where it runs, with a remote provider."""

    name: str
    version: str
    served_by: ServedBy | UnsetType = UNSET


class Timing(msgspec.Struct, frozen=True, gc=False):
    """Time from reading the whole request to having the response ready, in milliseconds."""

    latency_ms: float


class Scored(msgspec.Struct, gc=False):
    """The response for one lead.

    ``reasons`` are in descending order of strength; they are null if they are unavailable, and a warning says why.
    ``as_of`` is the moment as of which the lead was scored, in ISO 8601 and UTC; it is present if the model has dates.
    ``explanation``, ``timing`` and ``api_version`` are present only if details are requested, ``degraded`` only if
    the fallback model scored instead of a remote model.
    """

    request_id: str
    model: Model
    lead_id: str
    score: Score
    reasons: list[Reason] | None
    warnings: list[Warned]
    as_of: str | UnsetType = UNSET
    explanation: Explanation | UnsetType = UNSET
    timing: Timing | UnsetType = UNSET
    api_version: str | UnsetType = UNSET
    degraded: bool | UnsetType = UNSET


def id_text(lead_id: str | float) -> str:
    """A lead's id as it appears in responses: ``12345``, ``12345.0`` and ``"12345"`` are the same id.

    Raises ``ValueError`` for a number that is not whole, such as 0.5.
    """
    if isinstance(lead_id, str):
        return lead_id
    if lead_id % 1:
        raise ValueError(lead_id)
    return str(int(lead_id))
