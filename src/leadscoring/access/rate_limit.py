"""Rate limit in leads per minute: one token bucket per key, shared by all workers.

A bucket is stored as one number: the time at which it will be full again if no more tokens are taken (the generic
cell rate algorithm, ITU-T I.371). The buckets are a table in a file that the workers of a service share, so the limit
is exact across workers and survives a restarted worker. Services that share no file, such as replicas behind a load
balancer, each have their own table.
"""

import fcntl
import math
import mmap
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from hashlib import blake2b
from pathlib import Path
from time import monotonic, sleep
from typing import IO

from leadscoring.errors import RateLimited

ROWS = 4096
"""Number of buckets in the table; only labels of known keys get one, but keys may be rotated for years."""

NEIGHBOURS = 16
"""Number of rows that may hold the bucket of a label (open addressing)."""

SIZE = ROWS * 16
"""Bytes of the table: for each row a hash of the label, and the time at which the bucket is full again."""

MOST_OWED = 120.0
"""Maximum seconds until a bucket is full: a minute for its capacity, and a minute for what it may be overdrawn."""

TRIES, PAUSE = 1000, 0.0001
"""Number of attempts to lock the table, and seconds between them, before it is used without the lock.

A worker holds the lock for microseconds. A worker that is suspended while it holds the lock must not block the
others.
"""

TINY = 1e-6
"""Tolerance for the rounding errors of floating-point sums."""

Headers = tuple[tuple[bytes, bytes], ...]


class RateLimit:
    """The rate limit of each key, across all processes that share ``file``, which ``make_file`` creates.

    A bucket holds a minute's worth of leads and refills steadily. A request is admitted while its key has at least
    one token; this is checked again when the request leaves the queue. Each of its leads takes one token before it is
    scored, so one batch may overdraw the bucket, and later requests wait until the debt is repaid. The debt is at
    most one full bucket, so the wait is little more than a minute.
    """

    def __init__(self, per_minute: int, file: Path | None = None, clock: Callable[[], float] = monotonic) -> None:
        self.enabled = per_minute > 0
        self._size = per_minute
        self._each = 60 / max(1, per_minute)  # seconds per token
        self._clock = clock
        self._file: IO[bytes] | None = None
        table: bytearray | mmap.mmap = bytearray(SIZE)
        if self.enabled and file:
            self._file = file.open("r+b")
            table = mmap.mmap(self._file.fileno(), SIZE)
        self._labels = memoryview(table)[: SIZE // 2].cast("Q")
        self._full_at = memoryview(table)[SIZE // 2 :].cast("d")

    def close(self) -> None:
        """Closes the shared file."""
        if self._file:
            self._file.close()

    def check(self, label: str) -> None:
        """Raises ``RateLimited`` if the key has no token left."""
        row = self._row(label)
        tokens = self._tokens(0.0 if row is None else self._full_at[row])
        if tokens < 1 - TINY:
            raise RateLimited(self._size, self._seconds_until(1, tokens), self._seconds_until(self._size, tokens))

    def take(self, label: str, leads: int) -> Headers:
        """Takes one token per lead; returns the rate-limit headers."""
        with self._alone():
            row = self._own_row(label)
            now = self._clock()
            full_at = max(self._full_at[row], now) + leads * self._each
            self._full_at[row] = full_at = min(full_at, now + MOST_OWED)
        return self.headers(self._tokens(full_at))

    def headers(self, tokens: float) -> Headers:
        """The headers with the limit, the remaining tokens, and the seconds until the bucket is full."""
        return (
            (b"ratelimit-limit", b"%d" % self._size),
            (b"ratelimit-remaining", b"%d" % max(0, math.floor(tokens + TINY))),
            (b"ratelimit-reset", b"%d" % self._seconds_until(self._size, tokens)),
        )

    def _seconds_until(self, wanted: float, tokens: float) -> int:
        """The whole seconds until ``wanted`` tokens are available."""
        return math.ceil((wanted - tokens) * self._each - TINY)

    def _tokens(self, full_at: float) -> float:
        return self._size - max(0.0, full_at - self._clock()) / self._each

    def _row(self, label: str) -> int | None:
        """The row of a label, or ``None``."""
        number = number_of(label)
        return next((row for row in rows(number) if self._labels[row] == number), None)

    def _own_row(self, label: str) -> int:
        """The row of a label; a new label replaces the fullest bucket among its candidate rows."""
        row = self._row(label)
        if row is None:
            number = number_of(label)
            row = min(rows(number), key=self._full_at.__getitem__)
            self._labels[row], self._full_at[row] = number, 0.0
        return row

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Holds the lock on the table, or proceeds without it after ``TRIES`` attempts."""
        if self._file is None:
            yield
            return
        for _ in range(TRIES):
            try:
                fcntl.lockf(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except OSError:
                sleep(PAUSE)
        try:
            yield
        finally:
            fcntl.lockf(self._file, fcntl.LOCK_UN)


@lru_cache(maxsize=1024)
def number_of(label: str) -> int:
    """The 64-bit hash that stands for a label in the table; never 0, which marks a free row."""
    return int.from_bytes(blake2b(label.encode(), digest_size=8).digest()) or 1


def rows(number: int) -> Iterator[int]:
    """The candidate rows for a label with this hash."""
    return ((number + step) % ROWS for step in range(NEIGHBOURS))


def make_file(path: Path) -> None:
    """Creates the shared table with all buckets full. Raises ``OSError`` if the disk is full."""
    with path.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, SIZE)
