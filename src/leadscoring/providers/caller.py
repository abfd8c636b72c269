"""Resilient calls of a remote endpoint: deadline, one retry, retry budget, circuit breaker, bulkhead."""

import asyncio
import math
from collections.abc import Sequence
from typing import Protocol

from leadscoring.errors import EndpointBusy, EndpointError, EndpointSuspended, EndpointThrottled, EndpointTimeout
from leadscoring.lead import ServedBy
from leadscoring.providers.payload import Payload
from leadscoring.resilience import Breaker, Bulkhead, Deadline, RetryBudget, pause

ATTEMPTS = 2


class Endpoint(Protocol):
    """The cloud-specific part of a provider: how rows are sent, and how responses and failures are interpreted."""

    name: ServedBy
    payload: Payload

    def open(self) -> None:
        """Opens the connection pool; must be called from within the event loop."""
        ...

    async def close(self) -> None:
        """Closes all connections."""
        ...

    async def call(self, body: bytes, rows: int) -> list[float]:
        """Returns the margins of the rows in ``body``. Raises the matching ``EndpointError`` on failure."""
        ...


class Listener(Protocol):
    """Receives the outcome of each attempt, as one of ``metrics.ATTEMPTS``."""

    def attempted(self, outcome: str) -> None:
        """Called when an attempt has ended."""
        ...


class Caller:
    """Calls one endpoint; all calls share the same breaker, budget and bulkhead."""

    def __init__(
        self, endpoint: Endpoint, breaker: Breaker, bulkhead: Bulkhead, budget: RetryBudget, listener: Listener
    ) -> None:
        self.breaker = breaker
        self.budget = budget
        self._endpoint = endpoint
        self._bulkhead = bulkhead
        self._listener = listener

    async def call(self, lines: Sequence[bytes], deadline: Deadline) -> list[float]:
        """Sends rows as one body; returns their margins in order. Raises an ``EndpointError``."""
        body = self._endpoint.payload.body(lines)
        self.budget.called()
        for attempt in range(1, ATTEMPTS):
            try:
                return await self._attempt(body, len(lines), deadline)
            except EndpointError as failure:
                wait = pause(attempt)
                if isinstance(failure, EndpointThrottled):
                    wait += failure.told_to_wait or 0
                if not failure.retried or wait >= deadline.left or self.breaker.wait or not self.budget.take():
                    raise
            await asyncio.sleep(wait)
        return await self._attempt(body, len(lines), deadline)

    async def _attempt(self, body: bytes, rows: int, deadline: Deadline) -> list[float]:
        where = self._endpoint.name
        if deadline.left <= 0:
            raise EndpointTimeout(where, "no time is left for a call")
        if not self._bulkhead.enter():
            raise EndpointBusy(where, self._bulkhead.most)
        era, outcome = 0, "abandoned"
        try:
            era = self.breaker.admit()
            if not era:
                raise EndpointSuspended(where, max(1, math.ceil(self.breaker.wait)))
            margins = await self._within(deadline, body, rows)
            outcome = "ok"
            self.breaker.succeeded(era)
            return margins
        except EndpointError as failure:
            outcome = failure.code.removeprefix("endpoint_")
            if isinstance(failure, EndpointTimeout) and deadline.shortened:
                outcome = "abandoned"  # it might have answered within the regular timeout
            elif era:
                self.breaker.failed(era)
            raise
        finally:
            self._bulkhead.leave()
            if era:
                self._listener.attempted(outcome)
                if outcome == "abandoned":
                    self.breaker.abandoned(era)

    async def _within(self, deadline: Deadline, body: bytes, rows: int) -> list[float]:
        try:
            async with asyncio.timeout(deadline.left):
                return await self._endpoint.call(body, rows)
        except TimeoutError:
            raise EndpointTimeout(self._endpoint.name, "no response before the deadline") from None
