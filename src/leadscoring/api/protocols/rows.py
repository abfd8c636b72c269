"""Scores encoded rows for the protocols of model servers, with the same limits and admission control as for leads."""

from time import perf_counter
from typing import TypeVar

from leadscoring._engine import Rows
from leadscoring.access.rate_limit import Headers, RateLimit
from leadscoring.errors import BatchTooLarge, NotRecorded, Overloaded, RequestError
from leadscoring.scoring.scorer import Scorer
from leadscoring.scoring.served import Served
from leadscoring.settings import Settings
from leadscoring.stretches import Stretches, Work
from leadscoring.telemetry.metrics import Metrics, Spent
from leadscoring.transport.admission import PATIENCE, Admission
from leadscoring.transport.compression import unpacked
from leadscoring.transport.exchange import Exchange

Result = TypeVar("Result")

PART = 256
"""Scores that are counted without yielding."""


class EncodedScoring:
    """Scores rows that the caller has encoded."""

    def __init__(
        self, scorer: Scorer, metrics: Metrics, settings: Settings, admission: Admission, limit: RateLimit
    ) -> None:
        self._scorer = scorer
        self._metrics = metrics
        self._most_rows = settings.max_batch_size
        self._admission = admission
        self._limit = limit

    def admit(self, exchange: Exchange) -> None:
        """Checks the rate limit and the queue. Raises ``RateLimited`` or ``Overloaded``."""
        if self._limit.enabled:
            self._limit.check(exchange.key or "")
        if self._admission.full:
            raise Overloaded

    async def body(self, exchange: Exchange, limit: int, kinds: tuple[bytes, ...]) -> bytes:
        """Reads the whole body, of one of these types, decompressed; raises as ``Exchange.body`` and ``unpacked``."""
        body = await exchange.body(limit, kinds)
        return body if exchange.content_encoding is None else await unpacked(exchange, body, limit, self._admission)

    async def margins(
        self, exchange: Exchange, served: Served, size: int, reading: Stretches[Rows]
    ) -> tuple[Rows, list[float]]:
        """Runs ``reading``, which reads ``size`` bytes; returns its rows and the margin of each, in log-odds, in order.

        Raises the errors of ``reading``, and ``BatchTooLarge`` for more rows than a batch may have.
        """
        if self._admission.crowded:
            await self._admission.turn(exchange, size)
        if self._limit.enabled:  # others may have used up the limit meanwhile
            self._limit.check(exchange.key or "")
            self._limit.take(exchange.key or "", 1)
        spent = Spent()
        try:
            rows = await self.done(exchange, size, reading, spent)
            if len(rows) > self._most_rows:
                raise BatchTooLarge(len(rows), self._most_rows)
        except RequestError as error:
            self._metrics.failed(type(error).__name__)
            raise
        if self._limit.enabled:
            self._limit.take(exchange.key or "", len(rows) - 1)
        began = perf_counter()
        try:
            margins = await self._scorer.encoded(rows, spent, served, exchange.request_id)
        except NotRecorded:
            self._metrics.failed(NotRecorded.__name__)
            raise
        self._admission.spend(perf_counter() - began - spent.waited)
        await self._count(served, margins)
        self._metrics.batch(len(margins))
        self._metrics.timed(spent)
        exchange.leads = len(margins)
        return rows, margins

    async def done(self, exchange: Exchange, size: int, stretches: Stretches[Result], spent: Spent) -> Result:
        """Runs the work on a request of ``size`` bytes, yielding to others in between; returns its result.

        A request that far exceeds its estimated cost queues again for the rest.
        """
        admission, caller = self._admission, exchange.key or ""
        work, planned = Work(stretches), PATIENCE * admission.estimate(size)
        began = perf_counter()
        try:
            for _ in work:
                took = perf_counter() - began
                spent.decode += took
                admission.spend(took)
                await admission.breathe(behind=caller if spent.decode > planned else None)
                began = perf_counter()
        finally:
            took = perf_counter() - began
            spent.decode += took
            admission.spend(took)
        return work.result

    async def prepared(self, exchange: Exchange, size: int, stretches: Stretches[Result]) -> Result:
        """Runs the work before a request's turn; returns its result. Charges the rate limit if it raises an error."""
        try:
            return await self.done(exchange, size, stretches, Spent())
        except RequestError:
            if self._limit.enabled:
                self._limit.take(exchange.key or "", 1)
            raise

    def limits(self, exchange: Exchange) -> Headers:
        """Returns the headers with the remaining rate limit after charging this request."""
        return self._limit.take(exchange.key or "", 0) if self._limit.enabled else ()

    async def _count(self, served: Served, margins: list[float]) -> None:
        """Counts each score by its tier."""
        score = served.model.score
        for start in range(0, len(margins), PART):
            began = perf_counter()
            for margin in margins[start : start + PART]:
                self._metrics.scored(score(margin))
            self._admission.spend(perf_counter() - began)
            await self._admission.breathe()
