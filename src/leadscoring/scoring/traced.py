"""The scorer with OpenTelemetry tracing: one span for the leads of each request."""

from collections.abc import AsyncIterator

from opentelemetry.trace import SpanKind

from leadscoring._engine import Rows
from leadscoring.errors import RequestError
from leadscoring.lead import Scored
from leadscoring.scoring.answer import Asked
from leadscoring.scoring.scorer import Scorer
from leadscoring.scoring.served import Served
from leadscoring.telemetry.metrics import Spent
from leadscoring.telemetry.tracing import LEADS, PROVIDER, begin, spanning, within

SCORING = "score leads"


class TracedScorer(Scorer):
    """Traces a scorer; the results are bit-identical."""

    async def one(self, body: bytes, asked: Asked, request_id: str) -> tuple[Scored, Spent]:
        """As in ``Scorer``."""
        with spanning(SCORING, SpanKind.INTERNAL, {PROVIDER: self.served.provider.name, LEADS: 1}):
            return await super().one(body, asked, request_id)

    async def many(
        self,
        body: bytes,
        limit: int,
        asked: Asked,
        request_id: str,
        spent: Spent,
        served: Served | None = None,
        now: int | None = None,
    ) -> AsyncIterator[list[Scored | RequestError]]:
        """As in ``Scorer``. Between two parts the caller continues in its own span, not in this one."""
        served = served or self.served
        span = begin(SCORING, SpanKind.INTERNAL, {PROVIDER: served.provider.name})
        parts, leads = super().many(body, limit, asked, request_id, spent, served, now), 0
        try:
            while True:
                with within(span):
                    part = await anext(parts, None)
                if part is None:
                    break
                leads += len(part)
                yield part
        finally:
            span.set_attribute(LEADS, leads)
            span.end()

    async def encoded(
        self, rows: Rows, spent: Spent, served: Served | None = None, request_id: str = ""
    ) -> list[float]:
        """As in ``Scorer``."""
        served = served or self.served
        with spanning(SCORING, SpanKind.INTERNAL, {PROVIDER: served.provider.name, LEADS: len(rows)}):
            return await super().encoded(rows, spent, served, request_id)
