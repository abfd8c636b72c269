"""A stub of an Azure ML endpoint that can be switched to be slow, dead or moody, for ``make stress``.

    python -m benchmarks.endpoint PORT MODEL

``POST /score`` scores rows; ``POST /mode/NAME`` changes its behaviour:

``quick``      answers at once
``slow``       takes 20 ms for each call, one call at a time
``dead``       takes calls and never answers
``moody``      answers for a second, fails with 503 for the next, and so on
"""

import asyncio
import sys
from pathlib import Path
from time import monotonic

import msgspec

from leadscoring._engine import Rows
from leadscoring.model.trees import TreeEnsemble

CALL_SECONDS = 0.02
MODES = ("quick", "slow", "dead", "moody")


class Endpoint:
    """The state that all connections share."""

    def __init__(self, model: Path) -> None:
        self.trees = TreeEnsemble.load(model)
        self.mode = "quick"
        self.one_at_a_time = asyncio.Lock()
        self.never = asyncio.Event()

    async def score(self, body: bytes) -> tuple[int, bytes]:
        """Scores encoded rows; returns the status and body of the response."""
        if self.mode == "dead":
            await self.never.wait()
        if self.mode == "moody" and int(monotonic()) % 2:
            return 503, b"{}"
        if self.mode == "slow":
            async with self.one_at_a_time:
                await asyncio.sleep(CALL_SECONDS)  # simulated work
        margins = self.trees.predict(Rows(msgspec.json.decode(body)["data"]))
        return 200, msgspec.json.encode({"predictions": [0.5] * len(margins), "margins": margins})

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serves one connection, request by request."""
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                lower = head.lower()
                start = lower.index(b"content-length:") + 15
                body = await reader.readexactly(int(lower[start : lower.index(b"\r\n", start)]))
                path = head.split(b" ", 2)[1].decode()
                status, answer = 200, b"{}"
                if path.startswith("/mode/") and path[6:] in MODES:
                    self.mode = path[6:]
                else:
                    status, answer = await self.score(body)
                writer.write(b"HTTP/1.1 %d -\r\ncontent-length: %d\r\n\r\n%b" % (status, len(answer), answer))
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()


async def main() -> None:
    """Runs the endpoint."""
    endpoint = Endpoint(Path(sys.argv[2]))
    server = await asyncio.start_server(endpoint.serve, "127.0.0.1", int(sys.argv[1]), limit=1 << 24)
    await server.serve_forever()


if __name__ == "__main__":
    import uvloop

    uvloop.run(main())
