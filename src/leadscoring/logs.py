"""What the service tells its operators: one JSON object a line, or readable text on a terminal."""

import asyncio
import logging
import os
import sys
import time
from collections.abc import Callable
from typing import Any

import msgspec
import structlog
from structlog.typing import EventDict

FLUSH_SECONDS = 0.1
FLUSH_BYTES = 32768


class Output:
    """Where log lines go. What cannot be written, to a full disk or a reader that has gone, is dropped and counted.

    ``dropped`` hears how many lines were lost.
    """

    def __init__(self, descriptor: int, dropped: Callable[[float], None] = lambda _lines: None) -> None:
        self.dropped = dropped
        self._descriptor = descriptor

    def write(self, lines: bytes) -> None:
        """Writes whole lines; never raises."""
        view = memoryview(lines)
        try:
            while view:
                view = view[os.write(self._descriptor, view) :]
        except OSError:
            self.dropped(float(bytes(view).count(b"\n")))


class LineHandler(logging.Handler):
    """Sends the records of ``logging`` to an output."""

    def __init__(self, output: Output) -> None:
        super().__init__()
        self.output = output

    def emit(self, record: logging.LogRecord) -> None:
        """Writes one record as one line."""
        try:
            line = self.format(record)
        except Exception:  # as in logging's own handlers: a line that cannot be made must not end a request
            self.handleError(record)
            return
        self.output.write(line.encode("utf-8", "backslashreplace") + b"\n")


def configure(level: str, readable: bool) -> Output:
    """Sends every log line of the process, of ours and of libraries, to standard output in one shape.

    Gives the output, for the access log to share.
    """
    shared: list[Any] = [
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    final: Any = structlog.dev.ConsoleRenderer() if readable else structlog.processors.JSONRenderer(serializer=to_json)
    output = Output(sys.stdout.fileno())
    handler = LineHandler(output)
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
    return output


def to_json(event: dict[str, Any], **_: Any) -> str:
    """One log line; what JSON does not know is told by its ``repr``."""
    return msgspec.json.encode(event, enc_hook=repr).decode()


def upper_level(_logger: Any, _method: str, event: EventDict) -> EventDict:
    """Writes levels as operators grep them."""
    event["level"] = event["level"].upper()
    return event


class AccessLog:
    """One line a request, gathered for a moment so that a write serves many.

    At most ``FLUSH_SECONDS`` late while the event loop runs; ``flush`` writes what is left.
    Holds no feature value and nothing else of a lead.
    """

    def __init__(self, output: Output, readable: bool, enabled: bool = True) -> None:
        self._output = output
        self._readable = readable
        self._enabled = enabled
        self._lines: list[bytes] = []
        self._encode = msgspec.json.Encoder(enc_hook=repr).encode
        self._second = 0
        self._stamp = ""

    def write(
        self,
        request_id: str,
        key: str | None,
        method: str,
        path: str,
        status: int,
        seconds: float,
        leads: int,
        error: str | None,
    ) -> None:
        """Notes one answered request; ``error`` is the name of the error that it ended with."""
        if not self._enabled:
            return
        line = {
            "timestamp": self._now(),
            "level": "ERROR" if status >= 500 else "INFO",
            "event": "request",
            "request_id": request_id,
            "key": key,
            "method": method,
            "path": path,
            "status": status,
            "duration_ms": round(seconds * 1e3, 3),
            "leads": leads,
        }
        if error:
            line["error"] = error
        if not self._lines:
            asyncio.get_running_loop().call_later(FLUSH_SECONDS, self.flush)
        self._lines.append(self._text(line) if self._readable else self._encode(line))

    def flush(self) -> None:
        """Writes what was gathered."""
        if not self._lines:
            return
        data = b"\n".join(self._lines) + b"\n"
        self._lines.clear()
        self._output.write(data)

    def _now(self) -> str:
        now = time.time()
        if int(now) != self._second:
            self._second = int(now)
            self._stamp = time.strftime("%Y-%m-%dT%H:%M:%S.", time.gmtime(now))
        return f"{self._stamp}{int(now % 1 * 1e6):06d}Z"

    @staticmethod
    def _text(line: dict[str, Any]) -> bytes:
        shown = (
            f"{line['timestamp'][11:23]} {line['status']} {line['method']:4} {line['path']}  {line['duration_ms']} ms"
        )
        leads = f"  {line['leads']} leads" if line["leads"] else ""
        return f"{shown}{leads}  {line.get('error', '')} {line['request_id']}".encode()
