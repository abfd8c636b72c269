"""What all remote models have in common: the check against the local one, shared calls, and who stands in."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from random import uniform
from time import monotonic
from typing import Any

from leadscoring._engine import Rows
from leadscoring.errors import EndpointError, EndpointMismatch, EndpointSuspended, EndpointTimeout, GoldenRowMismatch
from leadscoring.model.loaded import LoadedModel, check_golden_rows
from leadscoring.providers.answer import close
from leadscoring.providers.caller import Caller, Endpoint
from leadscoring.providers.local import Local
from leadscoring.providers.micro_batch import MicroBatch
from leadscoring.providers.payload import parts
from leadscoring.providers.provider import Given
from leadscoring.resilience import CALLER_GIVES_UP, Breaker, BreakerState, Bulkhead, Deadline, RetryBudget
from leadscoring.settings import Settings
from leadscoring.telemetry.log import Log
from leadscoring.telemetry.metrics import Metrics

AT_ONCE = 64
"""Rows that are written between two turns of the event loop: about half a millisecond."""

PARTS_AT_ONCE = 4
"""Calls that one large batch makes at the same time, so that it leaves the bulkhead to others."""

QUIET_SECONDS = 1.0
"""Between two log lines about calls that failed."""

JITTER = 0.2
"""Of the time between two checks, so that many processes do not ask together."""

UNSURE_SECONDS = 5.0
"""Between two checks while none has come to an end yet."""

UNCOMPARED = "the model's card has no golden rows, so the remote model cannot be compared with the local one"

log = Log("leadscoring")


class Remote:
    """A provider whose margins come from an endpoint."""

    def __init__(self, endpoint: Endpoint, model: LoadedModel, settings: Settings, metrics: Metrics) -> None:
        self.name: str = endpoint.name
        self._endpoint = endpoint
        self._model = model
        self._metrics = metrics
        self._timeout = settings.model_timeout_seconds
        self._check_seconds = settings.model_check_seconds
        self._fallback = Local(model.trees) if settings.model_fallback == "local" else None
        self._golden = Rows([list(golden.row) for golden in model.card.golden])
        self._matches: bool | None = None
        self._checking: asyncio.Task[None] | None = None
        self._failing = False
        self._last_error: str | None = None
        self._last_ok: datetime | None = None
        self._fallback_answers = 0
        self._fallback_works = True
        self._unsaid = 0
        self._say_from = 0.0
        self._retired = False
        breaker = Breaker(settings.model_breaker_failures, settings.model_breaker_seconds, self._breaker_changed)
        budget = RetryBudget()
        self._caller = Caller(endpoint, breaker, Bulkhead(settings.model_max_concurrency), budget, metrics)
        size, seconds = settings.model_micro_batch_size, settings.model_micro_batch_seconds
        self._shared = MicroBatch(self.name, self._caller.call, budget, size, seconds) if size > 1 else None

    def margins(self, rows: Rows) -> Awaitable[Given]:
        """The margin of each row, in log-odds, in order. Raises an ``EndpointError`` when there is no fallback."""
        return self._margins(rows)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Connections, and checks of the golden rows from now on."""
        self._metrics.matches(None)
        self._metrics.breaker(self._caller.breaker.state)
        self._endpoint.open()
        watching = asyncio.create_task(self._watch())
        try:
            yield
        finally:
            tasks = [watching] if self._checking is None else [watching, self._checking]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            if self._shared is not None:
                await self._shared.close()
            await self._endpoint.close()

    def retire(self) -> None:
        """Another one takes over: calls under way end as usual, and metrics show the state of the other."""
        self._retired = True

    def status(self) -> dict[str, Any]:
        """How the endpoint does, as this process has seen it."""
        return {
            "state": self._state(),
            "breaker": self._caller.breaker.state.name.lower(),
            "last_error": self._last_error,
            "last_ok": self._last_ok and self._last_ok.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "matches": self._matches,
            "fallback": ("working" if self._fallback_works else "failing") if self._fallback else None,
            "fallback_answers": self._fallback_answers,
        }

    def _state(self) -> str:
        if self._matches is False:
            return "mismatch"
        if self._failing:
            return "failing"
        return "unknown" if self._last_ok is None else "healthy"

    async def _margins(self, rows: Rows) -> Given:
        deadline = Deadline(self._timeout, CALLER_GIVES_UP.get())
        try:
            return await self._from_endpoint(rows, deadline)
        except EndpointError as failure:
            self._failed(failure, hurried=deadline.shortened and isinstance(failure, EndpointTimeout))
            if self._fallback is None or not self._fallback_works:
                raise
        return self._from_local(self._fallback, rows)

    async def _from_endpoint(self, rows: Rows, deadline: Deadline) -> Given:
        await self._be_sure(deadline)
        if len(rows) == 1 and self._shared is not None:
            margins = [await self._shared.ask(self._endpoint.payload.lines(rows, 0, 1)[0], deadline)]
        else:
            margins = await self._in_parts(rows, deadline)
        self._succeeded()
        return Given(margins, self._endpoint.name, unexplained=None if self._matches else UNCOMPARED)

    async def _in_parts(self, rows: Rows, deadline: Deadline) -> list[float]:
        """The margins of any number of rows, in as many calls as the size of a body needs."""
        lines: list[bytes] = []
        for start in range(0, len(rows), AT_ONCE):
            if start:
                await asyncio.sleep(0)
            lines += self._endpoint.payload.lines(rows, start, start + AT_ONCE)
        bodies = parts(lines, self._endpoint.payload.beside)
        if len(bodies) == 1:
            return await self._caller.call(lines, deadline)
        turns = asyncio.Semaphore(PARTS_AT_ONCE)

        async def call(body: Sequence[bytes]) -> list[float]:
            async with turns:
                return await self._caller.call(body, deadline)

        calls = [asyncio.create_task(call(body)) for body in bodies]
        try:
            return [margin for margins in await asyncio.gather(*calls) for margin in margins]
        finally:
            for each in calls:
                each.cancel()

    def _from_local(self, fallback: Local, rows: Rows) -> Given:
        margins = fallback.margins(rows)
        self._fallback_answers += len(margins)
        self._metrics.fell_back(len(margins))
        return Given(margins, "local", degraded=True)

    # Is the remote model the local one?

    async def _be_sure(self, deadline: Deadline) -> None:
        """Waits until it is known whether the endpoint scores as certified; raises ``EndpointMismatch`` if not."""
        if self._matches is None and len(self._golden):
            try:
                async with asyncio.timeout(deadline.left):
                    await asyncio.shield(self._check())
            except TimeoutError:
                raise EndpointTimeout(self.name, "the golden rows were not scored before the deadline") from None
        if self._matches is False:
            raise EndpointMismatch(self.name, "its golden-row scores differ from those of the model at MODEL_PATH")

    def _check(self) -> "asyncio.Task[None]":
        """The check that is under way, or a new one."""
        if self._checking is None or self._checking.done():
            self._checking = asyncio.create_task(self._compare())
            self._checking.add_done_callback(heard)
        return self._checking

    async def _compare(self) -> None:
        """Scores the golden rows on the endpoint; raises the ``EndpointError`` with which that failed."""
        found = await self._in_parts(self._golden, Deadline(self._timeout))
        certified = [golden.margin for golden in self._model.card.golden]
        self._compared(sum(not close(*pair) for pair in zip(found, certified, strict=True)))

    def _compared(self, differing: int) -> None:
        self._succeeded()
        matches = not differing
        if matches is not self._matches:
            if matches:
                log.info("model endpoint matches", endpoint_provider=self.name, rows=len(self._golden))
            else:
                log.error(
                    "model endpoint differs", endpoint_provider=self.name, error="EndpointMismatch",
                    rows=len(self._golden), differing=differing,
                )  # fmt: skip
        self._matches = matches
        if not self._retired:
            self._metrics.matches(matches)

    async def _watch(self) -> None:
        """Compares both models now and then, so that a change is noticed, and the local one is known to work."""
        while not self._retired:
            self._exercise()
            if len(self._golden):
                try:
                    await asyncio.shield(self._check())
                except EndpointError as failure:
                    self._failed(failure)
            wait = self._check_seconds if self._matches is not None else min(self._check_seconds, UNSURE_SECONDS)
            spread = uniform(1 - JITTER, 1 + JITTER)  # noqa: S311  # to spread load, not to hide anything
            await asyncio.sleep(wait * spread)

    def _exercise(self) -> None:
        """Scores the golden rows on the local model, which may have to answer at any time."""
        if self._fallback is None:
            return
        try:
            check_golden_rows(self._model.card, self._model.trees)
            self._fallback_works = True
        except GoldenRowMismatch:
            self._fallback_works = False
        if not self._fallback_works:
            log.error("model fallback fails", endpoint_provider=self.name, error="GoldenRowMismatch")

    # What operators hear

    def _succeeded(self) -> None:
        self._last_ok = datetime.now(UTC)
        self._failing = False

    def _failed(self, failure: EndpointError, hurried: bool = False) -> None:
        """Counts a failure; says so at once, but once a second at most.

        That a ``hurried`` caller did not give it the time that others do says nothing of the endpoint.
        """
        kind = type(failure).__name__
        self._metrics.failed(kind)
        if hurried:
            return
        self._failing = True
        if not isinstance(failure, EndpointSuspended):  # which only follows from what was before
            self._last_error = kind
        self._unsaid += 1
        if monotonic() >= self._say_from:
            self._say_from = monotonic() + QUIET_SECONDS
            log.warning(
                "model endpoint failed", endpoint_provider=self.name, error="EndpointError", kind=kind,
                reason=str(failure), times=self._unsaid,
            )  # fmt: skip
            self._unsaid = 0

    def _breaker_changed(self, state: BreakerState) -> None:
        if not self._retired:
            self._metrics.breaker(state)
        log.warning("model endpoint breaker", endpoint_provider=self.name, state=state.name.lower())


def heard(task: "asyncio.Task[None]") -> None:
    """The failure of a check that nobody waits for any more is no news: the next one tells again."""
    if not task.cancelled():
        task.exception()
