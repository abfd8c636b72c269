"""What the service tells its operators: one JSON object a line, or readable text on a terminal.

``ERROR`` is for what the service itself got wrong, so that a ``grep`` for it finds nothing else. No line holds
a feature's value or anything else of a lead, and therefore no message of an exception that a request met.
"""

import asyncio
import logging
import os
import select
import sys
import threading
import traceback
from collections import deque
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from time import monotonic
from types import TracebackType
from typing import Any, NamedTuple

import msgspec
from msgspec import UNSET, UnsetType

from leadscoring.errors import LeadScoringError, RequestError

FLUSH_SECONDS = 0.1
ROOM = 4 << 20
"""Bytes of lines that wait for a reader, at most: some ten thousand requests."""

LEAVE_SECONDS = 1.0
"""How long a process that ends waits for the reader of its log."""

PIPE_BUF = 4096
"""Bytes that the kernel never mixes with those of another process that writes to the same pipe."""

PATH_SHOWN = 200
OVERLOADED = 503
"""The service does as it should and says that it cannot take more: no failure."""

LONGEST_CHAIN = 5

encode = msgspec.json.Encoder(enc_hook=repr).encode
encode_lines = msgspec.json.Encoder().encode_lines


class Event(NamedTuple):
    """One kind of line that the service writes of its own accord."""

    level: str
    fields: tuple[str, ...]
    means: str


REQUEST_FIELDS = ("request_id", "key", "method", "path", "status", "duration_ms", "leads", "error", "refused")

EVENTS = {
    "request": Event("INFO", REQUEST_FIELDS, "A request was answered. ERROR for a status of 500 or more, WARNING for "
                     "503; `key` is the label of a key, `error` the error that it ended with, `refused` how many "
                     "leads of a batch ended with which error; `method` and `path` are empty where no head came"),
    "request failed": Event("ERROR", ("request_id", "endpoint", "exception"), "The service failed to answer; "
                            "`exception` says where, without messages, since these may hold a lead"),
    "model loaded": Event("INFO", ("name", "version", "trees", "certified"), "The model is loaded, and its golden "
                          "rows score as certified"),
    "model caution": Event("WARNING", ("advice",), "Somebody may expect other scores of the model, or other values in "
                           "its leads: it stopped early, or the file lacks the values of its categories"),
    "model fails": Event("ERROR", ("reason",), "The model's golden rows no longer score as certified; said once, and "
                         "again when they did meanwhile"),
    "model file changed": Event("WARNING", ("serves", "advice"), "A worker started after the file at MODEL_PATH had "
                                "changed or gone: it serves the same model as the others, whose SHA-256 is `serves`"),
    "shipped model served": Event("WARNING", ("advice",), "MODEL_PATH is not set and there is no file at its default: "
                                  "the model inside the package is served"),
    "demo key accepted": Event("WARNING", ("advice",), "The demo key opens this service"),
    "scoring without a key": Event("WARNING", ("protocol", "port", "advice"), "A protocol is spoken that asks for no "
                                   "key; only its host may reach the port"),
    "no key works": Event("WARNING", ("scope", "advice"), "Nobody can use what needs this scope"),
    "key file read": Event("INFO", ("keys", "added", "removed"), "The key file has changed and counts from now on"),
    "read again": Event("INFO", ("keys",), "SIGHUP came: the key file was read again, and so many keys count"),
    "key file refused": Event("ERROR", ("why", "keys"), "The key file has changed but cannot be taken; the keys from "
                              "before go on to count"),
    "model endpoint failed": Event("WARNING", ("endpoint_provider", "error", "kind", "reason", "times"), "A remote "
                                   "model did not score; `kind` is the error, `times` how often since the last line"),
    "model endpoint breaker": Event("WARNING", ("endpoint_provider", "state"), "A remote model is left alone from now "
                                    "on (`open`), tried (`half_open`), or called again (`closed`)"),
    "model endpoint matches": Event("INFO", ("endpoint_provider", "rows"), "A remote model scores the golden rows as "
                                    "they are certified"),
    "model endpoint differs": Event("ERROR", ("endpoint_provider", "error", "rows", "differing"), "A remote model does "
                                    "not score the golden rows as certified: its scores are served to nobody"),
    "model fallback fails": Event("ERROR", ("endpoint_provider", "error"), "The local model, which should stand in for "
                                  "a remote one, does not score as certified, and is not used"),
    "listening": Event("INFO", ("host", "port", "pid"), "A process accepts connections"),
    "draining": Event("INFO", ("seconds",), "The process was asked to end: it is not ready any more, and answers on "
                      "for so long before it stops accepting"),
    "worker cannot start": Event("ERROR", ("error", "reason"), "A worker gave up during its start"),
    "descriptors exhausted": Event("ERROR", ("reason",), "A connection could not be taken, since the process or the "
                                   "machine has no descriptor left; those that are open go on"),
    "descriptors available": Event("INFO", (), "Connections are taken again"),
    "worker replaced": Event("ERROR", ("pid", "exitcode", "hung"), "A worker died or hung; another takes its place"),
    "worker killed": Event("ERROR", ("pid", "reason"), "A worker that was asked to end did not"),
}  # fmt: skip
"""Every event of ours, with the fields that stand beside ``timestamp``, ``level`` and ``event``."""


class Output:
    """Where log lines go: whoever writes here never waits for whoever reads there.

    A thread writes, because nothing else is sound: a full pipe makes a writer wait, and to make a pipe or terminal
    not do so changes it for every program that has it open, our parent among them. Up to ``room`` bytes wait for a
    reader that has stalled. What is beyond, and what cannot be written, to a full disk or a reader that has gone, is
    dropped; ``dropped`` hears how many lines. Workers write to one pipe in pieces that the kernel keeps whole.
    """

    def __init__(
        self, descriptor: int, dropped: Callable[[float], None] = lambda _lines: None, room: int = ROOM
    ) -> None:
        self.dropped = dropped
        self._descriptor = descriptor
        self._room = room
        self._lines: deque[bytes] = deque()
        self._held = 0
        self._changed = threading.Condition()  # its lock may be taken twice: a signal's handler logs as well
        self._thread: threading.Thread | None = None
        self._ending = False
        self._patient = True

    def write(self, lines: bytes) -> None:
        """Takes whole lines; never raises, never waits."""
        with self._changed:
            if self._held + len(lines) > self._room:
                self.dropped(float(lines.count(b"\n")))
                return
            self._lines.append(lines)
            self._held += len(lines)
            if self._thread is None and not self._start():
                self._lines.pop()
                self._held -= len(lines)
                self.dropped(float(lines.count(b"\n")))
            self._changed.notify_all()

    def flush(self, seconds: float | None = None) -> None:
        """Waits until everything is written, for ``seconds`` at most.

        When not told for how long: ``LEAVE_SECONDS``, and not a second time for a reader that stalls.
        """
        if seconds is None:
            seconds = LEAVE_SECONDS if self._patient else 0.0
        deadline = monotonic() + seconds
        with self._changed:
            while self._held and (left := deadline - monotonic()) > 0:
                self._changed.wait(left)
            self._patient = not self._held

    def close(self) -> None:
        """Flushes, and lets the thread end."""
        self.flush()
        with self._changed:
            self._ending = True
            self._changed.notify_all()

    def _start(self) -> bool:
        """Starts the thread; not possible any more when the interpreter ends."""
        self._ending = False
        self._thread = threading.Thread(target=self._run, name="log", daemon=True)
        try:
            self._thread.start()
        except RuntimeError:
            self._thread = None
            return False
        return True

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._lines and not self._ending:
                    self._changed.wait()
                if not self._lines:
                    self._thread = None
                    return
                lines = self._lines.popleft()
            lost = written(self._descriptor, lines)
            with self._changed:
                self._held -= len(lines)
                self._patient = True
                if lost:
                    self.dropped(float(lost))
                self._changed.notify_all()


def written(descriptor: int, lines: bytes) -> int:
    """Writes lines, however long that takes; gives how many could not be written."""
    begin = 0
    while begin < len(lines):
        end = lines.rfind(b"\n", begin, begin + PIPE_BUF) + 1 or lines.find(b"\n", begin) + 1 or len(lines)
        while begin < end:
            try:
                begin += os.write(descriptor, lines[begin:end])
            except BlockingIOError:  # somebody made it so for all who have it open
                select.select((), (descriptor,), ())
            except OSError:
                return lines.count(b"\n", begin)
    return 0


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

    def flush(self) -> None:
        """Waits for a moment until everything is written; ``logging`` asks for it when the process ends."""
        self.output.flush()

    def close(self) -> None:
        """Ends the output."""
        self.output.close()
        super().close()


def configure(level: str, readable: bool) -> Output:
    """Sends every log line of the process, of ours and of libraries, to standard output in one shape.

    Gives the output, for the access log to share.
    """
    output = Output(sys.stdout.fileno())
    handler = LineHandler(output)
    handler.setFormatter(Readable() if readable else Json())
    logging.basicConfig(handlers=[handler], level=level, force=True)
    return output


def hush(*libraries: str) -> None:
    """Keeps libraries from writing all that they do at LOG_LEVEL=DEBUG, such as requests with the tokens in them."""
    for name in libraries:
        logging.getLogger(name).setLevel(logging.WARNING)


class Log:
    """Says events with their fields: a thin skin over ``logging``, whose levels and handlers count."""

    def __init__(self, name: str) -> None:
        self._logger = logging.getLogger(name)

    def info(self, event: str, **fields: Any) -> None:
        """Something that is as it should be."""
        self._say(logging.INFO, event, fields)

    def warning(self, event: str, **fields: Any) -> None:
        """Something that an operator should change."""
        self._say(logging.WARNING, event, fields)

    def error(self, event: str, exc_info: BaseException | None = None, **fields: Any) -> None:
        """Something that the service got wrong; ``exc_info`` is the exception that says where."""
        self._say(logging.ERROR, event, fields, exc_info)

    def _say(self, level: int, event: str, fields: dict[str, Any], failure: BaseException | None = None) -> None:
        if self._logger.isEnabledFor(level):
            self._logger.log(level, event, exc_info=failure, extra={"fields": fields})


class Json(logging.Formatter):
    """Log lines for programs; what JSON does not know is told by its ``repr``."""

    def format(self, record: logging.LogRecord) -> str:
        """One line."""
        moment = datetime.fromtimestamp(record.created, UTC).isoformat().replace("+00:00", "Z")
        return encode({"timestamp": moment, "level": record.levelname, **in_parts(record)}).decode()


class Readable(logging.Formatter):
    """Log lines for people."""

    def format(self, record: logging.LogRecord) -> str:
        """One line, and those of an exception below it."""
        clock = datetime.fromtimestamp(record.created).astimezone().strftime("%H:%M:%S")
        parts = in_parts(record)
        event, exception = parts.pop("event"), parts.pop("exception", None)
        said = [clock, *([] if record.levelno == logging.INFO else [record.levelname]), event]
        said += [f"{name}={value}" for name, value in parts.items() if name != "logger"]
        return "  ".join(said) + (f"\n{exception}" if exception else "")


def in_parts(record: logging.LogRecord) -> dict[str, Any]:
    """What a record says, field by field: an event of ours, or a line of a library with the name of its logger."""
    parts: dict[str, Any] = {"event": record.getMessage()}
    if record.name == "asyncio":  # the rest shows tasks with their results and arguments
        parts["event"] = parts["event"].partition("\n")[0].partition("(")[0]
    fields = getattr(record, "fields", None)
    parts |= {"logger": record.name} if fields is None else fields
    if record.exc_info and record.exc_info[1]:
        parts["exception"] = in_words(record.exc_info[1])
    return parts


def in_words(failure: BaseException) -> str:
    """An exception in words that hold no lead: where it happened and of what kinds it is."""
    return "\n".join(told_chain(failure))


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
    refused: Mapping[str, int] | None = None
    """How many leads of a batch ended with which error."""


class AccessLog:
    """One line a request, noted at once and written together with others a moment later.

    A line that is formatted among a hundred others costs a tenth of one that is formatted alone, since
    its code and data are at hand. At most ``FLUSH_SECONDS`` late while the event loop runs; ``flush``
    writes what is left. When not ``enabled``, only requests with a status of 500 or more are written.
    """

    def __init__(self, output: Output, readable: bool, enabled: bool = True) -> None:
        self._output = output
        self._format = readable_lines if readable else json_lines
        self._enabled = enabled
        self._noted: list[Answered] = []

    def note(self, answered: Answered) -> None:
        """Keeps one answered request for the next write."""
        if answered.status < 500 and not self._enabled:
            return
        if not self._noted:
            asyncio.get_running_loop().call_later(FLUSH_SECONDS, self.flush)
        self._noted.append(answered)

    def flush(self) -> None:
        """Writes what was noted."""
        if not self._noted:
            return
        noted, self._noted = self._noted, []
        self._output.write(self._format(noted))


class RequestLine(msgspec.Struct, gc=False):
    """A log line for programs, field by field as it is written."""

    timestamp: datetime
    level: str
    event: str
    request_id: str
    key: str | None
    method: str
    path: str
    status: int
    duration_ms: float
    leads: int
    error: str | UnsetType = UNSET
    refused: Mapping[str, int] | UnsetType = UNSET


def json_lines(noted: list[Answered]) -> bytes:
    """Log lines for programs."""
    return encode_lines(
        [
            RequestLine(
                datetime.fromtimestamp(answered.moment, UTC),
                level_of(answered.status),
                "request",
                answered.request_id,
                answered.key,
                answered.method,
                answered.path[:PATH_SHOWN],
                answered.status,
                round(answered.seconds * 1e3, 3),
                answered.leads,
                answered.error or UNSET,
                answered.refused or UNSET,
            )
            for answered in noted
        ]
    )


def readable_lines(noted: list[Answered]) -> bytes:
    """Log lines for people."""
    return b"".join(map(readable_line, noted))


def readable_line(answered: Answered) -> bytes:
    """A log line for people. What a client sent is escaped: it must not steer the terminal."""
    clock = datetime.fromtimestamp(answered.moment).astimezone().strftime("%H:%M:%S")
    level = level_of(answered.status)
    parts = [
        f"{clock} {'' if level == 'INFO' else level + ' '}{answered.status} "
        f"{escaped(answered.method):4} {escaped(answered.path[:PATH_SHOWN])}",
        f"{answered.seconds * 1e3:.2f} ms",
        f"{answered.leads} leads" if answered.leads else "",
        *(f"{count} {error}" for error, count in (answered.refused or {}).items()),
        answered.error or "",
        answered.key or "",
        answered.request_id,
    ]
    return ("  ".join(filter(None, parts)) + "\n").encode()


def escaped(text: str) -> str:
    """A text without anything that a terminal acts upon."""
    return text.encode("unicode_escape").decode()


def level_of(status: int) -> str:
    """The level of a request's line."""
    if status < 500:
        return "INFO"
    return "WARNING" if status == OVERLOADED else "ERROR"


def events_markdown() -> str:
    """The table of events as Markdown for the documentation."""
    lines = ["| Event | Level | Fields | Meaning |", "|---|---|---|---|"]
    for name, event in EVENTS.items():
        fields = ", ".join(f"`{field}`" for field in event.fields)
        lines.append(f"| `{name}` | {event.level} | {fields} | {event.means} |")
    return "\n".join(lines)
