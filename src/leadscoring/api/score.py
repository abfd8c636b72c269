"""``POST /api/v1/score`` and ``/api/v1/score/batch``: the hot path, from bytes to bytes."""

from collections import Counter
from collections.abc import Awaitable, Callable
from functools import lru_cache
from time import perf_counter
from urllib.parse import parse_qsl

import msgspec

from leadscoring.api.exchange import Exchange, Reply
from leadscoring.api.failures import refused
from leadscoring.errors import InvalidParameter, RequestError
from leadscoring.keys import KeyRing
from leadscoring.metrics import STAGES, Clock, Metrics
from leadscoring.scoring import Asked, Scorer

MOST_REASONS = 10_000
PLAIN = Asked()

Handler = Callable[[Exchange], Awaitable[Reply]]


class Scoring:
    """The two scoring routes of one service."""

    def __init__(
        self, scorer: Scorer, keys: KeyRing, metrics: Metrics, max_batch_size: int, max_body_bytes: int
    ) -> None:
        self._scorer = scorer
        self._keys = keys
        self._metrics = metrics
        self._max_batch_size = max_batch_size
        self._max_body_bytes = max_body_bytes
        self._encode = msgspec.json.Encoder().encode

    async def one(self, exchange: Exchange) -> Reply:
        """Scores the lead in the body."""
        exchange.key = self._keys.check(exchange.presented_key).label
        asked = what_is_asked(exchange.scope["query_string"])
        body = await exchange.json_body(self._max_body_bytes)
        try:
            answer, clock = await self._scorer.one(body, asked, exchange.request_id)
        except RequestError as error:
            self._metrics.failed(type(error).__name__)
            raise
        exchange.leads = 1
        self._metrics.scored(answer.score)
        return self._reply(answer, clock, asked)

    async def batch(self, exchange: Exchange) -> Reply:
        """Scores the leads in the body, each on its own."""
        exchange.key = self._keys.check(exchange.presented_key).label
        asked = what_is_asked(exchange.scope["query_string"])
        body = await exchange.json_body(self._max_body_bytes)
        answers, clock = await self._scorer.many(body, self._max_batch_size, asked, exchange.request_id)
        exchange.leads = len(answers)
        exchange.refused = Counter(type(place).__name__ for place in answers if isinstance(place, RequestError)) or None
        self._metrics.batch(answers)
        told = [refused(place) if isinstance(place, RequestError) else place for place in answers]
        return self._reply(told, clock, asked)

    def _reply(self, answer: object, clock: Clock, asked: Asked) -> Reply:
        body = self._encode(answer)
        encoded = perf_counter()
        self._metrics.timed(clock, encoded)
        if not asked.details:
            return Reply(200, body)
        return Reply(200, body, headers=((b"server-timing", server_timing(clock, encoded)),))


def server_timing(clock: Clock, encoded: float) -> bytes:
    """The stages of scoring in milliseconds, as browsers show them."""
    took = zip(STAGES, clock.stages(encoded), strict=True)
    return ", ".join(f"{stage};dur={seconds * 1e3:.3f}" for stage, seconds in took).encode()


@lru_cache(maxsize=256)
def what_is_asked(query: bytes) -> Asked:
    """What the query parameters ``reasons`` and ``include_details`` ask for.

    Raises ``InvalidParameter`` for a value that is not allowed, or given twice. Other parameters
    are ignored, as the web expects.
    """
    if not query:
        return PLAIN
    reasons, details, seen = PLAIN.reasons, PLAIN.details, set()
    for name, value in parse_qsl(query.decode("latin-1"), keep_blank_values=True):
        if name not in ("reasons", "include_details"):
            continue
        if name in seen:
            raise InvalidParameter(name, value, "given once")
        seen.add(name)
        if name == "reasons":
            reasons = whole_number(name, value)
        else:
            details = truth(name, value)
    return Asked(reasons, details)


def whole_number(name: str, value: str) -> int:
    """The number of reasons asked for."""
    if not (value.isascii() and value.isdigit() and len(value) <= 5 and int(value) <= MOST_REASONS):
        raise InvalidParameter(name, value, f"a whole number from 0 to {MOST_REASONS}")
    return int(value)


def truth(name: str, value: str) -> bool:
    """A yes or no in a query."""
    known = {"true": True, "1": True, "false": False, "0": False}
    if value.lower() not in known:
        raise InvalidParameter(name, value, "true or false")
    return known[value.lower()]
