"""``POST /api/v1/score`` and ``/api/v1/score/batch``: the hot path, from bytes to bytes."""

from collections import Counter
from collections.abc import Awaitable, Callable
from functools import lru_cache
from time import perf_counter

import msgspec

from leadscoring.access.rate_limit import Headers, RateLimit
from leadscoring.api.parameters import parameters, whole_number
from leadscoring.api.streamed import StreamedScoring
from leadscoring.errors import InvalidParameter, RequestError
from leadscoring.scoring.answer import Asked
from leadscoring.scoring.scorer import Scorer
from leadscoring.settings import Settings
from leadscoring.telemetry.metrics import STAGES, Metrics, Spent
from leadscoring.transport.admission import PATIENCE, Admission
from leadscoring.transport.compression import PAYS_FROM, packed, packed_at_once, unpacked
from leadscoring.transport.exchange import JSON, Exchange, Reply, is_json
from leadscoring.transport.failures import refused

PLAIN = Asked()
PARAMETERS = ("reasons", "include_details")

Handler = Callable[[Exchange], Awaitable[Reply]]


class Scoring:
    """The two scoring routes of one service, with rate limits and admission control.

    Rejects unknown query parameters only if ``strict``.
    """

    def __init__(
        self,
        scorer: Scorer,
        metrics: Metrics,
        settings: Settings,
        admission: Admission,
        limit: RateLimit,
        strict: bool = True,
    ) -> None:
        self._scorer = scorer
        self._strict = strict
        self._metrics = metrics
        self._max_batch_size = settings.max_batch_size
        self._max_body_bytes = settings.max_body_bytes
        self._admission = admission
        self._limit = limit
        self._streamed = StreamedScoring(scorer, metrics, settings, admission, limit)
        self._encode = msgspec.json.Encoder().encode

    async def one(self, exchange: Exchange) -> Reply:
        """Scores the lead in the body."""
        admission = self._admission
        if self._limit.enabled:
            self._limit.check(exchange.key or "")
        body = await exchange.json_body(self._max_body_bytes)
        if exchange.content_encoding is not None:
            body = await unpacked(exchange, body, self._max_body_bytes, admission)
        asked = what_is_asked(exchange.query, self._strict)
        if admission.busy:
            await admission.turn(exchange, len(body))
        limits = self._pay(exchange, 1) if self._limit.enabled else ()
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
        made = reply(encoded, spent, asked, limits)
        return made if len(encoded) < PAYS_FROM else packed_at_once(made, exchange)

    async def batch(self, exchange: Exchange) -> Reply:
        """Scores the leads in the body independently of each other; compresses the answer if that pays off."""
        return await packed(await self.scored(exchange), exchange, self._admission)

    async def scored(self, exchange: Exchange) -> Reply:
        """As ``batch``, without compression, for callers that convert the answer."""
        admission = self._admission
        if self._limit.enabled:
            self._limit.check(exchange.key or "")
        if exchange.content_type not in (None, JSON) and not is_json(exchange.content_type):
            return await self._streamed.reply(exchange, what_is_asked(exchange.query, self._strict))
        body = await exchange.json_body(self._max_body_bytes)
        if exchange.content_encoding is not None:
            body = await unpacked(exchange, body, self._max_body_bytes, admission)
        asked = what_is_asked(exchange.query, self._strict)
        if admission.crowded:
            await admission.turn(exchange, len(body))
        limits = self._pay(exchange, 1) if self._limit.enabled else ()
        parts: list[bytes] = []
        working, paid, spent = 0.0, 1, Spent()
        planned = PATIENCE * admission.estimate(len(body))
        errors: Counter[str] = Counter()
        scoring = self._scorer.many(body, self._max_batch_size, asked, exchange.request_id, spent)
        while True:
            began = perf_counter()
            try:
                part = await anext(scoring, None)
            except RequestError as error:
                self._metrics.failed(type(error).__name__)
                admission.spend(perf_counter() - began)
                raise
            if part is None:
                break
            made = perf_counter()
            if self._limit.enabled and spent.places > paid:  # charged before any of them is scored
                limits, paid = self._limit.take(exchange.key or "", spent.places - paid), spent.places
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
            admission.spend(worked)  # a request that far exceeds its estimated cost queues again for the rest
            await admission.breathe(behind=(exchange.key or "") if working > planned else None)
        self._metrics.batch(exchange.leads)
        self._metrics.timed(spent)
        exchange.refused = errors or None
        if not errors:  # rejections have other costs than valid leads
            admission.learn(len(body), working)
        return reply(b"[" + b",".join(parts) + b"]", spent, asked, limits)

    def _pay(self, exchange: Exchange, leads: int) -> Headers:
        """Charges the minimum cost of a request at its turn; checks again, since others may have used up the limit."""
        label = exchange.key or ""
        self._limit.check(label)
        return self._limit.take(label, leads)


def reply(encoded: bytes, spent: Spent, asked: Asked, limits: Headers) -> Reply:
    """Returns the reply, with headers for the requested timing and the remaining rate limit."""
    if not (asked.details or limits):
        return Reply(200, encoded)
    timing = ((b"server-timing", server_timing(spent)),) if asked.details else ()
    return Reply(200, encoded, headers=(*timing, *limits))


def server_timing(spent: Spent) -> bytes:
    """Formats the stages of scoring, in milliseconds, for the ``Server-Timing`` header."""
    took = zip(STAGES, spent.stages(), strict=True)
    return ", ".join(f"{stage};dur={seconds * 1e3:.3f}" for stage, seconds in took).encode()


@lru_cache(maxsize=256)
def what_is_asked(query: bytes, strict: bool = True) -> Asked:
    """Parses the query parameters ``reasons`` and ``include_details``.

    Raises ``InvalidParameter`` for an invalid value or a duplicate parameter; if ``strict``, also for an unknown one,
    since a misspelt parameter would otherwise be ignored silently.
    """
    if not query:
        return PLAIN
    values = parameters(query, PARAMETERS, strict)
    reasons, details = values.get("reasons"), values.get("include_details")
    return Asked(
        PLAIN.reasons if reasons is None else whole_number("reasons", reasons),
        PLAIN.details if details is None else truth("include_details", details),
    )


def truth(name: str, value: str) -> bool:
    """Parses a boolean of a query. Raises ``InvalidParameter``."""
    known = {"true": True, "1": True, "false": False, "0": False}
    if value.lower() not in known:
        raise InvalidParameter(name, value, "true or false")
    return known[value.lower()]
