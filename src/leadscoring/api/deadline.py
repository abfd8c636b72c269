"""How long the caller of a request waits, as its head tells: what a remote model is asked must be answered by then."""

from collections.abc import Awaitable, Callable
from time import monotonic

from leadscoring.errors import InvalidTimeout
from leadscoring.resilience import CALLER_GIVES_UP
from leadscoring.transport.exchange import Exchange, Reply

HEADER = b"x-request-timeout-ms"
LONGEST_MS = 3_600_000

Handler = Callable[[Exchange], Awaitable[Reply]]


def until_caller_gives_up(handler: Handler) -> Handler:
    """A handler that is told until when its caller waits.

    Every request has a task, and so a context, of its own: what is noted here ends with it.
    """

    async def respond(exchange: Exchange) -> Reply:
        told = next((value for name, value in exchange.scope["headers"] if name == HEADER), None)
        if told is not None:
            CALLER_GIVES_UP.set(monotonic() + milliseconds(told) / 1000)
        return await handler(exchange)

    return respond


def milliseconds(told: bytes) -> int:
    """The value of the header. Raises ``InvalidTimeout`` unless it is a whole number that makes sense."""
    if told.isdigit() and len(told) <= 7 and 1 <= int(told) <= LONGEST_MS:
        return int(told)
    raise InvalidTimeout(told[:80].decode("latin-1"))
