"""The access log: one line per answered request, without any data of a lead."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime

import msgspec
from msgspec import UNSET, UnsetType

from leadscoring.telemetry.output import FLUSH_SECONDS, Output

PATH_SHOWN = 200

OVERLOADED = 503
"""The status of a request rejected under overload, which is not a failure of the service."""

encode_lines = msgspec.json.Encoder().encode_lines


class Answered(msgspec.Struct, frozen=True, gc=False):
    """An answered request, as the access log reports it. Contains no data of a lead."""

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
    """Number of rejected leads of a batch, by error code."""


class AccessLog:
    """Buffers answered requests and writes their lines together.

    Formatting a line in a batch of a hundred costs a tenth of formatting it alone, because code and data stay in the
    processor's cache. Lines are written at most ``FLUSH_SECONDS`` late while the event loop runs; ``flush`` writes
    the rest. Unless ``enabled``, only requests with a status of 500 or more are logged.
    """

    def __init__(self, output: Output, readable: bool, enabled: bool = True) -> None:
        self._output = output
        self._format = readable_lines if readable else json_lines
        self._enabled = enabled
        self._noted: list[Answered] = []

    def note(self, answered: Answered) -> None:
        """Buffers one answered request."""
        if answered.status < 500 and not self._enabled:
            return
        if not self._noted:
            asyncio.get_running_loop().call_later(FLUSH_SECONDS, self.flush)
        self._noted.append(answered)

    def flush(self) -> None:
        """Writes the buffered requests."""
        if not self._noted:
            return
        noted, self._noted = self._noted, []
        self._output.write(self._format(noted))


class RequestLine(msgspec.Struct, gc=False):
    """A JSON log line; the fields are in the order in which they are written."""

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
    """Formats log lines as JSON."""
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
    """Formats log lines for people."""
    return b"".join(map(readable_line, noted))


def readable_line(answered: Answered) -> bytes:
    """Formats one log line for people. Client data is escaped, so that it cannot send control codes to the terminal."""
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
    """Escapes control and non-ASCII characters."""
    return text.encode("unicode_escape").decode()


def level_of(status: int) -> str:
    """The log level for a status."""
    if status < 500:
        return "INFO"
    return "WARNING" if status == OVERLOADED else "ERROR"
