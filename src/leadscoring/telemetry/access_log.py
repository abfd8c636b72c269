"""One line for each request that was answered. No line holds anything of a lead."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime

import msgspec
from msgspec import UNSET, UnsetType

from leadscoring.telemetry.output import FLUSH_SECONDS, Output

PATH_SHOWN = 200

OVERLOADED = 503
"""The service does as it should and says that it cannot take more: no failure."""

encode_lines = msgspec.json.Encoder().encode_lines


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
