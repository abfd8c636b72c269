"""The compiled engine: trees, exact contributions, and the encoding of leads."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

class Rows:
    """Leads as the trees take them: float32 of shape (leads, features), NaN for missing, read-only.

    Made by ``Encoder.encode``, or from lists of numbers and ``None``.
    """

    def __init__(self, rows: Sequence[Sequence[float | None]]) -> None: ...
    @property
    def n_rows(self) -> int: ...
    @property
    def n_features(self) -> int: ...
    @property
    def unseen(self) -> list[tuple[int, int]]:
        """The row of each text that its category's table lacks, and the first column of its feature, row by row."""

    @property
    def present(self) -> list[int]:
        """Per row, how many features were given (``None`` counts, left out does not)."""

    def row(self, index: int) -> list[float | None]: ...
    def __len__(self) -> int: ...
    def __buffer__(self, flags: int, /) -> memoryview: ...

def join_rows(parts: Sequence[Rows]) -> Rows:
    """The rows of all of them, one after the other. ValueError when they differ in their features."""

class Encoder:
    """Turns decoded leads into rows.

    ``kinds`` has 0 for a number, 1 for an integer, 2 for a flag, 3 for a category that comes as text, 4 for one that
    comes as a number and 5 for one that comes as its code; ``tables`` has for each category of the kinds 3 and 4
    its code by text or number (``None`` as code means missing), and ``other`` the code of one outside of it (``None``:
    missing), or the first unseen code. ``unset`` marks a value that was left out. ``rare`` has for each feature the
    texts outside of its table that are not new: a ``BinCounter`` counts them by their code, and not as unseen.
    ``missing`` is the float32 that means missing beside NaN. Tables are copied. ``widths`` has the number of columns of
    each feature, one where it is ``None``; several come from tables, which have a tuple of one number for each column.
    ``bounds`` has those of numbers that nothing has checked before (``None``: none); it is looked at where a number
    means missing.
    """

    def __init__(
        self,
        kinds: Sequence[int],
        tables: Sequence[Mapping[Any, float | tuple[float | None, ...] | None] | None],
        other: Sequence[float | None],
        unset: object,
        rare: Sequence[Iterable[str]] | None = None,
        missing: float = math.nan,
        widths: Sequence[int] | None = None,
        bounds: Sequence[tuple[float, float] | None] | None = None,
    ) -> None: ...
    def encode(self, leads: Sequence[tuple[object, ...]]) -> Rows:
        """One row a lead. ValueError names the row and the feature whose value does not fit."""

class Recorder:
    """Counts into ``numbers``, a writable buffer of doubles: all that one request has to count in one call.

    ``plan`` has the place of each series and, for a histogram, its upper edges. ValueError when one of
    them lies outside of the numbers.
    """

    def __init__(self, numbers: object, plan: Sequence[tuple[int, Sequence[float] | None]]) -> None: ...
    def record(self, *values: float) -> None:
        """Adds one value to each series, in the plan's order."""

class BinCounter:
    """Counts leads into the bins of a model's reference, within ``numbers``, a writable buffer of doubles.

    ``columns`` has for each feature of a row ``None`` (it is not counted), or the place where its 12 numbers begin
    (ten bins, missing, unseen) with the upper edges of its bins and ``None``, or ``None`` and the bin of each code.
    ``margins`` are the upper edges of the bins of the score, in log-odds; its ten numbers begin at ``score``.
    ValueError when one of them lies outside of the numbers, or edges do not rise or are more than 9.
    """

    def __init__(
        self,
        numbers: object,
        columns: Sequence[tuple[int, Sequence[float] | None, Sequence[int] | None] | None],
        margins: Sequence[float],
        score: int,
    ) -> None: ...
    def count(self, rows: Rows, margins: list[float]) -> None:
        """Counts each row and its margin once. ValueError when they do not fit together, or the columns."""

class Forest:
    """Checked trees, laid out for the kernels.

    ValueError for any that cannot be trusted,
    NotImplementedError for what is sound but more than the engine takes (deeper than 512 levels).
    """

    def __init__(
        self, n_features: int, base_margin: float, trees: Sequence[tuple[Sequence[float | None], ...]]
    ) -> None: ...
    @property
    def n_features(self) -> int: ...
    @property
    def n_trees(self) -> int: ...
    @property
    def n_nodes(self) -> int: ...
    @property
    def max_depth(self) -> int: ...
    @property
    def base_value(self) -> float: ...
    @property
    def n_bytes(self) -> int: ...
    @property
    def importance(self) -> list[tuple[float, int, float]]:
        """Per feature: sum of gains, number of splits, sum of covers."""

    @property
    def categories(self) -> list[int]:
        """Per feature: largest category code of its splits + 1, or -1 where none splits on categories."""

    def predict(self, rows: Rows) -> list[float]: ...
    def explain(self, rows: Rows) -> list[list[float]]: ...
    def reasons(self, rows: Rows, limit: int, first: int = 0, last: int = -1) -> list[list[tuple[int, float]]]:
        """The strongest contributions of the rows from ``first`` until before ``last`` (-1: of all that follow).

        ValueError when there are no such rows, or for a negative limit.
        """

    def margins_into(self, rows: object, out: object) -> None:
        """From one C-contiguous float32 buffer into another; TypeError or ValueError if they do not fit."""

    def contributions_into(self, rows: object, out: object) -> None: ...

class ReasonFinder:
    """Finds the reasons of a forest by feature, and counts them into ``numbers``, a writable buffer of doubles.

    ``widths`` has the number of columns of each feature, whose contributions are added up; ``None`` where each has
    one. ``numbers`` has two for each of the first features: how often it raised a score, and how often it lowered one.
    ValueError when these are not pairs of doubles, or the widths do not add up to the forest's columns.
    """

    def __init__(self, forest: Forest, numbers: object = None, widths: Iterable[int] | None = None) -> None: ...
    def reasons(self, rows: Rows, limit: int, first: int = 0, last: int = -1) -> list[list[tuple[int, float]]]:
        """As in ``Forest``, by feature; each that is given is counted once."""

class Names:
    """The keys that an object may have, as UTF-8 bytes."""

    def __init__(self, names: Iterable[bytes]) -> None: ...

# Of one object: each known key given (place, begin and end of its last value, how often), the first 100 unknown ones
# (begin and end of the name, begin and end of the last value, how often), and how many of those there are.
_Keys = tuple[list[tuple[int, int, int, int]], list[tuple[int, int, int, int, int]], int]

class Skim:
    """One JSON text, the part of ``text`` from ``begin`` until before ``end``, read in slices.

    Says whether it is JSON, where NaN and infinities count as numbers, and which keys there are in its root (``outer``)
    and in the object that is the value of the root's key number ``inner``. One pass over the bytes, whatever they are.
    """

    def __init__(self, outer: Names, inner: int, names: Names, text: bytes, begin: int, end: int) -> None: ...
    def step(self, size: int) -> bool:
        """Reads about ``size`` bytes; true when there is nothing left to read."""

    @property
    def failure(self) -> tuple[int, str] | None:
        """Where it is not JSON, and why."""

    @property
    def root(self) -> tuple[int, int]:
        """Where the value begins and ends."""

    @property
    def outer(self) -> _Keys: ...
    @property
    def inner(self) -> _Keys: ...

class Split:
    """Where the elements of a JSON array begin and end, found in slices; those beyond ``limit`` are only counted.

    It looks at brackets, commas and quotation marks alone; whether an element is sound is for its reader to say.
    """

    def __init__(self, text: bytes, limit: int) -> None: ...
    def step(self, size: int) -> bool:
        """Reads about ``size`` bytes; true when there is nothing left to read."""

    @property
    def sound(self) -> bool:
        """Whether it is one array, if its elements are sound."""

    @property
    def count(self) -> int: ...
    def element(self, place: int) -> tuple[int, int, int]:
        """Begin, end, and the number of colons outside of strings, of one element. IndexError when it was not kept."""

    def groups(self, size: int, longest: int, most_colons: int) -> list[tuple[int, int, int, int, int, bool]]:
        """Neighbours of about ``size`` bytes: the first element and that after the last, begin, end, colons.

        The last says whether they are usual; an element that is longer, or has more colons, is not, and is alone.
        """

def count_colons(body: bytes) -> int:
    """How many colons lie outside of JSON strings; any bytes will do."""

def _count_colons_plain(body: bytes) -> int: ...
def plain_json(text: bytes) -> bytes:
    """The JSON with NaN (outside of strings) replaced by null, and infinities by numbers infinite as float32."""

def variants() -> list[str]:
    """The instruction sets that this machine can run, the widest last."""

def variant() -> str:
    """The one in use: the widest, unless told otherwise."""

def use_variant(name: str) -> None:
    """Take another one, in the whole process; all give the same bits. ValueError if unknown here."""
