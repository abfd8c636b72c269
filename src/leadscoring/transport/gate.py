"""State shared by all connections of a process: limits, clock, and the application's early decisions."""

from collections.abc import Callable
from typing import Any, NamedTuple

from leadscoring.settings import Settings
from leadscoring.transport.backlog import Backlog
from leadscoring.transport.exchange import Reply, Scope
from leadscoring.transport.head import Head

Refusal = Callable[[str], Reply]
"""Creates the reply to a request from its id."""


class Limits(NamedTuple):
    """Limits of one connection in bytes and seconds, and of the number of connections."""

    header_bytes: int
    header_seconds: float
    body_seconds: float
    idle_seconds: float
    connections: int

    @classmethod
    def of(cls, settings: Settings) -> "Limits":
        """The limits configured by the settings."""
        return cls(
            settings.max_header_bytes,
            settings.header_timeout_seconds,
            settings.body_timeout_seconds,
            settings.keep_alive_seconds,
            settings.max_connections,
        )


class Gate:
    """State shared by all connections of a process.

    ``now`` is the time of the last tick, by ``monotonic``; ``lines`` are the headers common to all answers, such as
    the date. ``reserved`` are the connections beyond the limit that have sent nothing yet, oldest first. With
    ``closing``, each answer closes its connection. ``buffers`` counts the bytes buffered for clients. While
    ``backlog`` queues scoring requests, those whose caller ``caller_of`` can identify wait in it, and ``turn_away``
    rejects one that cannot be scored in time from its head alone. Otherwise ``answer_at_once`` answers a complete
    request that need not wait, or returns ``None``. ``refused`` creates the id and reply of a request that is
    rejected before it is complete, and logs it; the scope is present if the application has it already.
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
