"""How the service logs: one JSON object a line, or readable text on a terminal.

``ERROR`` is for what the service itself got wrong, so that a ``grep`` for it finds nothing else. No line holds
a feature's value or anything else of a lead, and therefore no message of an exception that a request met.
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
