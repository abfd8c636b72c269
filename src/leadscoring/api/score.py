"""``POST /api/v1/score`` and ``/api/v1/score/batch``: the hot path, from bytes to bytes."""

from collections import Counter
from collections.abc import Awaitable, Callable
from functools import lru_cache
from time import perf_counter
from urllib.parse import parse_qsl

import msgspec

from leadscoring.api.admission import Admission
from leadscoring.api.exchange import Exchange, Reply
from leadscoring.api.failures import refused
from leadscoring.api.limits import RateLimit
from leadscoring.errors import InvalidParameter, RequestError
from leadscoring.keys import Door
from leadscoring.metrics import STAGES, Metrics, Spent
from leadscoring.scoring import Asked, Scorer
from leadscoring.settings import Settings

MOST_REASONS = 10_000
PLAIN = Asked()

Handler = Callable[[Exchange], Awaitable[Reply]]


class Scoring:
    """The two scoring routes of one service: key, limits, turn, work."""

    def __init__(
        self,
        scorer: Scorer,
        keys: Door,
        metrics: Metrics,
        settings: Settings,
        admission: Admission,
        limit: RateLimit,
    ) -> None:
        self._scorer = scorer
        self._keys = keys
        self._metrics = metrics
        self._max_batch_size = settings.max_batch_size
        self._max_body_bytes = settings.max_body_bytes
        self._admission = admission
        self._limit = limit
        self._encode = msgspec.json.Encoder().encode

    async def one(self, exchange: Exchange) -> Reply:
        """Scores the lead in the body."""
        admission = self._admission
        self._admit(exchange)
        body = await exchange.json_body(self._max_body_bytes)
        asked = what_is_asked(exchange.query)
        if admission.busy:
            await admission.turn(len(body), exchange.began, exchange.key or "")
        began = perf_counter()
        try:
            answer, spent = await self._scorer.one(body, asked, exchange.request_id)
        except RequestError as error:
            self._metrics.failed(type(error).__name__)
            admission.spend(perf_counter() - began)
            raise
        scored = perf_counter()
        encoded = self._encode(answer)
        ended = perf_counter()
        spent.encode = ended - scored
        admission.spend(ended - began - spent.waited)
        exchange.leads = 1
        self._metrics.scored_alone(answer.score, spent)
        return self._reply(exchange, encoded, spent, asked)

    async def batch(self, exchange: Exchange) -> Reply:
        """Scores the leads in the body, each on its own."""
        admission = self._admission
        self._admit(exchange)
        body = await exchange.json_body(self._max_body_bytes)
        asked = what_is_asked(exchange.query)
        if admission.crowded:
            await admission.turn(len(body), exchange.began, exchange.key or "")
        parts: list[bytes] = []
        working, spent = 0.0, Spent()
        errors: Counter[str] = Counter()
        began = perf_counter()
        async for part in self._scorer.many(body, self._max_batch_size, asked, exchange.request_id, spent):
            made = perf_counter()
            if part:
                self._metrics.places(part)
                shown = [refused(a) if isinstance(a, RequestError) else a for a in part]
                parts.append(self._encode(shown)[1:-1])
                exchange.leads += len(part)
                errors.update(type(place).__name__ for place in part if isinstance(place, RequestError))
            ended = perf_counter()
            spent.encode += ended - made
            worked, spent.waited = ended - began - spent.waited, 0.0
            working += worked
            admission.spend(worked)
            await admission.breathe()
            began = perf_counter()
        self._metrics.batch(exchange.leads)
        self._metrics.timed(spent)
        exchange.refused = errors or None
        admission.learn(len(body), working)
        return self._reply(exchange, b"[" + b",".join(parts) + b"]", spent, asked)

    def _admit(self, exchange: Exchange) -> None:
        """Lets a request in whose key is known and has leads left."""
        exchange.key = self._keys.check(exchange.presented_key).label
        if self._limit.enabled:
            self._limit.check(exchange.key)

    def _reply(self, exchange: Exchange, encoded: bytes, spent: Spent, asked: Asked) -> Reply:
        if not (asked.details or self._limit.enabled):
            return Reply(200, encoded)
        timing = ((b"server-timing", server_timing(spent)),) if asked.details else ()
        limits = self._limit.take(exchange.key or "", exchange.leads) if self._limit.enabled else ()
        return Reply(200, encoded, headers=(*timing, *limits))


def server_timing(spent: Spent) -> bytes:
    """The stages of scoring in milliseconds, as browsers show them."""
    took = zip(STAGES, spent.stages(), strict=True)
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
