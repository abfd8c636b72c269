"""What the service tells its operators: one JSON object a line, or readable text on a terminal.

``ERROR`` is for what the service itself got wrong, so that a ``grep`` for it finds nothing else. No line holds
a feature's value or anything else of a lead, and therefore no message of an exception that a request met.
"""

import asyncio
import logging
import os
import sys
import time
import traceback
from types import TracebackType
from typing import Any, NamedTuple, Protocol

import msgspec
import structlog
from structlog.typing import EventDict

from leadscoring.errors import LeadScoringError, RequestError

FLUSH_SECONDS = 0.1
OVERLOADED = 503
"""The service does as it should and says that it cannot take more: no failure."""

LONGEST_CHAIN = 5


class Event(NamedTuple):
    """One kind of line that the service writes of its own accord."""

    level: str
    fields: tuple[str, ...]
    means: str


REQUEST_FIELDS = ("request_id", "key", "method", "path", "status", "duration_ms", "leads", "error", "refused")

EVENTS = {
    "request": Event("INFO", REQUEST_FIELDS, "A request was answered. ERROR for a status of 500 or more, WARNING for "
                     "503; `key` is the label of a key, `error` the error that it ended with, `refused` how many "
                     "leads of a batch ended with which error"),
    "request failed": Event("ERROR", ("request_id", "endpoint", "exception"), "The service failed to answer; "
                            "`exception` says where, without messages, since these may hold a lead"),
    "model loaded": Event("INFO", ("name", "version", "trees", "certified"), "The model is loaded, and its golden "
                          "rows score as certified"),
    "demo key accepted": Event("WARNING", ("advice",), "The demo key opens this service"),
    "no key works": Event("WARNING", ("scope", "advice"), "Nobody can use what needs this scope"),
    "key file read": Event("INFO", ("keys", "added", "removed"), "The key file has changed and counts from now on"),
    "key file refused": Event("ERROR", ("why", "keys"), "The key file has changed but cannot be taken; the keys from "
                              "before go on to count"),
}  # fmt: skip
"""Every event of ours, with the fields that stand beside ``timestamp``, ``level`` and ``event``."""


def configure(level: str, readable: bool) -> None:
    """Sends every log line of the process, of ours and of libraries, to standard output in one shape."""
    shared: list[Any] = [
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        tell_exception,
    ]
    final: Any = console() if readable else structlog.processors.JSONRenderer(serializer=to_json)
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_logger_name, *shared],
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


def console() -> Any:
    """The renderer for terminals. Never structlog's own tracebacks: they may show local variables."""
    return structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)


def to_json(event: dict[str, Any], **_: Any) -> str:
    """One log line; what JSON does not know is told by its ``repr``."""
    return msgspec.json.encode(event, enc_hook=repr).decode()


def upper_level(_logger: Any, _method: str, event: EventDict) -> EventDict:
    """Writes levels as operators grep them."""
    event["level"] = event["level"].upper()
    return event


def tell_exception(_logger: Any, _method: str, event: EventDict) -> EventDict:
    """Puts an exception into words that hold no lead: where it happened and of what kinds it is."""
    told = event.pop("exc_info", None)
    if told:
        failure = told[1] if isinstance(told, tuple) else told
        if not isinstance(failure, BaseException):  # ``True`` stands for the one being handled
            failure = sys.exc_info()[1]
        if failure is not None:
            event["exception"] = "\n".join(told_chain(failure))
    return event


def told_chain(failure: BaseException) -> list[str]:
    """An exception and those that led to it, the first one last, each with its frames."""
    lines: list[str] = []
    link: BaseException | None = failure
    for _ in range(LONGEST_CHAIN):
        if link is None:
            break
        lines += [*(["because of"] if lines else []), told(link), *frames(link.__traceback__)]
        link = link.__cause__ or (None if link.__suppress_context__ else link.__context__)
    return lines


def told(failure: BaseException) -> str:
    """An exception's kind and, where it cannot hold a lead, its message."""
    kind = type(failure)
    name = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    if isinstance(failure, LeadScoringError) and not isinstance(failure, RequestError):
        return f"{name}: {failure}"
    if isinstance(failure, OSError) and failure.strerror:
        return f"{name}: {failure.strerror}"
    return name


def frames(trace: TracebackType | None) -> list[str]:
    """Where an exception came through: file, line, function, and the line of source. No variables."""
    return [line.rstrip("\n") for line in traceback.format_list(traceback.extract_tb(trace))]


class Answered(Protocol):
    """What a request line tells of the exchange."""

    request_id: str
    key: str | None
    leads: int
    error: str | None
    refused: dict[str, int] | None


class AccessLog:
    """One line a request, gathered for a moment so that a write serves many.

    At most ``FLUSH_SECONDS`` late while the event loop runs; ``flush`` writes what is left. When not
    ``enabled``, only what has a status of 500 or more is written. Holds no feature value and nothing else
    of a lead.
    """

    def __init__(self, descriptor: int, readable: bool, enabled: bool = True) -> None:
        self._descriptor = descriptor
        self._readable = readable
        self._enabled = enabled
        self._lines: list[bytes] = []
        self._encode = msgspec.json.Encoder(enc_hook=repr).encode
        self._second = 0
        self._stamp = ""

    def write(self, exchange: Answered, method: str, path: str, status: int, seconds: float) -> None:
        """Notes one answered request."""
        if status < 500 and not self._enabled:
            return
        line: dict[str, Any] = {
            "timestamp": self._now(),
            "level": "INFO" if status < 500 else "WARNING" if status == OVERLOADED else "ERROR",
            "event": "request",
            "request_id": exchange.request_id,
            "key": exchange.key,
            "method": method,
            "path": path,
            "status": status,
            "duration_ms": round(seconds * 1e3, 3),
            "leads": exchange.leads,
        }
        if exchange.error:
            line["error"] = exchange.error
        if exchange.refused:
            line["refused"] = exchange.refused
        if not self._lines:
            asyncio.get_running_loop().call_later(FLUSH_SECONDS, self.flush)
        self._lines.append(text(line) if self._readable else self._encode(line))

    def flush(self) -> None:
        """Writes what was gathered."""
        if not self._lines:
            return
        data = b"\n".join(self._lines) + b"\n"
        self._lines.clear()
        view = memoryview(data)
        while view:
            view = view[os.write(self._descriptor, view) :]

    def _now(self) -> str:
        now = time.time()
        if int(now) != self._second:
            self._second = int(now)
            self._stamp = time.strftime("%Y-%m-%dT%H:%M:%S.", time.gmtime(now))
        return f"{self._stamp}{int(now % 1 * 1e6):06d}Z"


def text(line: dict[str, Any]) -> bytes:
    """A request line for a terminal. What a client sent is escaped: it must not steer the terminal."""
    path = line["path"].encode("unicode_escape").decode()
    method = line["method"].encode("unicode_escape").decode()
    level = f"{line['level']} " if line["level"] != "INFO" else ""
    parts = [f"{line['timestamp'][11:23]} {level}{line['status']} {method:4} {path}", f"{line['duration_ms']} ms"]
    if line["leads"]:
        parts.append(f"{line['leads']} leads")
    parts += [f"{count} {error}" for error, count in line.get("refused", {}).items()]
    parts += [line["error"]] if "error" in line else []
    return "  ".join([*parts, line["key"] or "", line["request_id"]]).encode()


def events_markdown() -> str:
    """The table of events as Markdown for the documentation."""
    lines = ["| Event | Level | Fields | Meaning |", "|---|---|---|---|"]
    for name, event in EVENTS.items():
        fields = ", ".join(f"`{field}`" for field in event.fields)
        lines.append(f"| `{name}` | {event.level} | {fields} | {event.means} |")
    return "\n".join(lines)
