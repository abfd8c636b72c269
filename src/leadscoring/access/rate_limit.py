"""How many leads a key may have scored in a minute: one bucket of tokens for each key, shared by all workers.

A bucket is one number: when it will be full again, if nothing more is taken from it (the generic cell rate algorithm,
ITU-T I.371). The buckets are a table in a file that the workers of a service share. What a key has left is therefore
exact, whichever worker is asked, and outlives a worker that is replaced. Services that share no file, such as
replicas behind a load balancer, each have a table of their own.
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
"""Buckets that are held; labels come from the key ring only, but a ring may be rotated for years."""

NEIGHBOURS = 16
"""Rows in which a label's bucket may stand."""

SIZE = ROWS * 16
"""Bytes of the table: for each row a number made of the label, and when the bucket is full again."""

MOST_OWED = 120.0
"""Seconds until a bucket is full again, at most: a minute for what it holds, and one for what it may owe."""

TRIES, PAUSE = 1000, 0.0001
"""How often, and how many seconds apart, the table is asked for before it is used while another worker has it.

A worker holds it for microseconds, unless it is stopped just then, and nobody may wait for that one.
"""

TINY = 1e-6
"""What sums of floats may get wrong."""

Headers = tuple[tuple[bytes, bytes], ...]


class RateLimit:
    """The limit of each key, over all processes that were given the same ``file``, which ``make_file`` made.

    A bucket holds a minute's worth of leads and fills steadily. A request is let in while there is a token, which is
    asked again when its turn has come; each of its leads then takes one, before it is scored, so that a batch may
    overdraw the bucket once and is paid for before the next. No more than a bucket is ever owed, so nobody waits for
    much longer than a minute.
    """

    def __init__(self, per_minute: int, file: Path | None = None, clock: Callable[[], float] = monotonic) -> None:
        self.enabled = per_minute > 0
        self._size = per_minute
        self._each = 60 / max(1, per_minute)  # seconds in which one token comes back
        self._clock = clock
        self._file: IO[bytes] | None = None
        table: bytearray | mmap.mmap = bytearray(SIZE)
        if self.enabled and file:
            self._file = file.open("r+b")
            table = mmap.mmap(self._file.fileno(), SIZE)
        self._labels = memoryview(table)[: SIZE // 2].cast("Q")
        self._full_at = memoryview(table)[SIZE // 2 :].cast("d")

    def close(self) -> None:
        """Leaves the file to the other processes."""
        if self._file:
            self._file.close()

    def check(self, label: str) -> None:
        """Raises ``RateLimited`` when the key has nothing left."""
        row = self._row(label)
        tokens = self._tokens(0.0 if row is None else self._full_at[row])
        if tokens < 1 - TINY:
            raise RateLimited(self._size, self._seconds_until(1, tokens), self._seconds_until(self._size, tokens))

    def take(self, label: str, leads: int) -> Headers:
        """Takes a token a lead; gives the headers that tell the client what is left."""
        with self._alone():
            row = self._own_row(label)
            now = self._clock()
            full_at = max(self._full_at[row], now) + leads * self._each
            self._full_at[row] = full_at = min(full_at, now + MOST_OWED)
        return self.headers(self._tokens(full_at))

    def headers(self, tokens: float) -> Headers:
        """What is allowed, what is left of it, and in how many seconds all of it is back."""
        return (
            (b"ratelimit-limit", b"%d" % self._size),
            (b"ratelimit-remaining", b"%d" % max(0, math.floor(tokens + TINY))),
            (b"ratelimit-reset", b"%d" % self._seconds_until(self._size, tokens)),
        )

    def _seconds_until(self, wanted: float, tokens: float) -> int:
        """In how many whole seconds there are as many tokens as are wanted."""
        return math.ceil((wanted - tokens) * self._each - TINY)

    def _tokens(self, full_at: float) -> float:
        return self._size - max(0.0, full_at - self._clock()) / self._each

    def _row(self, label: str) -> int | None:
        """The row of a label, if it has one."""
        number = number_of(label)
        return next((row for row in rows(number) if self._labels[row] == number), None)

    def _own_row(self, label: str) -> int:
        """The row of a label; one that has none gets the row whose bucket is the fullest, or always was."""
        row = self._row(label)
        if row is None:
            number = number_of(label)
            row = min(rows(number), key=self._full_at.__getitem__)
            self._labels[row], self._full_at[row] = number, 0.0
        return row

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """While no other process changes the table, or after a moment all the same."""
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
    """A number that stands for a label in the table; never 0, which stands for none."""
    return int.from_bytes(blake2b(label.encode(), digest_size=8).digest()) or 1


def rows(number: int) -> Iterator[int]:
    """The rows in which the bucket of a label with this number may stand."""
    return ((number + step) % ROWS for step in range(NEIGHBOURS))


def make_file(path: Path) -> None:
    """Makes the table that processes can share, with every bucket full. Raises ``OSError`` when the disk is."""
    with path.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, SIZE)
