"""Leads as live quality counts them: each once, by its first score, with what is known of its outcome."""

from typing import Literal

import msgspec

Kind = Literal["won", "lost", "open"]


class Judged(msgspec.Struct, frozen=True, gc=False):
    """Leads of one day, model and tier with nearly the same probability and the same outcome.

    ``day`` is that of their first score, in days since 1970 in UTC, ``probability`` their mean. ``after`` is the number
    of days from the score to the outcome; ``None`` while they are open.
    """

    day: int
    model: int
    tier: str
    probability: float
    leads: int
    kind: Kind
    after: int | None = None
