"""Counters that several processes write and any of them reads: numbers in one shared file.

Each worker claims a slot of the file, by a lock that the kernel gives back when the worker dies, however it
dies. Nobody else writes into that slot, so counting needs no lock and costs a few dozen nanoseconds. A worker
that replaces a dead one goes on where that one stopped: totals never fall, nothing is counted twice, and
there is one file for ever. Every series is known beforehand, so its place is arithmetic.
"""

import fcntl
import math
import mmap
import os
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import IO, Literal, NamedTuple

from leadscoring._engine import Recorder

OTHER = "other"
"""The value that a label takes when what happened has no value of its own."""


SHOWN_AT_ZERO = 64
"""Series of a family that are shown before they count anything, so that a rate sees their first step."""


class Family(NamedTuple):
    """One metric: its labels with all the values that each may take and, for a histogram, its upper edges."""

    kind: Literal["counter", "gauge", "histogram"]
    name: str
    help: str
    labels: Mapping[str, tuple[str, ...]] = {}
    buckets: tuple[float, ...] = ()
    alike: bool = False
    """A gauge that every process would put at the same value: shown as the one that is asked has it, not added up."""

    worst: bool = False
    """A gauge that grows with what is wrong: shown as the highest of all processes, not added up."""

    hidden: bool = False
    """For the processes themselves: not shown."""

    shown: frozenset[tuple[str, ...]] = frozenset()
    """Series of a large family that are shown before they count anything all the same."""

    apart: bool = False
    """Its series are counted and written elsewhere, in the area of the tally; here is but what it is called."""

    @property
    def width(self) -> int:
        """Numbers that one series takes: one, or each bucket, the one beyond, and the sum."""
        return len(self.buckets) + 2 if self.kind == "histogram" else 1

    @property
    def size(self) -> int:
        """Numbers that all its series take here."""
        series = 0 if self.apart else 1
        for values in self.labels.values():
            series *= len(values)
        return series * self.width

    def place(self, values: tuple[str, ...]) -> int:
        """Where a series begins within the family; a value that is none of a label's is ``other``."""
        place = 0
        for value, allowed in zip(values, self.labels.values(), strict=True):
            place = place * len(allowed) + allowed.index(value if value in allowed else OTHER)
        return place * self.width


class Count:
    """One counter or gauge of this process."""

    __slots__ = ("_numbers", "_place")

    def __init__(self, numbers: "memoryview[float]", place: int) -> None:
        self._numbers = numbers
        self._place = place

    @property
    def series(self) -> tuple[int, None]:
        """Where it counts."""
        return self._place, None

    def add(self, amount: float = 1.0) -> None:
        """Counts up, or a gauge down."""
        self._numbers[self._place] += amount

    def set(self, value: float) -> None:
        """Puts a gauge at a value."""
        self._numbers[self._place] = value


class Spread:
    """One histogram of this process."""

    __slots__ = ("_edges", "_numbers", "_place", "_sum")

    def __init__(self, numbers: "memoryview[float]", place: int, edges: tuple[float, ...]) -> None:
        self._numbers = numbers
        self._place = place
        self._edges = edges
        self._sum = place + len(edges) + 1

    @property
    def series(self) -> tuple[int, tuple[float, ...]]:
        """Where it counts, and its upper edges."""
        return self._place, self._edges

    def observe(self, value: float) -> None:
        """Counts a value into its bucket; a bucket's upper edge belongs to it."""
        numbers = self._numbers
        numbers[self._place + bisect_left(self._edges, value)] += 1.0
        numbers[self._sum] += value


class Tally:
    """The numbers of all families, shared between processes when there is a file.

    ``path`` names a file that ``make_file`` made, or nothing for a process on its own; ``area`` is how many numbers
    of each process are somebody else's. Raises ``OSError`` when no slot is free.
    """

    def __init__(self, families: tuple[Family, ...], path: Path | None = None, area: int = 0) -> None:
        self._families = families
        self._starts: dict[str, int] = {}
        size = 0
        for family in families:
            self._starts[family.name] = size
            size += family.size
        self._area = slice(size, size + area)
        self._size = size = size + area
        self._file: IO[bytes] | None = None
        if path is None:
            self._all = memoryview(bytearray(size * 8)).cast("d")
            self._mine = self._all
            return
        self._file = path.open("r+b")
        self._all = memoryview(mmap.mmap(self._file.fileno(), 0)).cast("d")
        try:
            slot = self._claim(len(self._all) // size)
        except OSError:
            self._file.close()
            raise
        self._mine = self._all[slot * size : (slot + 1) * size]
        self._forget_gauges()

    def close(self) -> None:
        """Gives the slot back to a successor; counting goes on to be possible, for what comes late."""
        if self._file is not None:
            self._file.close()

    @property
    def area(self) -> "memoryview[float]":
        """The numbers of this process that are somebody else's."""
        return self._mine[self._area]

    def areas(self, part: slice) -> list["memoryview[float]"]:
        """A part of the same numbers of every process."""
        starts = range(self._area.start, len(self._all), self._size)
        return [self._all[start + part.start : start + part.stop] for start in starts]

    def _claim(self, slots: int) -> int:
        assert self._file is not None  # noqa: S101  # only a shared tally claims
        for slot in range(slots):
            try:
                fcntl.lockf(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, slot)
            except OSError:
                continue
            return slot
        raise OSError(f"every one of the {slots} slots for metrics is taken")

    def _forget_gauges(self) -> None:
        for family in self._families:
            if family.kind == "gauge":
                start = self._starts[family.name]
                for place in range(start, start + family.size):
                    self._mine[place] = 0.0

    def count(self, name: str, *values: str) -> Count:
        """The counter or gauge of this name with these label values."""
        return Count(self._mine, self._place(name, values))

    def spread(self, name: str, *values: str) -> Spread:
        """The histogram of this name with these label values."""
        return Spread(self._mine, self._place(name, values), self._family(name).buckets)

    def _family(self, name: str) -> Family:
        return next(family for family in self._families if family.name == name)

    def _place(self, name: str, values: tuple[str, ...]) -> int:
        return self._starts[name] + self._family(name).place(values)

    def together(self, *handles: Count | Spread) -> Callable[..., None]:
        """A function that takes one value for each handle, adds or observes all of them, and is one C call."""
        return Recorder(self._mine, [handle.series for handle in handles]).record

    def exposition(self) -> bytes:
        """Every series over all processes, in Prometheus' text format (0.0.4).

        Those of a large family only when they counted something.
        """
        totals = self._totals()
        shown = (family for family in self._families if not (family.hidden or family.apart))
        return "".join(line for family in shown for line in self._lines(family, totals)).encode()

    def _totals(self) -> list[float]:
        """The numbers of all processes together, as each family wants them."""
        own = self._area.start  # beyond are numbers of somebody else
        slots = [self._all[start : start + own].tolist() for start in range(0, len(self._all), self._size)]
        totals: list[float] = [sum(numbers) for numbers in zip(*slots, strict=True)]
        for family in self._families:
            places = slice(self._starts[family.name], self._starts[family.name] + family.size)
            if family.alike:
                totals[places] = self._mine[places].tolist()
            elif family.worst:
                totals[places] = map(max, zip(*(numbers[places] for numbers in slots), strict=True))
        return totals

    def each(self, name: str) -> list[float]:
        """A counter or gauge without labels, as every process has it; of a slot that nobody has taken, zero."""
        return list(self._all[self._starts[name] :: self._size])

    def _lines(self, family: Family, totals: list[float]) -> Iterator[str]:
        """One family, line by line."""
        yield head(family)
        place = self._starts[family.name]
        hides_zeros = family.size // family.width > SHOWN_AT_ZERO
        for values in product(*family.labels.values()):
            numbers = totals[place : place + family.width]
            place += family.width
            if hides_zeros and values not in family.shown and not any(numbers):
                continue
            labels = dict(zip(family.labels, values, strict=True))
            if family.kind == "histogram":
                yield from histogram_lines(family, labels, numbers)
            else:
                yield line(full_name(family), labels, numbers[0])


class Stamped:
    """A part of a tally's area whose numbers mean something by one model alone; the first of them is its stamp.

    It is the one of ``parts`` at ``room``; those of other processes are added up wherever they have the same stamp.
    A part with another stamp, of another model or another version of it, is emptied and stamped anew.
    """

    def __init__(self, tally: Tally, parts: Sequence[slice], room: int, stamp: float) -> None:
        self._tally = tally
        self._parts = parts
        self._stamp = stamp
        self.mine = mine = tally.area[parts[room]]
        if mine[0] != stamp:
            mine[0] = 0.0  # nobody adds up what is being emptied
            for place in range(1, len(mine)):
                mine[place] = 0.0
            mine[0] = stamp

    def sums(self) -> list[float]:
        """Each number of the part, over all processes that count by this model, or have."""
        every = [numbers for part in self._parts for numbers in self._tally.areas(part)]
        alike = [numbers.tolist() for numbers in every if numbers[0] == self._stamp]
        return [sum(numbers) for numbers in zip(*alike, strict=True)]


Series = tuple[Family, bytes]
"""Some series of a family, as they are written."""


def written_out(series: Iterable[Series]) -> bytes:
    """Series in Prometheus' text format, which wants those of a family together, under its head."""
    parts: dict[str, list[bytes]] = {}
    for family, lines in series:
        if lines:
            parts.setdefault(family.name, [head(family).encode()]).append(lines)
    return b"".join(part for each in parts.values() for part in each)


def histogram_lines(family: Family, labels: dict[str, str], numbers: list[float]) -> Iterator[str]:
    """One histogram: buckets that count all below, their number, their sum."""
    below = 0.0
    for edge, number in zip([*family.buckets, math.inf], numbers, strict=False):
        below += number
        yield line(family.name + "_bucket", {**labels, "le": written(float(edge))}, below)
    yield line(family.name + "_count", labels, below)
    yield line(family.name + "_sum", labels, numbers[-1])


def full_name(family: Family) -> str:
    """The name that Prometheus knows a metric by."""
    return family.name + ("_total" if family.kind == "counter" else "")


def head(family: Family) -> str:
    """What stands above a metric's series."""
    name = full_name(family)
    return f"# HELP {name} {family.help}\n# TYPE {name} {family.kind}\n"


def line(name: str, labels: Mapping[str, str], value: float) -> str:
    """One series and its value; labels in the order of their names."""
    told = ",".join(f'{label}="{escaped(labels[label])}"' for label in sorted(labels))
    return f"{name}{{{told}}} {written(value)}\n" if told else f"{name} {written(value)}\n"


def escaped(value: str) -> str:
    """A label's value as Prometheus reads it."""
    return value.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")


def written(value: float) -> str:
    """A number as Prometheus reads it, every digit of it."""
    if math.isfinite(value):
        return repr(value)
    return "NaN" if math.isnan(value) else "+Inf" if value > 0 else "-Inf"


def make_file(path: Path, families: tuple[Family, ...], slots: int, area: int = 0) -> None:
    """Makes the file that ``slots`` processes can share, with ``area`` numbers of each for somebody else.

    All its blocks are taken at once: a disk that fills up later cannot take a counter away.
    Raises ``OSError`` when the disk is full already.
    """
    size = (sum(family.size for family in families) + area) * 8 * slots
    with path.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, size)
