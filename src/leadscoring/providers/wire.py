"""The one way over the network to a remote model. Whoever cancels a call ends it down to the socket.

No redirect is followed, no cookie kept, no retry made, and no more of an answer is read than was asked for.
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
"""For one connection to be made, with TLS: longer means that nobody is there, and leaves time to try again."""

IDLE_SECONDS = 30.0
"""For which a connection is kept open; the clouds' front doors keep theirs for a minute or more."""

READ_AT_ONCE = 1 << 16

LARGE = 1 << 20
"""Bytes from which a body is handed to the socket in pieces, so that others have the event loop in between."""


class Response(NamedTuple):
    """What came back: ``headers`` by their names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Wire:
    """Connections to one address, of at most as many calls as whoever calls it makes at once."""

    def __init__(self, where: str, url: str) -> None:
        self._where = where
        self._url = URL(url, encoded=True)
        self._proxy = proxy_for(self._url)
        self._session: aiohttp.ClientSession | None = None

    def open(self) -> None:
        """Makes ready to call; from within the event loop."""
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=IDLE_SECONDS),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None, connect=CONNECT_SECONDS),
            auto_decompress=False,
            skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding"),
        )

    async def close(self) -> None:
        """Ends all connections."""
        if self._session is not None:
            await self._session.close()

    async def post(self, body: bytes, headers: Mapping[str, str], most: int) -> Response:
        """The answer, of at most ``most`` bytes, to a body that is sent as it is.

        Raises ``EndpointUnreachable`` when there is no connection or it breaks, ``EndpointAnswerInvalid`` for a longer
        answer.
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
            told = {name.lower(): value for name, value in answer.headers.items()}
            return Response(answer.status, told, b"".join(parts))


def proxy_for(url: URL) -> str | None:
    """The proxy that the environment names for an address (HTTPS_PROXY, NO_PROXY); this machine needs none."""
    host = url.host or ""
    if is_loopback(host) or proxy_bypass(host):
        return None
    return getproxies().get(url.scheme)
