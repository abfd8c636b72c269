"""What all connections of a process share: their limits, the clock, and what the application answers early."""

from collections.abc import Callable
from typing import Any, NamedTuple

from leadscoring.settings import Settings
from leadscoring.transport.backlog import Backlog
from leadscoring.transport.exchange import Reply, Scope
from leadscoring.transport.head import Head

Refusal = Callable[[str], Reply]
"""The reply to the request with this id."""


class Limits(NamedTuple):
    """What one connection may use up, in bytes and seconds, and how many there may be."""

    header_bytes: int
    header_seconds: float
    body_seconds: float
    idle_seconds: float
    connections: int

    @classmethod
    def of(cls, settings: Settings) -> "Limits":
        """The limits among the settings."""
        return cls(
            settings.max_header_bytes,
            settings.header_timeout_seconds,
            settings.body_timeout_seconds,
            settings.keep_alive_seconds,
            settings.max_connections,
        )


class Gate:
    """What all connections of a process share.

    ``now`` is the clock, set by the server, and ``lines`` the headers that all answers have, of which the date is one;
    ``reserved`` has the connections beyond the limit that have said nothing yet, the oldest first;
    ``closing`` says that every answer from now on ends its connection. ``buffers`` counts what is held for clients.
    While ``backlog`` holds requests to score, those of which ``caller_of`` knows the caller wait in it, and
    ``turn_away`` answers one that cannot be scored in time from its head alone; otherwise ``answer_at_once`` answers
    one that is all there and need not wait, or not. ``refused`` gives the id and the reply of a request that is
    refused before it is whole, and notes it; its scope is there when the application has it already.
    """

    __slots__ = (
        "answer_at_once", "backlog", "buffers", "caller_of", "closing", "limits", "lines", "now", "refused",
        "rejected", "reserved", "turn_away",
    )  # fmt: skip

    def __init__(
        self,
        limits: Limits,
        backlog: Backlog,
        rejected: Callable[[str], None],
        caller_of: Callable[[Head], str | None],
        turn_away: Callable[[Head, bool], bytes],
        answer_at_once: Callable[[Head, bytes], tuple[Reply, str] | None],
        refused: Callable[[Refusal, Scope | None], tuple[str, Reply]],
    ) -> None:
        self.limits = limits
        self.backlog = backlog
        self.buffers = backlog.buffers
        self.rejected = rejected
        self.caller_of = caller_of
        self.turn_away = turn_away
        self.answer_at_once = answer_at_once
        self.refused = refused
        self.reserved: dict[Any, None] = {}
        self.now = 0.0
        self.lines = b""
        self.closing = False
