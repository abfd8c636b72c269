"""What the service tells its operators: one JSON object a line, or readable text on a terminal."""

import asyncio
import logging
import os
import sys
from datetime import UTC, datetime
from typing import Any

import msgspec
import structlog
from structlog.typing import EventDict

FLUSH_SECONDS = 0.1
PATH_SHOWN = 200

encode = msgspec.json.Encoder(enc_hook=repr).encode


def configure(level: str, readable: bool) -> None:
    """Sends every log line of the process, of ours and of libraries, to standard output in one shape."""
    shared: list[Any] = [
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    final: Any = structlog.dev.ConsoleRenderer() if readable else structlog.processors.JSONRenderer(serializer=to_json)
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, upper_level, final],
        )
    )
    logging.basicConfig(handlers=[handler], level=level, force=True)
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level]),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )


def to_json(event: dict[str, Any], **_: Any) -> str:
    """One log line; what JSON does not know is told by its ``repr``."""
    return encode(event).decode()


def upper_level(_logger: Any, _method: str, event: EventDict) -> EventDict:
    """Writes levels as operators grep them."""
    event["level"] = event["level"].upper()
    return event


class Answered(msgspec.Struct, frozen=True, gc=False):
    """One request, as its log line will tell it. Holds no feature value and nothing else of a lead."""

    moment: float
    request_id: str
    key: str | None
    method: str
    path: str
    status: int
    seconds: float
    leads: int
    error: str | None


class AccessLog:
    """One line a request, noted at once and written together with others a moment later.

    A line that is formatted among a hundred others costs a tenth of one that is formatted alone, since
    its code and data are at hand. At most ``FLUSH_SECONDS`` late while the event loop runs; ``flush``
    writes what is left.
    """

    def __init__(self, descriptor: int, readable: bool, enabled: bool = True) -> None:
        self._descriptor = descriptor
        self._format = readable_line if readable else json_line
        self._enabled = enabled
        self._noted: list[Answered] = []

    def note(self, answered: Answered) -> None:
        """Keeps one answered request for the next write."""
        if not self._enabled:
            return
        if not self._noted:
            asyncio.get_running_loop().call_later(FLUSH_SECONDS, self.flush)
        self._noted.append(answered)

    def flush(self) -> None:
        """Writes what was noted."""
        if not self._noted:
            return
        noted, self._noted = self._noted, []
        view = memoryview(b"".join(map(self._format, noted)))
        while view:
            view = view[os.write(self._descriptor, view) :]


def json_line(answered: Answered) -> bytes:
    """A log line for programs."""
    line = {
        "timestamp": datetime.fromtimestamp(answered.moment, UTC).isoformat().replace("+00:00", "Z"),
        "level": "ERROR" if answered.status >= 500 else "INFO",
        "event": "request",
        "request_id": answered.request_id,
        "key": answered.key,
        "method": answered.method,
        "path": answered.path[:PATH_SHOWN],
        "status": answered.status,
        "duration_ms": round(answered.seconds * 1e3, 3),
        "leads": answered.leads,
    }
    if answered.error:
        line["error"] = answered.error
    return encode(line) + b"\n"


def readable_line(answered: Answered) -> bytes:
    """A log line for people."""
    clock = datetime.fromtimestamp(answered.moment).astimezone().strftime("%H:%M:%S")
    leads = f"  {answered.leads} leads" if answered.leads else ""
    path = answered.path[:PATH_SHOWN].encode("ascii", "backslashreplace").decode()
    took = f"{answered.seconds * 1e3:.2f} ms"
    said = f"{clock} {answered.status} {answered.method:4} {path}  {took}{leads}  {answered.error or ''}"
    return f"{said.rstrip()}  {answered.request_id}\n".encode()
