"""What the ledger keeps of one lead, as it is shown and exported. Imports nothing of a database."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from leadscoring.lead import Direction, Tier

Moment = Annotated[str, Meta(description="In ISO 8601 and UTC.", extra_json_schema={"format": "date-time"})]
Probability = Annotated[float, Meta(ge=0, le=1)]
Value = float | int | bool | str | None


class ScoringModel(msgspec.Struct, frozen=True, gc=False):
    """The model of a score; ``sha256`` is that of its file."""

    name: str
    version: str
    sha256: str


class LeadReason(msgspec.Struct, frozen=True, gc=False):
    """One feature's exact contribution to the latest score, in log-odds.

    ``value`` is read back from the encoded row: a text that training had not seen, a date, an e-mail address or a list
    is null.
    """

    feature: str
    value: Value
    contribution: float
    direction: Direction


class Difference(msgspec.Struct, frozen=True, gc=False):
    """What one feature added to the difference of two margins, in log-odds; its value may be the same in both."""

    feature: str
    before: Value
    after: Value
    contribution: float


class Receipt(msgspec.Struct, frozen=True, gc=False):
    """Why a score differs from the one before it.

    Under one model the ``differences`` of all features add up to ``margin``, the difference of the margins, but for
    ``rest``: float32 arithmetic. A change of the model is not split into features: ``model_before`` names the other
    model, and ``differences`` is empty.
    """

    margin: Annotated[float, Meta(description="The margin minus the one before, in log-odds.")]
    model_before: ScoringModel | None
    differences: list[Difference]
    rest: float


class KeptScore(msgspec.Struct, frozen=True, gc=False):
    """A score as it was given, ``times`` times from ``first_at`` to ``last_at``, since nothing changed in between."""

    first_at: Moment
    last_at: Moment
    times: Annotated[int, Meta(ge=1)]
    model: ScoringModel
    margin: Annotated[float, Meta(description="In log-odds.")]
    raw_score: Probability
    tier: Tier
    as_of: Moment | None
    request_id: str | None
    fallback: Annotated[bool, Meta(description="Whether the fallback model scored instead of a remote model.")]
    receipt: Annotated[Receipt | None, Meta(description="Null for the first score.")]


class KeptOutcome(msgspec.Struct, frozen=True, gc=False):
    """An outcome as it was reported."""

    outcome: Literal["won", "lost", "open"]
    at: Moment
    received_at: Moment
    value: float | None
    source: Annotated[str, Meta(description="The label of the API key, or the name of the command.")]
    counts: Annotated[bool, Meta(description="Whether this is the outcome that counts: the latest one.")]


class TierChange(msgspec.Struct, frozen=True, gc=False):
    """The tier that is nearest to the latest score, in log-odds."""

    tier: Tier
    raw_score: Annotated[Probability, Meta(description="The probability at which that tier begins or ends.")]
    margin: Annotated[float, Meta(description="What the margin would have to change by, in log-odds.")]


class LeadRecord(msgspec.Struct, frozen=True, gc=False):
    """All that is kept of a lead.

    ``outcome`` is the outcome that counts; null if there is none, or if the lead was reopened. ``scores`` begin with
    the first one, and so do ``outcomes``. ``reasons`` are those of the latest score; null if its model cannot be
    loaded.
    """

    lead_id: str
    outcome: Literal["won", "lost"] | None
    contradictory: Annotated[bool, Meta(description="Whether it was won and lost without being reopened in between.")]
    objected_at: Moment | None
    score: KeptScore | None
    reasons: list[LeadReason] | None
    nearest_tier: TierChange | None
    earlier_scores: Annotated[int, Meta(ge=0, description="Scores before the first of `scores`: the latest are shown.")]
    scores: list[KeptScore]
    outcomes: list[KeptOutcome]


class Objection(msgspec.Struct, frozen=True, gc=False):
    """Whether a lead may be scored; ``objected_at`` is when its person objected."""

    lead_id: str
    objected_at: Moment | None


class Erased(msgspec.Struct, frozen=True, gc=False):
    """What was erased of a lead."""

    lead_id: str
    scores: int
    outcomes: int
    erased_at: Moment
