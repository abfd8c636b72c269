"""The least that an ASGI application can do: read the body, send back bytes that are ready."""

import os
from pathlib import Path
from typing import Any

ANSWER = Path(os.environ["ANSWER"]).read_bytes()
HEADERS = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(ANSWER))]


async def app(_scope: Any, receive: Any, send: Any) -> None:
    """Answers every request with the same bytes, after reading it."""
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
    await send({"type": "http.response.body", "body": ANSWER})
