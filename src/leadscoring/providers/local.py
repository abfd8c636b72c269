"""Margins from the engine in this process."""

import asyncio
from collections.abc import Awaitable
from contextlib import AbstractAsyncContextManager, nullcontext

from leadscoring._engine import Rows
from leadscoring.model.trees import TreeEnsemble
from leadscoring.providers.provider import Given

OWN_THREAD_FROM = 256
"""Rows from which the engine works beside the event loop; below, handing over costs more than it gives."""


class Local:
    """The provider ``local``: no network, no copy, no wait."""

    name = "local"

    def __init__(self, trees: TreeEnsemble) -> None:
        self._trees = trees

    def margins(self, rows: Rows) -> list[float] | Awaitable[Given]:
        """The margin of each row, in log-odds, in order."""
        if len(rows) < OWN_THREAD_FROM:
            return self._trees.predict(rows)
        return self._beside(rows)

    async def _beside(self, rows: Rows) -> Given:
        return Given(await asyncio.to_thread(self._trees.predict, rows))

    def running(self) -> AbstractAsyncContextManager[None]:
        """Nothing goes on beside scoring."""
        return nullcontext()

    def status(self) -> None:
        """There is no endpoint to tell of."""
        return
