"""Connections to PostgreSQL that do not wait for ever: a server that hangs keeps them open and never responds."""

from time import monotonic
from typing import Any, TypeVar

import psycopg
from psycopg.abc import PQGen

Result = TypeVar("Result")


class PatientConnection(psycopg.Connection):
    """A connection that is closed when the server has not responded to a statement for ``patience`` seconds.

    ``None`` waits without end. Raises ``OperationalError`` then, and from there on.
    """

    patience: float | None = None

    def wait(self, gen: PQGen[Result], *arguments: Any, **named: Any) -> Result:
        """Waits for an exchange with the server, as every statement does."""
        if self.patience is None:
            return super().wait(gen, *arguments, **named)
        return super().wait(self._bounded(gen, self.patience), *arguments, **named)

    def _bounded(self, gen: PQGen[Result], seconds: float) -> PQGen[Result]:
        """Passes an exchange on, and ends it at its deadline; psycopg resumes it several times a second."""
        ends_at = monotonic() + seconds
        try:
            wanted = next(gen)
            while True:
                ready = yield wanted
                if not ready and monotonic() > ends_at:
                    self.pgconn.finish()
                    raise psycopg.OperationalError(f"the server has not responded for {seconds:g} s")
                wanted = gen.send(ready)
        except StopIteration as end:
            result: Result = end.value
            return result
