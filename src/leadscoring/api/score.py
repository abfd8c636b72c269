"""``POST /api/v1/score`` and ``/api/v1/score/batch``: the hot path, from bytes to bytes."""

from collections import Counter
from collections.abc import Awaitable, Callable
from time import perf_counter
from urllib.parse import parse_qsl

import msgspec

from leadscoring.api.exchange import Exchange, Reply
from leadscoring.api.failures import refused
from leadscoring.errors import InvalidParameter, RequestError
from leadscoring.keys import KeyRing
from leadscoring.metrics import Metrics
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
            answer = await self._scorer.one(body, asked, exchange.request_id)
        except RequestError as error:
            self._metrics.failed(type(error).__name__)
            raise
        exchange.leads = 1
        return Reply(200, self._bytes(answer))

    async def batch(self, exchange: Exchange) -> Reply:
        """Scores the leads in the body, each on its own."""
        exchange.key = self._keys.check(exchange.presented_key).label
        asked = what_is_asked(exchange.scope["query_string"])
        body = await exchange.json_body(self._max_body_bytes)
        answers = await self._scorer.many(body, self._max_batch_size, asked, exchange.request_id)
        exchange.leads = len(answers)
        errors = Counter(type(answer).__name__ for answer in answers if isinstance(answer, RequestError))
        exchange.refused = errors or None
        self._metrics.batch(len(answers), answers)
        return Reply(200, self._bytes([refused(a) if isinstance(a, RequestError) else a for a in answers]))

    def _bytes(self, answer: object) -> bytes:
        began = perf_counter()
        encoded = self._encode(answer)
        self._metrics.encoded(perf_counter() - began)
        return encoded


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
