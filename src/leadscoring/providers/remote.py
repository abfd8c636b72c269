"""The common part of all remote providers: the check against the local model, micro-batching, and the fallback."""

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
"""Rows serialized per turn of the event loop, which takes about half a millisecond."""

PARTS_AT_ONCE = 4
"""Maximum concurrent calls of one large batch, which leaves capacity of the bulkhead to others."""

QUIET_SECONDS = 1.0
"""Minimum seconds between two log lines about failed calls."""

JITTER = 0.2
"""Relative jitter of the time between two checks, so that many processes do not check simultaneously."""

UNSURE_SECONDS = 5.0
"""Maximum seconds between two checks until the first has completed."""

UNCOMPARED = "the model's card has no golden rows, so the remote model cannot be compared with the local one"

log = Log("leadscoring")


class Remote:
    """A provider that gets margins from an endpoint."""

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
        """Returns the margin of each row, in log-odds, in order. Raises an ``EndpointError`` without a fallback."""
        return self._margins(rows)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Opens connections and checks the golden rows periodically as long as the context is open."""
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
        """As in ``Provider``."""
        self._retired = True

    def status(self) -> dict[str, Any]:
        """Returns the state of the endpoint as observed by this process."""
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
        """Returns the margins of any number of rows, in as many calls as the maximum body size requires."""
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
        """Waits for the first check of the golden rows; raises ``EndpointMismatch`` if the latest check failed."""
        if self._matches is None and len(self._golden):
            try:
                async with asyncio.timeout(deadline.left):
                    await asyncio.shield(self._check())
            except TimeoutError:
                raise EndpointTimeout(self.name, "the golden rows were not scored before the deadline") from None
        if self._matches is False:
            raise EndpointMismatch(self.name, "its golden-row scores differ from those of the model at MODEL_PATH")

    def _check(self) -> "asyncio.Task[None]":
        """Returns the check in progress, or starts one."""
        if self._checking is None or self._checking.done():
            self._checking = asyncio.create_task(self._compare())
            self._checking.add_done_callback(heard)
        return self._checking

    async def _compare(self) -> None:
        """Scores the golden rows on the endpoint and compares them; raises the ``EndpointError`` of a failed call."""
        margins = await self._in_parts(self._golden, Deadline(self._timeout))
        certified = [golden.margin for golden in self._model.card.golden]
        self._compared(sum(not close(*pair) for pair in zip(margins, certified, strict=True)))

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
        """Checks both models periodically, to detect changes of the endpoint and failures of the local model."""
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
        """Checks the golden rows on the local model, which may have to take over at any time."""
        if self._fallback is None:
            return
        try:
            check_golden_rows(self._model.card, self._model.trees)
            self._fallback_works = True
        except GoldenRowMismatch:
            self._fallback_works = False
        if not self._fallback_works:
            log.error("model fallback fails", endpoint_provider=self.name, error="GoldenRowMismatch")

    # State and logs for operators

    def _succeeded(self) -> None:
        self._last_ok = datetime.now(UTC)
        self._failing = False

    def _failed(self, failure: EndpointError, hurried: bool = False) -> None:
        """Counts a failure and logs it, at most once a second.

        A timeout of a ``hurried`` caller, whose deadline was shorter than usual, is no evidence against the endpoint.
        """
        kind = type(failure).__name__
        self._metrics.failed(kind)
        if hurried:
            return
        self._failing = True
        if not isinstance(failure, EndpointSuspended):  # only a consequence of earlier failures
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
    """Retrieves the failure of a check that no caller awaits any more; the next check reports it again."""
    if not task.cancelled():
        task.exception()
