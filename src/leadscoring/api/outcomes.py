"""``POST /api/v1/outcomes``: what came of leads, recorded in the ledger."""

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NoReturn

import msgspec

from leadscoring._engine import Split
from leadscoring.api.parameters import takes_none
from leadscoring.errors import (
    BatchTooLarge,
    Fault,
    InvalidOutcome,
    LeadErased,
    MalformedJson,
    OutcomeConflict,
    RequestError,
)
from leadscoring.ledger.on_demand import LedgerOnDemand
from leadscoring.ledger.outcome import Outcome, Place, now, outcome_of, whole
from leadscoring.settings import Settings
from leadscoring.transport.admission import Admission
from leadscoring.transport.compression import unpacked
from leadscoring.transport.exchange import Exchange, Reply
from leadscoring.transport.failures import Refused, refused

if TYPE_CHECKING:
    from leadscoring.ledger.database import Ledger
    from leadscoring.ledger.lead_key import LeadKeys

Answer = Place | OutcomeConflict | LeadErased

STRETCH = 1 << 20
"""Bytes scanned at once: other threads go on in between."""


class Outcomes:
    """The route to which outcomes are sent."""

    def __init__(self, ledger: LedgerOnDemand, settings: Settings, admission: Admission) -> None:
        self._ledger = ledger
        self._admission = admission
        self._max_body_bytes = settings.max_body_bytes
        self._max_batch_size = settings.max_batch_size
        self._plain = settings.ledger_lead_ids == "plain"

    async def record(self, exchange: Exchange) -> Reply:
        """Records the outcome, or the outcomes, in the body; when it answers, they are committed."""
        takes_none(exchange)
        body = await exchange.json_body(self._max_body_bytes)
        if exchange.content_encoding is not None:
            body = await unpacked(exchange, body, self._max_body_bytes, self._admission)
        source = exchange.key or ""

        def work(ledger: "Ledger", keys: "LeadKeys") -> bytes:
            from leadscoring.ledger.outcomes import record

            def recorded(outcomes: list[Outcome]) -> list[Answer]:
                return record(ledger, keys, outcomes, source, self._plain) if outcomes else []

            received_at = now()
            texts = elements(body, self._max_batch_size)
            if texts is not None:
                places = [checked(text, received_at) for text in texts]
                each = iter(recorded([place for place in places if isinstance(place, Outcome)]))
                return msgspec.json.encode([shown(place, each) for place in places])
            (answer,) = recorded([outcome_of(decoded(body), received_at)])
            if isinstance(answer, RequestError):
                raise answer
            return msgspec.json.encode(answer)

        return Reply(200, await self._ledger.run(work))


def elements(body: bytes, limit: int) -> list[bytes] | None:
    """The elements of an array as they are sent; ``None`` for any other body.

    Raises ``BatchTooLarge`` if there are more than ``limit``, before any is decoded.
    """
    split = Split(body, limit)
    while not split.step(STRETCH):
        pass
    if not split.sound:
        return None
    if split.count > limit:
        raise BatchTooLarge(split.count, limit)
    places = (split.element(place) for place in range(split.count))
    return [body[begin:end] for begin, end, _ in places]


def decoded(text: bytes) -> Any:
    """The value of a JSON text.

    Raises ``MalformedJson``, or ``InvalidOutcome`` for a repeated key: which value is meant cannot be known.
    """
    try:
        return json.loads(text.decode(), object_pairs_hook=unrepeated, parse_constant=no_constant)
    except RecursionError:
        raise MalformedJson("the body is nested too deeply; an outcome is one level deep") from None
    except ValueError as failure:
        raise MalformedJson(f"the body is not valid JSON: {failure}") from None


def unrepeated(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object of JSON. Raises ``InvalidOutcome`` for a repeated key."""
    made = dict(pairs)
    if len(made) < len(pairs):
        names = [name for name, _ in pairs]
        twice = whole(next(name for name in names if names.count(name) > 1))[:80]
        raise InvalidOutcome([Fault(f"/{twice}", f"{twice} is there more than once", None, "given once")])
    return made


def no_constant(name: str) -> NoReturn:
    """Raises ``ValueError`` for NaN and infinities."""
    raise ValueError(f"{name} is no JSON")


def checked(text: bytes, received_at: int) -> Outcome | InvalidOutcome:
    """Checks an outcome of a batch. Raises ``MalformedJson``."""
    try:
        return outcome_of(decoded(text), received_at)
    except InvalidOutcome as failure:
        return failure


def shown(place: Outcome | InvalidOutcome, recorded: Iterator[Answer]) -> Place | Refused:
    """The answer of one place of a batch: an invalid outcome has its own, the others come from the ledger in order."""
    if isinstance(place, InvalidOutcome):
        return refused(place)
    answer = next(recorded)
    return answer if isinstance(answer, Place) else refused(answer)
