"""A request as a handler gets it, without a server."""

from leadscoring.transport.exchange import Exchange, Message


async def no_body() -> Message:
    """What a request without a body receives."""
    return {"type": "http.request", "body": b"", "more_body": False}


def asking(query: bytes = b"", *headers: tuple[bytes, bytes]) -> Exchange:
    """A GET with a query and headers."""
    scope = {"method": "GET", "path": "/x", "query_string": query, "headers": list(headers), "http_version": "1.1"}
    return Exchange(scope, no_body, "r1")
