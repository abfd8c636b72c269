"""Scoring of encoded rows, for the protocols of model servers: limits, turn, work, as for leads."""

import asyncio
from collections.abc import Callable
from time import perf_counter

from leadscoring._engine import Rows
from leadscoring.access.rate_limit import Headers, RateLimit
from leadscoring.errors import BatchTooLarge, Overloaded, RequestError
from leadscoring.scoring.scorer import Scorer
from leadscoring.settings import Settings
from leadscoring.telemetry.metrics import Metrics, Spent
from leadscoring.transport.admission import Admission
from leadscoring.transport.compression import unpacked
from leadscoring.transport.exchange import Exchange

OWN_THREAD_FROM = 65536
"""Bytes of rows from which they are read beside the event loop."""

PART = 256
"""Scores that are counted between two looks at the clock."""


class EncodedScoring:
    """Scores rows that a caller has encoded."""

    def __init__(
        self, scorer: Scorer, metrics: Metrics, settings: Settings, admission: Admission, limit: RateLimit
    ) -> None:
        self._scorer = scorer
        self._metrics = metrics
        self._most_rows = settings.max_batch_size
        self._admission = admission
        self._limit = limit

    def admit(self, exchange: Exchange) -> None:
        """Lets a request in whose caller has leads left, and that may expect an answer in time."""
        if self._limit.enabled:
            self._limit.check(exchange.key or "")
        if self._admission.full:
            raise Overloaded

    async def body(self, exchange: Exchange, limit: int, kinds: tuple[bytes, ...]) -> bytes:
        """The whole body, of one of these kinds, unpacked; errors as in ``Exchange.body`` and ``unpacked``."""
        body = await exchange.body(limit, kinds)
        return body if exchange.content_encoding is None else await unpacked(exchange, body, limit, self._admission)

    async def margins(self, exchange: Exchange, size: int, read: Callable[[], Rows]) -> tuple[Rows, list[float]]:
        """What ``read`` reads from ``size`` bytes, and the margin of each row in log-odds, in order.

        Raises what ``read`` raises, ``BatchTooLarge`` for more rows than a batch may hold.
        """
        if self._admission.crowded:
            await self._admission.turn(size, exchange.began, exchange.key or "")
        if self._limit.enabled:  # others may have used up the key meanwhile
            self._limit.check(exchange.key or "")
            self._limit.take(exchange.key or "", 1)
        began = perf_counter()
        try:
            rows = await asyncio.to_thread(read) if size >= OWN_THREAD_FROM else read()
            if len(rows) > self._most_rows:
                raise BatchTooLarge(len(rows), self._most_rows)
        except RequestError as error:
            self._metrics.failed(type(error).__name__)
            self._admission.spend(perf_counter() - began)
            raise
        if self._limit.enabled:
            self._limit.take(exchange.key or "", len(rows) - 1)
        spent = Spent(perf_counter() - began)
        margins = await self._scorer.encoded(rows, spent)
        self._admission.spend(perf_counter() - began - spent.waited)
        await self._count(margins)
        self._metrics.batch(len(margins))
        self._metrics.timed(spent)
        exchange.leads = len(margins)
        return rows, margins

    def limits(self, exchange: Exchange) -> Headers:
        """What is left of the rate limit now that the leads of this request are paid for."""
        return self._limit.take(exchange.key or "", 0) if self._limit.enabled else ()

    async def _count(self, margins: list[float]) -> None:
        """Counts each score by its tier, as any other."""
        score = self._scorer.model.score
        for start in range(0, len(margins), PART):
            began = perf_counter()
            for margin in margins[start : start + PART]:
                self._metrics.scored(score(margin))
            self._admission.spend(perf_counter() - began)
            await self._admission.breathe()
