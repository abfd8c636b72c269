"""How many leads a key may have scored in a minute: a bucket of tokens for each key."""

import math
from collections.abc import Callable
from time import monotonic

from leadscoring.errors import RateLimited

MOST_KEYS = 1024
"""Buckets that are held; labels come from the key ring only, but a ring may be rotated for years."""

Headers = tuple[tuple[bytes, bytes], ...]


class RateLimit:
    """The limit of one of ``workers`` processes, each of which holds its share of it.

    A bucket holds a minute's worth of leads and fills steadily. A request is let in while there is a token; each
    of its leads then takes one, so that a batch may overdraw the bucket once and is paid for before the next.
    """

    def __init__(self, per_minute: int, workers: int = 1, clock: Callable[[], float] = monotonic) -> None:
        self.enabled = per_minute > 0
        self._per_minute = per_minute
        self._size = max(1.0, per_minute / workers)
        self._rate = self._size / 60
        self._clock = clock
        self._buckets: dict[str, tuple[float, float]] = {}

    def check(self, label: str) -> None:
        """Raises ``RateLimited`` when the key has nothing left."""
        tokens = self._tokens(label)
        if tokens < 1:
            raise RateLimited(int(self._size), math.ceil((1 - tokens) / self._rate))

    def take(self, label: str, leads: int) -> Headers:
        """Takes a token a lead; gives the headers that tell the client what is left."""
        tokens = self._tokens(label) - leads
        if label not in self._buckets and len(self._buckets) >= MOST_KEYS:
            del self._buckets[next(iter(self._buckets))]
        self._buckets[label] = (tokens, self._clock())
        return self.headers(tokens)

    def headers(self, tokens: float) -> Headers:
        """What is allowed, what is left of it, and in how many seconds all of it is back."""
        return (
            (b"ratelimit-limit", b"%d" % self._size),
            (b"ratelimit-remaining", b"%d" % max(0, math.floor(tokens))),
            (b"ratelimit-reset", b"%d" % math.ceil((self._size - tokens) / self._rate)),
        )

    def _tokens(self, label: str) -> float:
        tokens, since = self._buckets.get(label, (self._size, self._clock()))
        return min(self._size, tokens + (self._clock() - since) * self._rate)
