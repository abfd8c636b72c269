"""Sends streamed answers with backpressure, until the client disconnects."""

import asyncio
from contextlib import aclosing
from typing import NoReturn

from leadscoring.errors import BatchTooLarge
from leadscoring.telemetry.log import Log
from leadscoring.transport.exchange import CUT, ClientGone, Exchange, Message, Reply, Send, StreamedReply

log = Log("leadscoring")

Headers = list[tuple[bytes, bytes]]


async def send_parts(reply: StreamedReply, exchange: Exchange, send: Send, headers: Headers) -> None:
    """Sends the parts of a reply, with ``headers`` in addition to its own.

    Raises ``ClientGone`` if the client disconnects, or reads nothing for ``reply.patience`` seconds. A failure
    between two parts aborts the connection, so that a truncated answer does not look complete.
    """
    gone = asyncio.ensure_future(exchange.receive())  # the body is complete: only a disconnect can follow
    try:
        headers = [(b"content-type", reply.media_type), *headers, *reply.headers]
        await send({"type": "http.response.start", "status": reply.status, "headers": headers})
        async for part in reply.parts:
            await within(reply.patience, send, {"type": "http.response.body", "body": part, "more_body": True})
            if gone.done():
                hung_up()
        await within(reply.patience, send, {"type": "http.response.body", "body": b"", "more_body": False})
    except ClientGone:
        await cut(exchange, gone)
        raise
    except Exception as failure:
        broken_off(failure, exchange)
        await cut(exchange, gone)
    finally:
        gone.cancel()
        await reply.parts.aclose()


def hung_up() -> NoReturn:
    """Raises ``ClientGone``."""
    raise ClientGone


def broken_off(failure: Exception, exchange: Exchange) -> None:
    """Records and logs the failure that interrupted an answer."""
    exchange.error = type(failure).__name__
    log.error("request failed", request_id=exchange.request_id, endpoint=exchange.endpoint, exc_info=failure)


async def within(seconds: float, send: Send, message: Message) -> None:
    """Sends a message within a time limit. Raises ``ClientGone`` if the client does not read in time."""
    try:
        async with asyncio.timeout(seconds):
            await send(message)
    except TimeoutError:
        raise ClientGone from None


async def cut(exchange: Exchange, gone: "asyncio.Future[Message]") -> None:
    """Aborts the connection, and waits until it is closed."""
    abort = exchange.scope.get("extensions", {}).get(CUT)
    if abort is not None:
        abort()
        await gone


async def gathered(reply: StreamedReply, exchange: Exchange) -> Reply:
    """Collects the reply in one piece, for HTTP/1.0 clients, which do not support chunked transfer coding.

    Raises ``BatchTooLarge`` beyond the number of leads allowed in an array, because the whole reply is in memory.
    """
    parts = []
    async with aclosing(reply.parts):
        async for part in reply.parts:
            if exchange.leads > reply.at_once:
                raise BatchTooLarge(exchange.leads, reply.at_once)
            parts.append(part)
    return Reply(reply.status, b"".join(parts), reply.media_type, reply.headers)
