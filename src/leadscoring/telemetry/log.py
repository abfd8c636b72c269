"""Logging: one JSON object per line, or readable text on a terminal.

``ERROR`` is reserved for failures of the service itself, so that a ``grep`` for it matches nothing else. No line
contains a feature's value or any other data of a lead, and so none contains the message of an exception raised by a
request.
"""

import logging
import sys
import traceback
from datetime import UTC, datetime
from types import TracebackType
from typing import Any

import msgspec

from leadscoring.errors import LeadScoringError, RequestError
from leadscoring.telemetry.output import Output

LONGEST_CHAIN = 5

encode = msgspec.json.Encoder(enc_hook=repr).encode


class LineHandler(logging.Handler):
    """Writes the records of ``logging`` to an output."""

    def __init__(self, output: Output) -> None:
        super().__init__()
        self.output = output

    def emit(self, record: logging.LogRecord) -> None:
        """Writes one record as one line."""
        try:
            line = self.format(record)
        except Exception:  # as in logging's own handlers: a formatting error must not fail a request
            self.handleError(record)
            return
        self.output.write(line.encode("utf-8", "backslashreplace") + b"\n")

    def flush(self) -> None:
        """Waits briefly until everything is written; ``logging`` calls this when the process ends."""
        self.output.flush()

    def close(self) -> None:
        """Closes the output."""
        self.output.close()
        super().close()


def configure(level: str, readable: bool) -> Output:
    """Sends all log lines of the process, including those of libraries, to standard output in one format.

    Returns the output, which the access log shares.
    """
    output = Output(sys.stdout.fileno())
    handler = LineHandler(output)
    handler.setFormatter(Readable() if readable else Json())
    logging.basicConfig(handlers=[handler], level=level, force=True)
    return output


def hush(*libraries: str) -> None:
    """Raises the log level of libraries to WARNING: their debug logs contain requests with their tokens."""
    for name in libraries:
        logging.getLogger(name).setLevel(logging.WARNING)


class Log:
    """Logs events with their fields: a thin wrapper around ``logging``, whose levels and handlers apply."""

    def __init__(self, name: str) -> None:
        self._logger = logging.getLogger(name)

    def info(self, event: str, **fields: Any) -> None:
        """Logs normal operation."""
        self._log(logging.INFO, event, fields)

    def warning(self, event: str, **fields: Any) -> None:
        """Logs a condition that an operator should change."""
        self._log(logging.WARNING, event, fields)

    def error(self, event: str, exc_info: BaseException | None = None, **fields: Any) -> None:
        """Logs a failure of the service; ``exc_info`` is the exception that caused it."""
        self._log(logging.ERROR, event, fields, exc_info)

    def _log(self, level: int, event: str, fields: dict[str, Any], failure: BaseException | None = None) -> None:
        if self._logger.isEnabledFor(level):
            self._logger.log(level, event, exc_info=failure, extra={"fields": fields})


class Json(logging.Formatter):
    """Formats records as JSON, with ``repr`` for values that JSON does not support."""

    def format(self, record: logging.LogRecord) -> str:
        """Formats a record as one line."""
        moment = datetime.fromtimestamp(record.created, UTC).isoformat().replace("+00:00", "Z")
        return encode({"timestamp": moment, "level": record.levelname, **in_parts(record)}).decode()


class Readable(logging.Formatter):
    """Formats records for people."""

    def format(self, record: logging.LogRecord) -> str:
        """Formats a record as one line, followed by the lines of its exception."""
        clock = datetime.fromtimestamp(record.created).astimezone().strftime("%H:%M:%S")
        parts = in_parts(record)
        event, exception = parts.pop("event"), parts.pop("exception", None)
        columns = [clock, *([] if record.levelno == logging.INFO else [record.levelname]), event]
        columns += [f"{name}={value}" for name, value in parts.items() if name != "logger"]
        return "  ".join(columns) + (f"\n{exception}" if exception else "")


def in_parts(record: logging.LogRecord) -> dict[str, Any]:
    """The fields of a record: those of our own events, or the message and logger name of a library."""
    parts: dict[str, Any] = {"event": record.getMessage()}
    if record.name == "asyncio":  # the rest contains the results and arguments of tasks
        parts["event"] = parts["event"].partition("\n")[0].partition("(")[0]
    fields = getattr(record, "fields", None)
    parts |= {"logger": record.name} if fields is None else fields
    if record.exc_info and record.exc_info[1]:
        parts["exception"] = in_words(record.exc_info[1])
    return parts


def in_words(failure: BaseException) -> str:
    """Describes an exception and its causes, by type and traceback, without any data of a lead."""
    return "\n".join(described_chain(failure))


def described_chain(failure: BaseException) -> list[str]:
    """Describes an exception and its causes, the root cause last, each with its frames."""
    lines: list[str] = []
    link: BaseException | None = failure
    for _ in range(LONGEST_CHAIN):
        if link is None:
            break
        lines += [*(["because of"] if lines else []), described(link), *frames(link.__traceback__)]
        link = link.__cause__ or (None if link.__suppress_context__ else link.__context__)
    return lines


def described(failure: BaseException) -> str:
    """The type of an exception and, if it cannot contain data of a lead, its message."""
    kind = type(failure)
    name = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    if isinstance(failure, LeadScoringError) and not isinstance(failure, RequestError):
        return f"{name}: {failure}"
    if isinstance(failure, OSError) and failure.strerror:
        return f"{name}: {failure.strerror}"
    return name


def frames(trace: TracebackType | None) -> list[str]:
    """The frames of a traceback: file, line, function and source line. No variables."""
    return [line.rstrip("\n") for line in traceback.format_list(traceback.extract_tb(trace))]
