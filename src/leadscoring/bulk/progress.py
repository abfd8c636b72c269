"""How far a run has come: rows, rows a second, and the share that is done."""

import time
from collections.abc import Callable, Sequence

from leadscoring.bulk.batch import Position
from leadscoring.bulk.parquet_footer import group_rows
from leadscoring.bulk.sources import Source
from leadscoring.counted import counted

LONGEST = 5.0
"""Seconds after which progress is reported, however little it is."""


class Pace:
    """Reports the progress of a run over some files; the share counts each file by its size."""

    def __init__(self, report: Callable[[str, float], None], sources: Sequence[Source]) -> None:
        self._report = report
        self._sources = sources
        self._sizes = [source.size for source in sources]
        self._totals: dict[int, int] = {}
        self._began = time.monotonic()
        self._first: int | None = None
        self._percent, self._reported = 0, 0.0

    def start(self, number: int, start: Position) -> None:
        """Notes the length of a file as its reader counts it: bytes, or rows of Parquet."""
        source = self._sources[number]
        if source.is_parquet:
            self._totals[number] = 0 if source.is_cloud else sum(group_rows(source.path))
        else:
            self._totals[number] = 0 if is_packed(source) else source.size
        self._report("reading", self.share(number, start))

    def add(self, number: int, end: Position, rows: int) -> None:
        """Reports that so many rows are scored, and where the next batch begins: each per cent, or after a while."""
        now, share = time.monotonic(), self.share(number, end)
        if self._first is None:
            self._first, self._began = rows, now
        elif int(100 * share) == self._percent and now < self._reported + LONGEST:
            return
        self._percent, self._reported = int(100 * share), now
        passed = now - self._began
        speed = f", {(rows - self._first) / passed:,.0f} rows/s" if passed > 0.5 else ""
        self._report(f"{counted(rows, 'row')}{speed}", share)

    def share(self, number: int, end: Position) -> float:
        """The share of all files that is done; that of a file of unknown length counts when it is complete."""
        total, every = self._totals.get(number, 0), sum(self._sizes)
        within = min(end.offset / total, 1.0) if total else 0.0
        return (sum(self._sizes[:number]) + within * self._sizes[number]) / every if every else 0.0


def is_packed(source: Source) -> bool:
    """Whether a file is compressed, by its name, so that its bytes say little about its text."""
    return source.path.endswith((".gz", ".bz2", ".xz", ".zst"))
