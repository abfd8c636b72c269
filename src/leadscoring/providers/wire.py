"""The HTTP client for remote models. Cancelling a call closes its socket.

It follows no redirects, keeps no cookies, does not retry, and reads no more of a response than the caller allows.
"""

from collections.abc import Mapping
from io import BytesIO
from typing import NamedTuple
from urllib.request import getproxies, proxy_bypass

import aiohttp
from yarl import URL

from leadscoring.errors import EndpointAnswerInvalid, EndpointUnreachable
from leadscoring.settings import is_loopback

CONNECT_SECONDS = 1.0
"""Timeout of a connection attempt, including TLS; short enough to leave time for a retry."""

IDLE_SECONDS = 30.0
"""Keep-alive of idle connections in seconds; the load balancers of the clouds keep theirs for a minute or more."""

READ_AT_ONCE = 1 << 16

LARGE = 1 << 20
"""Size in bytes from which a body is written to the socket in pieces, which releases the event loop in between."""


class Response(NamedTuple):
    """A response; the names in ``headers`` are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Wire:
    """A connection pool for one URL, without a limit of its own on concurrent calls."""

    def __init__(self, where: str, url: str) -> None:
        self._where = where
        self._url = URL(url, encoded=True)
        self._proxy = proxy_for(self._url)
        self._session: aiohttp.ClientSession | None = None

    def open(self) -> None:
        """Opens the connection pool; must be called from within the event loop."""
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=IDLE_SECONDS),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None, connect=CONNECT_SECONDS),
            auto_decompress=False,
            skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding"),
        )

    async def close(self) -> None:
        """Closes all connections."""
        if self._session is not None:
            await self._session.close()

    async def post(self, body: bytes, headers: Mapping[str, str], most: int) -> Response:
        """Sends a body unchanged; returns the response, of at most ``most`` bytes.

        Raises ``EndpointUnreachable`` if the connection cannot be opened or breaks, and ``EndpointAnswerInvalid`` for
        a longer response.
        """
        if self._session is None:
            raise EndpointUnreachable(self._where, "the connections are closed: the service is starting or stopping")
        try:
            return await self._post(self._session, body, headers, most)
        except aiohttp.ConnectionTimeoutError:
            raise EndpointUnreachable(self._where, f"no connection within {CONNECT_SECONDS:g} s") from None
        except (aiohttp.ClientError, OSError, ValueError) as failure:
            raise EndpointUnreachable(self._where, f"the connection failed ({type(failure).__name__})") from None

    async def _post(
        self, session: aiohttp.ClientSession, body: bytes, headers: Mapping[str, str], most: int
    ) -> Response:
        async with session.post(
            self._url,
            data=body if len(body) < LARGE else BytesIO(body),
            headers={**headers, "Accept-Encoding": "identity"},
            allow_redirects=False,
            proxy=self._proxy,
        ) as answer:
            parts, size = [], 0
            async for part in answer.content.iter_chunked(READ_AT_ONCE):
                size += len(part)
                if size > most:
                    answer.close()
                    raise EndpointAnswerInvalid(self._where, f"an answer of more than {most} bytes")
                parts.append(part)
            received_headers = {name.lower(): value for name, value in answer.headers.items()}
            return Response(answer.status, received_headers, b"".join(parts))


def proxy_for(url: URL) -> str | None:
    """Returns the proxy that the environment configures for a URL (HTTPS_PROXY, NO_PROXY); never one for loopback."""
    host = url.host or ""
    if is_loopback(host) or proxy_bypass(host):
        return None
    return getproxies().get(url.scheme)
