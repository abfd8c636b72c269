"""One outcome of a lead: what a caller reports, and how it is checked. Imports nothing of a database."""

import re
from collections.abc import Sequence
from time import time_ns
from typing import Annotated, Any, Literal, TypeGuard, get_args

import msgspec
from msgspec import Meta

from leadscoring.contract.moment import SECOND, moment_of
from leadscoring.errors import Fault, InvalidOutcome
from leadscoring.lead import LEAD_ID_LENGTH, LEAD_ID_MAX, id_text

Kind = Literal["won", "lost", "open"]
KINDS: tuple[Kind, ...] = get_args(Kind)

EVENT_LENGTH = 256
"""Maximum number of characters of the id of an outcome."""

AHEAD = 86_400 * SECOND
"""How far in the future an outcome may lie, in microseconds: clocks differ, and a date may be that of another zone."""

ZONED = re.compile(r"(?:Z|z|[+-]\d{2}(?::?\d{2})?)\s*$").search
AT_ALLOWED = "a time with its zone, such as 2026-01-31T10:00:00Z, at most a day ahead"
WORDS = "won, lost or open"
ID_ALLOWED = f"a text of 1 to {EVENT_LENGTH} characters"
VALUE_ALLOWED = "a number below 1e300"
LEAD_ID_ALLOWED = f"a text of 1 to {LEAD_ID_LENGTH} characters, or a whole number from 0 to {LEAD_ID_MAX}"


class Outcome(msgspec.Struct, frozen=True, gc=False):
    """What came of a lead at a moment, ``at``, in microseconds since 1970 in UTC.

    ``open`` takes back what came before it. ``id`` is the caller's id of this event; without one, the same lead, kind
    and moment are the same event. ``value`` is an amount of money, or whatever else the caller measures.
    """

    lead_id: str
    outcome: Kind
    at: int
    id: str | None = None
    value: float | None = None


class SentOutcome(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, rename={"id_": "id"}):
    """What came of a lead, as it is sent."""

    lead_id: Annotated[
        Annotated[str, Meta(min_length=1, max_length=LEAD_ID_LENGTH)] | Annotated[int, Meta(ge=0, le=LEAD_ID_MAX)],
        Meta(description="Your id of the lead, as in requests to score it."),
    ]
    outcome: Annotated[Kind, Meta(description="`open` takes back what came before: the lead is open again.")]
    at: Annotated[
        str,
        Meta(description="When it happened, with a time zone.", extra_json_schema={"format": "date-time"}),
    ]
    id_: Annotated[
        Annotated[str, Meta(min_length=1, max_length=EVENT_LENGTH)] | None,
        Meta(description="Your id of this event; by default its lead, outcome and time identify it."),
    ] = None
    value: Annotated[float | None, Meta(description="Such as the amount of the deal.")] = None


class Place(msgspec.Struct, frozen=True, gc=False):
    """An outcome that the ledger holds.

    ``repeated`` means that it did before. ``scored`` says whether the ledger has a score of this lead.
    """

    lead_id: str
    status: Literal["recorded", "repeated"]
    scored: bool


def now() -> int:
    """The current moment in microseconds since 1970."""
    return time_ns() // 1000


def outcome_of(sent: Any, received_at: int) -> Outcome:
    """Checks an outcome as decoded from JSON; raises ``InvalidOutcome`` with everything that is wrong with it.

    ``received_at`` is the moment of the request, in microseconds since 1970.
    """
    if not isinstance(sent, dict):
        raise InvalidOutcome([fault("", "an outcome", sent, "an object with lead_id, outcome and at")])
    reading = Reading(sent, received_at)
    lead_id, kind, at = reading.lead_id(), reading.kind(), reading.at()
    event, value = reading.id(), reading.value()
    faults = [*reading.faults, *unknown(sent)]
    if faults or lead_id is None or kind is None or at is None:
        raise InvalidOutcome(faults, lead_id)
    return Outcome(lead_id, kind, at, event, value)


class Reading:
    """Reads the fields of one outcome, and collects their faults."""

    def __init__(self, sent: dict[str, Any], received_at: int) -> None:
        self._sent = sent
        self._received_at = received_at
        self.faults: list[Fault] = []

    def lead_id(self) -> str | None:
        """The id of the lead as text."""
        value = self._sent.get("lead_id")
        if is_text(value, LEAD_ID_LENGTH):
            return value
        if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= LEAD_ID_MAX:
            try:
                return id_text(value)
            except ValueError:
                pass
        self._wrong("lead_id", LEAD_ID_ALLOWED)
        return None

    def kind(self) -> Kind | None:
        """What happened."""
        value = self._sent.get("outcome")
        for kind in KINDS:
            if value == kind:
                return kind
        self._wrong("outcome", WORDS)
        return None

    def at(self) -> int | None:
        """When it happened."""
        value = self._sent.get("at")
        if isinstance(value, str) and (at := zoned_moment(value)) is not None and at <= self._received_at + AHEAD:
            return at
        self._wrong("at", AT_ALLOWED)
        return None

    def id(self) -> str | None:
        """The caller's id of the event, if there is one."""
        value = self._sent.get("id")
        if value is None or is_text(value, EVENT_LENGTH):
            return value
        self._wrong("id", ID_ALLOWED)
        return None

    def value(self) -> float | None:
        """The amount, if there is one."""
        value = self._sent.get("value")
        if value is None:
            return None
        if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e300:
            return float(value)
        self._wrong("value", VALUE_ALLOWED)
        return None

    def _wrong(self, name: str, allowed: str) -> None:
        self.faults.append(fault(f"/{name}", name, self._sent.get(name, msgspec.UNSET), allowed))


def is_text(value: object, limit: int) -> TypeGuard[str]:
    """Whether a value is a text of 1 to ``limit`` characters, without halves of surrogate pairs."""
    return isinstance(value, str) and 1 <= len(value) <= limit and not any("\ud800" <= one <= "\udfff" for one in value)


def zoned_moment(text: str) -> int | None:
    """Microseconds since 1970 of a time with its zone; ``None`` for any other text."""
    if ZONED(text) is None or "T" not in text.upper().strip().replace(" ", "T", 1):
        return None
    try:
        return moment_of(text.strip())
    except ValueError:
        return None


def fault(path: str, name: str, value: Any, allowed: str) -> Fault:
    """One error of an outcome."""
    if value is msgspec.UNSET:
        return Fault(path, f"{name} is required: {allowed}", None, allowed)
    shown = repr(value)[:80]  # never half a surrogate pair, which no answer could hold
    return Fault(path, f"{name} must be {allowed}, not {shown}", value if is_simple(value) else None, allowed)


def is_simple(value: object) -> bool:
    """Whether a value that is wrong can be repeated in the answer: a short text, a number, true or false."""
    if isinstance(value, str):
        return is_text(value, 80)
    return isinstance(value, bool) or (isinstance(value, int | float) and abs(value) <= LEAD_ID_MAX)


def whole(text: str) -> str:
    """Returns a text that can be encoded: halves of surrogate pairs, which JSON may hold, as their escapes."""
    return text.encode("utf-8", "backslashreplace").decode()


def unknown(sent: dict[str, Any], known: Sequence[str] = ("lead_id", "outcome", "at", "id", "value")) -> list[Fault]:
    """The errors for fields that an outcome does not have."""
    allowed = ", ".join(known)
    return [
        Fault(f"/{whole(name)}"[:80], f"unknown field {name[:80]!r} (allowed: {allowed})", None, allowed)
        for name in sent
        if name not in known
    ]
