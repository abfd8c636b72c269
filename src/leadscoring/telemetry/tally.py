"""Counters in shared memory: several processes write, and any of them reads the totals.

Each worker claims a slot of a shared file with a lock that the kernel releases when the worker dies. Only that worker
writes to the slot, so counting needs no lock and costs a few dozen nanoseconds. A worker that replaces a dead one
continues with its slot: totals never decrease, nothing is counted twice, and the file does not grow. All series are
known in advance, so the position of each is computed.
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
"""The label value for anything that has no label value of its own."""


SHOWN_AT_ZERO = 64
"""Families with up to this many series are exposed from the start, so that rates include the first increment."""


class Family(NamedTuple):
    """One metric: its labels with all their possible values and, for a histogram, its upper bucket edges."""

    kind: Literal["counter", "gauge", "histogram"]
    name: str
    help: str
    labels: Mapping[str, tuple[str, ...]] = {}
    buckets: tuple[float, ...] = ()
    alike: bool = False
    """A gauge with the same value in every process: exposed from the process that is scraped, not summed."""

    worst: bool = False
    """A gauge that grows as things get worse: exposed as the maximum over all processes, not summed."""

    hidden: bool = False
    """For internal use of the processes: not exposed."""

    shown: frozenset[tuple[str, ...]] = frozenset()
    """Series of a large family that are exposed even at zero."""

    apart: bool = False
    """Its series are counted in the tally's area and exposed elsewhere; this is only its declaration."""

    @property
    def width(self) -> int:
        """Numbers per series: 1, or for a histogram one per bucket, one for values above all edges, and the sum."""
        return len(self.buckets) + 2 if self.kind == "histogram" else 1

    @property
    def size(self) -> int:
        """Numbers of all its series in the tally."""
        series = 0 if self.apart else 1
        for values in self.labels.values():
            series *= len(values)
        return series * self.width

    def place(self, values: tuple[str, ...]) -> int:
        """The offset of a series within the family; unknown label values count as ``other``."""
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
        """Its position, as ``Tally.together`` needs it."""
        return self._place, None

    def add(self, amount: float = 1.0) -> None:
        """Increments a counter, or changes a gauge by ``amount``."""
        self._numbers[self._place] += amount

    def set(self, value: float) -> None:
        """Sets a gauge to a value."""
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
        """Its position and upper edges, as ``Tally.together`` needs them."""
        return self._place, self._edges

    def observe(self, value: float) -> None:
        """Counts a value into its bucket; upper edges are inclusive."""
        numbers = self._numbers
        numbers[self._place + bisect_left(self._edges, value)] += 1.0
        numbers[self._sum] += value


class Tally:
    """The numbers of all families, shared between processes if there is a file.

    ``path`` is a file created by ``make_file``, or ``None`` for a process on its own; ``area`` is the number of
    additional float64 values per process that other modules own. Raises ``OSError`` if no slot is free.
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
        """Releases the slot; late increments are still possible."""
        if self._file is not None:
            self._file.close()

    @property
    def area(self) -> "memoryview[float]":
        """The numbers of this process that other modules own."""
        return self._mine[self._area]

    def areas(self, part: slice) -> list["memoryview[float]"]:
        """A part of the area, for every process."""
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
        """The counter or gauge with this name and these label values."""
        return Count(self._mine, self._place(name, values))

    def spread(self, name: str, *values: str) -> Spread:
        """The histogram with this name and these label values."""
        return Spread(self._mine, self._place(name, values), self._family(name).buckets)

    def _family(self, name: str) -> Family:
        return next(family for family in self._families if family.name == name)

    def _place(self, name: str, values: tuple[str, ...]) -> int:
        return self._starts[name] + self._family(name).place(values)

    def together(self, *handles: Count | Spread) -> Callable[..., None]:
        """A function that takes one value per handle and adds or observes all of them in a single C call."""
        return Recorder(self._mine, [handle.series for handle in handles]).record

    def exposition(self) -> bytes:
        """All series, aggregated over the processes, in the Prometheus text format (0.0.4).

        Series of large families are included only if they are not zero.
        """
        totals = self._totals()
        shown = (family for family in self._families if not (family.hidden or family.apart))
        return "".join(line for family in shown for line in self._lines(family, totals)).encode()

    def _totals(self) -> list[float]:
        """The numbers aggregated over all processes: sum, maximum or own value, depending on the family."""
        own = self._area.start  # the area beyond is not aggregated here
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
        """A counter or gauge without labels, per process; zero for a slot that was never claimed."""
        return list(self._all[self._starts[name] :: self._size])

    def _lines(self, family: Family, totals: list[float]) -> Iterator[str]:
        """The lines of one family."""
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
    """A part of the tally's area with numbers that are valid for one model only; the first is that model's stamp.

    It is the one of ``parts`` at ``room``; those of other processes are summed wherever they have the same stamp. A
    part with another stamp, of another model or version, is cleared and stamped anew.
    """

    def __init__(self, tally: Tally, parts: Sequence[slice], room: int, stamp: float) -> None:
        self._tally = tally
        self._parts = parts
        self._stamp = stamp
        self.mine = mine = tally.area[parts[room]]
        if mine[0] != stamp:
            mine[0] = 0.0  # not summed while it is being cleared
            for place in range(1, len(mine)):
                mine[place] = 0.0
            mine[0] = stamp

    def sums(self) -> list[float]:
        """Each number of the part, summed over all processes and parts with the same stamp."""
        every = [numbers for part in self._parts for numbers in self._tally.areas(part)]
        alike = [numbers.tolist() for numbers in every if numbers[0] == self._stamp]
        return [sum(numbers) for numbers in zip(*alike, strict=True)]


Series = tuple[Family, bytes]
"""A family and some of its series, as they are written."""


def written_out(series: Iterable[Series]) -> bytes:
    """Series in Prometheus' text format: those of a family together, below its head."""
    parts: dict[str, list[bytes]] = {}
    for family, lines in series:
        if lines:
            parts.setdefault(family.name, [head(family).encode()]).append(lines)
    return b"".join(part for each in parts.values() for part in each)


def histogram_lines(family: Family, labels: dict[str, str], numbers: list[float]) -> Iterator[str]:
    """The lines of one histogram: cumulative buckets, count and sum."""
    below = 0.0
    for edge, number in zip([*family.buckets, math.inf], numbers, strict=False):
        below += number
        yield line(family.name + "_bucket", {**labels, "le": written(float(edge))}, below)
    yield line(family.name + "_count", labels, below)
    yield line(family.name + "_sum", labels, numbers[-1])


def full_name(family: Family) -> str:
    """The name of a metric in Prometheus."""
    return family.name + ("_total" if family.kind == "counter" else "")


def head(family: Family) -> str:
    """The HELP and TYPE lines of a metric."""
    name = full_name(family)
    return f"# HELP {name} {family.help}\n# TYPE {name} {family.kind}\n"


def line(name: str, labels: Mapping[str, str], value: float) -> str:
    """One series and its value, with labels in alphabetical order."""
    pairs = ",".join(f'{label}="{escaped(labels[label])}"' for label in sorted(labels))
    return f"{name}{{{pairs}}} {written(value)}\n" if pairs else f"{name} {written(value)}\n"


def escaped(value: str) -> str:
    """A label value, escaped for Prometheus."""
    return value.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")


def written(value: float) -> str:
    """A number in the Prometheus format, at full precision."""
    if math.isfinite(value):
        return repr(value)
    return "NaN" if math.isnan(value) else "+Inf" if value > 0 else "-Inf"


def make_file(path: Path, families: tuple[Family, ...], slots: int, area: int = 0) -> None:
    """Creates the file that ``slots`` processes can share, with ``area`` additional numbers for each.

    All blocks are allocated at once, so that a disk that fills up later loses no counter. Raises ``OSError`` if the
    disk is full.
    """
    size = (sum(family.size for family in families) + area) * 8 * slots
    with path.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, size)
