"""The timeout of the caller, from the request header, as the deadline for calls of a remote model."""

from collections.abc import Awaitable, Callable
from time import monotonic

from leadscoring.errors import InvalidTimeout
from leadscoring.resilience import CALLER_GIVES_UP
from leadscoring.transport.exchange import Exchange, Reply

HEADER = b"x-request-timeout-ms"
LONGEST_MS = 3_600_000

Handler = Callable[[Exchange], Awaitable[Reply]]


def until_caller_gives_up(handler: Handler) -> Handler:
    """Wraps a handler to set the deadline of its caller in ``CALLER_GIVES_UP``.

    Every request has its own task and therefore its own context, so that the deadline applies to this request only.
    """

    async def respond(exchange: Exchange) -> Reply:
        timeout = next((value for name, value in exchange.scope["headers"] if name == HEADER), None)
        if timeout is not None:
            CALLER_GIVES_UP.set(monotonic() + milliseconds(timeout) / 1000)
        return await handler(exchange)

    return respond


def milliseconds(value: bytes) -> int:
    """Parses the header. Raises ``InvalidTimeout`` unless it is an integer from 1 to ``LONGEST_MS``."""
    if value.isdigit() and len(value) <= 7 and 1 <= int(value) <= LONGEST_MS:
        return int(value)
    raise InvalidTimeout(value[:80].decode("latin-1"))
