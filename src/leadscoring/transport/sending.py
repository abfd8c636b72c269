"""Sends an answer that is made while it is sent: as fast as the client takes it, and while there is a client."""

import asyncio
from contextlib import aclosing
from typing import NoReturn

from leadscoring.errors import BatchTooLarge
from leadscoring.telemetry.log import Log
from leadscoring.transport.exchange import CUT, ClientGone, Exchange, Message, Reply, Send, StreamedReply

log = Log("leadscoring")

Headers = list[tuple[bytes, bytes]]


async def send_parts(reply: StreamedReply, exchange: Exchange, send: Send, headers: Headers) -> None:
    """Sends the parts of a reply, with these headers beside its own.

    Raises ``ClientGone`` when the client hangs up, or takes nothing for as long as the reply is patient. A failure
    between two parts cuts the connection: what was sent must not look whole.
    """
    gone = asyncio.ensure_future(exchange.receive())  # its body is there: nothing but the end can come
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
    """Notes and logs what has ended an answer in its middle."""
    exchange.error = type(failure).__name__
    log.error("request failed", request_id=exchange.request_id, endpoint=exchange.endpoint, exc_info=failure)


async def within(seconds: float, send: Send, message: Message) -> None:
    """Sends a message, which the client has to take in time. Raises ``ClientGone`` when it does not."""
    try:
        async with asyncio.timeout(seconds):
            await send(message)
    except TimeoutError:
        raise ClientGone from None


async def cut(exchange: Exchange, gone: "asyncio.Future[Message]") -> None:
    """Ends the connection, and waits until it is."""
    abort = exchange.scope.get("extensions", {}).get(CUT)
    if abort is not None:
        abort()
        await gone


async def gathered(reply: StreamedReply, exchange: Exchange) -> Reply:
    """The reply in one piece, for a client of HTTP/1.0, which knows no parts.

    Raises ``BatchTooLarge`` when it is about more leads than an array may hold: it is in memory as a whole.
    """
    parts = []
    async with aclosing(reply.parts):
        async for part in reply.parts:
            if exchange.leads > reply.at_once:
                raise BatchTooLarge(exchange.leads, reply.at_once)
            parts.append(part)
    return Reply(reply.status, b"".join(parts), reply.media_type, reply.headers)
