"""The HTTP client with OpenTelemetry tracing: a span for each call, and trace context propagated to the endpoint."""

from collections.abc import Mapping

from opentelemetry.trace import SpanKind, StatusCode
from yarl import URL

from leadscoring.errors import EndpointError
from leadscoring.providers.wire import Response, Wire
from leadscoring.telemetry.tracing import HOST, METHOD, PORT, PROVIDER, STATUS, Attributes, onward, spanning


class TracedWire(Wire):
    """A ``Wire`` that traces its calls."""

    def __init__(self, where: str, url: str) -> None:
        super().__init__(where, url)
        called = URL(url, encoded=True)
        self._told: Attributes = {METHOD: "POST", PROVIDER: where, HOST: called.host or "", PORT: called.port or 0}

    async def post(self, body: bytes, headers: Mapping[str, str], most: int) -> Response:
        """As in ``Wire``; adds ``traceparent`` and ``tracestate``, which are not among the signed headers."""
        with spanning("call model endpoint", SpanKind.CLIENT, self._told) as span:
            try:
                answer = await super().post(body, {**headers, **onward()}, most)
            except EndpointError:
                span.set_status(StatusCode.ERROR)
                raise
            span.set_attribute(STATUS, answer.status)
            if answer.status >= 400:
                span.set_status(StatusCode.ERROR)
            return answer
