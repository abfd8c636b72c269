"""A minimal ASGI application, which reads the body and returns fixed bytes."""

import os
from pathlib import Path
from typing import Any

ANSWER = Path(os.environ["ANSWER"]).read_bytes()
HEADERS = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(ANSWER))]


async def app(_scope: Any, receive: Any, send: Any) -> None:
    """Reads every request, and responds with the same bytes."""
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
    await send({"type": "http.response.body", "body": ANSWER})
