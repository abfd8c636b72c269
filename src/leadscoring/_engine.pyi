"""The compiled engine: trees, exact contributions, encoding of leads, and incremental JSON scanners."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

class Rows:
    """Encoded leads, the input of the trees: float32 of shape (leads, features), NaN for missing, read-only.

    Created by ``Encoder.encode``, or from lists of numbers and ``None``.
    """

    def __init__(self, rows: Sequence[Sequence[float | None]]) -> None: ...
    @property
    def n_rows(self) -> int: ...
    @property
    def n_features(self) -> int: ...
    @property
    def unseen(self) -> list[tuple[int, int]]:
        """The (row, first column of the feature) of each text that is not in its category's table, in row order."""

    @property
    def future(self) -> list[tuple[int, int]]:
        """The (row, first column of the feature) of each date that is missing since it lies in the future."""

    @property
    def present(self) -> list[int]:
        """Per row, how many features were sent (``None`` counts, an omitted feature does not)."""

    def row(self, index: int) -> list[float | None]: ...
    def __len__(self) -> int: ...
    def __buffer__(self, flags: int, /) -> memoryview: ...

class TapeSegment:
    """A segment of a tape that this process writes: a file of ``size`` bytes, open for reading and writing.

    Records begin at ``begin``. ``secret`` is that of the keys of leads. Of the leads, a ``share`` is kept by their
    keys, of rows without a key by their content. ``OSError`` if the file cannot be mapped.
    """

    def __init__(self, file: int, size: int, begin: int, secret: bytes, share: float = 1.0) -> None: ...
    @property
    def end(self) -> int:
        """The end of the last record."""

    def record(
        self,
        rows: Rows,
        margins: list[float],
        leads: list[Any] | None,
        request: str,
        model: int,
        flags: int,
        timed: bool,
        unseen: Callable[[Rows, list[Any]], dict[int, bytes]] | None,
        first: int = 0,
    ) -> int:
        """Appends the rows from ``first`` on; returns the first without room, or the number of rows.

        ``leads`` have ``lead_id`` and, if they are ``timed``, ``as_of``; flag 16 keeps the id besides its key.
        ``unseen`` is called for rows with values that the model does not know, and returns them as JSON by row. A row
        that another process can read is complete. ``ValueError`` for lists of another length.
        """

    def close(self) -> None:
        """Unmaps the file."""

def read_tape(
    segment: object, begin: int, limit: int
) -> tuple[list[tuple[int, float, int, int | None, bytes, bytes, str, str | None, int]], int, bool]:
    """Up to ``limit`` records of a buffer from ``begin`` on, the offset behind them, and whether damage follows.

    A record is time, margin, number of the model, as_of, row, lead, request id, unseen texts and flags.
    """

def tape_table(
    values: object,
    margins: object,
    ids: list[str] | None,
    moments: object | None,
    unseen: Mapping[int, bytes],
    secret: bytes,
    share: float,
    request: str,
    flags: int,
) -> tuple[bytearray, int]:
    """The records of a table's leads, one after the other, and how many they are; all are of the model with number 0.

    ``values`` is float32 of shape (leads, columns), ``margins`` float64 and ``moments`` int64, one per lead; ``unseen``
    has JSON by row. Of the leads, a ``share`` is kept. ``ValueError`` for arrays of another length.
    """

def lead_keys(secret: bytes, ids: list[str]) -> bytes:
    """The keys of many leads, 16 bytes each, one after the other."""

def lead_key(secret: bytes, lead_id: bytes) -> bytes:
    """The key of a lead as segments have it: a keyed BLAKE2b of its id in UTF-8, 16 bytes."""

def crc32c(buffer: object, before: int = 0) -> int:
    """The CRC-32C of a buffer, with the instruction of the machine where it has one; it goes on from `before`."""

def _crc32c_plain(buffer: object, before: int = 0) -> int:
    """The same from a table."""

def join_rows(parts: Sequence[Rows]) -> Rows:
    """Concatenates rows. ValueError if they differ in their features."""

class Encoder:
    """Encodes decoded leads as rows.

    ``kinds`` has 0 for a number, 1 for an integer, 2 for a flag, 3 for a category sent as text, 4 for one sent as a
    number and 5 for one sent as its code. ``tables`` maps, for each category of kind 3 or 4, its texts or numbers to
    codes (``None`` as code means missing). ``other`` is the code of a value that is not in the table (``None``:
    missing; with several columns one for all, or a tuple) or, for codes, the first unseen one. ``unset`` marks an
    omitted value. ``rare`` has for each feature the texts that are not in its table but not new: a ``BinCounter``
    counts them by their code, not as unseen.
    ``missing`` is a float32 that means missing, besides NaN. Tables are copied. ``widths`` has the number of columns of
    each feature (``None``: one each); several come from tables, which hold a tuple with a number for each column.
    ``bounds`` has the bounds of numbers that have not been checked yet (``None``: none); it is used if a number means
    missing.

    Kinds 6 (date), 7 (words), 8 (address) and 9 (set) have a column for each aspect; ``specs`` has for them, and
    ``None`` for others, the tuple of aspects (each a name and what it is of; for a date the place of another one),
    texts that mean missing, whether a date may lie in the future, weights, groups and roles.
    """

    def __init__(
        self,
        kinds: Sequence[int],
        tables: Sequence[Mapping[Any, float | tuple[float | None, ...] | None] | None],
        other: Sequence[float | tuple[float | None, ...] | None],
        unset: object,
        rare: Sequence[Iterable[str]] | None = None,
        missing: float = math.nan,
        widths: Sequence[int] | None = None,
        bounds: Sequence[tuple[float, float] | None] | None = None,
        specs: Sequence[tuple[Any, ...] | None] | None = None,
    ) -> None: ...
    def encode(
        self, leads: Sequence[tuple[object, ...]], now: int = 0, as_of: Sequence[int | None] | None = None
    ) -> Rows:
        """One row per lead. ValueError names the row and the feature of an invalid value.

        Leads with dates are scored as of ``now``, or of their own moment in ``as_of``, in microseconds since 1970
        (UTC). A date is sent as text, or as such a number.
        """

    def encode_columns(self, columns: Sequence[object], as_of: object, out: object) -> Rows:
        """Encodes features of the kinds 6 to 9, column by column, with the same results.

        ``columns`` has for each feature an object with ``__arrow_c_stream__`` in one chunk (of int64 moments for dates,
        else of texts), or a list of values as in ``leads``. ``as_of`` is such an object of int64. Writes to ``out``, a
        float32 buffer of shape (columns, leads). The rows that are returned are empty, but for ``unseen`` and
        ``future``. TypeError or ValueError if something does not match.
        """

def parse_moment(text: str) -> int | None:
    """Microseconds since 1970 (UTC) of an ISO 8601 date, or date and time; ``None`` if the text is neither.

    Years are 1 to 9999, fractions are cut to microseconds, and the second 60 is the first of the next minute.
    """

def csv_lines(columns: Sequence[tuple[int, object] | tuple[int, object, Sequence[str]]]) -> tuple[bytes, int]:
    """Writes columns as lines of CSV; returns them, and how many texts got an apostrophe.

    A column is a kind and an Arrow series of one chunk: 0 for numbers (whole, or float64) and booleans, 1 for texts
    that no spreadsheet runs, 2 for texts that get an apostrophe if one could. With names, a column of texts has their
    places. Null is nothing, and an empty text ``""``.
    """

def distinct_numbers(values: object, places: object, found: object) -> int | None:
    """Finds the distinct numbers of a buffer of float64, in the order in which they come.

    Writes them to ``found``, float64, and for each value its place there to ``places``, uint32 and as long as
    ``values``. All NaN are one number; 0.0 and -0.0 are two. Returns how many there are, ``None`` if more than fit.
    """

def parquet_pages(
    kind: int, cells: object, rows: int, names: object = None, width: int = 0, there: object = None
) -> tuple[bytes, int, int, int, int, bytes | None, bytes | None]:
    """Writes a column of a row group of Parquet, compressed by Snappy.

    Kinds of cells are 0 for places (uint32) in ``names``, an Arrow series of texts, 1 for float64, of which NaN is
    null, 2 for an Arrow series of texts, and 3 for uint8. There is one cell a row; with ``width``, so many, which are a
    list of values of structs: ``there``, int32, is less than 0 from the first cell on that is not in it. Returns the
    pages, the bytes in them of a dictionary, the number of values, the bytes before compression, how many values are
    null, and without ``width`` the least and the largest value as Parquet has them.
    """

def snappy(content: bytes) -> bytes:
    """Compresses bytes in Snappy's format."""

def decimal(value: float, plain: bool = False) -> str:
    """The shortest decimal that reads as a number, in the notation of Polars; ``plain`` without the C++ library's."""

def read_decimal(text: str) -> float | None:
    """The nearest number to a plain decimal; ``None`` for any other text, and for what is not finite."""

class TextTable:
    """The places of some texts, all different: ValueError if they are not."""

    def __init__(self, texts: Iterable[str]) -> None: ...
    def places(self, column: object, places: object) -> int:
        """Finds each text of an Arrow series in the table, and writes its place to ``places``, uint32.

        The place of a text that is not in the table is the number of those that are, that of null one more. Returns how
        many are not in the table.
        """

def read_moments(column: object, moments: object, marks: object) -> None:
    """``parse_moment`` of each text of an Arrow series, whitespace of ASCII around it aside.

    Writes to ``moments``, int64, the least number where there is none; and to ``marks``, a byte for each text, 1 for
    texts that are no moments, else 0.
    """

def mark_tokens(column: object, tokens: Iterable[str], marks: object) -> None:
    """Marks the texts of an Arrow series that are one of ``tokens``, but for case and the whitespace around them.

    ``tokens`` are in lower case. ``marks`` is a buffer of a byte for each text: 1 for such texts, 2 for those that are
    not ASCII, which the caller must look at, and else 0.
    """

def plain_rows(
    block: bytes, delimiter: str, wanted: Sequence[int]
) -> tuple[int, list[MadeColumn | None], list[int]] | None:
    """Reads delimited text in which each line is a row, no cell is in quotation marks, and no byte is 0.

    ``wanted`` says of each column of the file what is made of it: 0 nothing, 1 numbers, 2 texts. Returns the number of
    rows, the columns that are wanted, and the rows without any value. Empty cells are null. A column of numbers is
    ``None`` if a cell is neither empty nor a plain decimal (``read_decimal``). Returns ``None`` if a row is shorter or
    longer than ``wanted``.
    """

def parse_moments(texts: list[str]) -> list[int | None]:
    """``parse_moment`` of each text."""

def words_of(text: str) -> list[str]:
    """The folded words of a text, each followed by the pair that it forms with the next one."""

def address_of(text: str) -> tuple[str, str] | None:
    """The local part and the domain of an e-mail address, folded; ``None`` if it is none."""

def values_of(texts: str | Sequence[str]) -> list[str]:
    """The folded values of a list or tuple, or of a text with ``;`` (else ``,``) between them; blank ones are none."""

class Recorder:
    """Updates all metrics of one request in ``numbers``, a writable buffer of doubles, in a single call.

    ``plan`` has the offset of each series and, for a histogram, its upper edges. ValueError if one of them is outside
    the buffer.
    """

    def __init__(self, numbers: object, plan: Sequence[tuple[int, Sequence[float] | None]]) -> None: ...
    def record(self, *values: float) -> None:
        """Adds one value to each series, in the order of the plan."""

class BinCounter:
    """Counts leads into the bins of a model's reference, within ``numbers``, a writable buffer of doubles.

    ``columns`` has for each column of a row ``None`` (not counted), or the offset of its 12 numbers (ten bins,
    missing, unseen) with either the upper edges of its bins and ``None``, or ``None`` and the bin of each code.
    ``margins`` are the upper edges of the bins of the score, in log-odds; its ten numbers start at ``score``.
    ValueError if one of them is outside the buffer, or if edges do not increase or are more than 9.
    """

    def __init__(
        self,
        numbers: object,
        columns: Sequence[tuple[int, Sequence[float] | None, Sequence[int] | None] | None],
        margins: Sequence[float],
        score: int,
    ) -> None: ...
    def count(self, rows: Rows, margins: list[float]) -> None:
        """Counts each row and its margin once. ValueError if the rows do not match the margins or the columns."""

class Forest:
    """Validated trees, laid out for the kernels.

    ValueError for invalid trees, NotImplementedError for valid ones that exceed the engine's limits (more than 512
    levels).
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
        """Per feature: largest category code of its splits + 1, or -1 if none splits on categories."""

    def predict(self, rows: Rows) -> list[float]: ...
    def explain(self, rows: Rows) -> list[list[float]]: ...
    def reasons(self, rows: Rows, limit: int, first: int = 0, last: int = -1) -> list[list[tuple[int, float]]]:
        """The strongest contributions of the rows from ``first`` until before ``last`` (-1: to the end).

        ValueError if there are no such rows, or for a negative limit.
        """

    def margins_into(self, rows: object, out: object) -> None:
        """Reads a C-contiguous float32 buffer and writes to another; TypeError or ValueError if they do not match."""

    def contributions_into(self, rows: object, out: object) -> None: ...

class ReasonFinder:
    """Computes the reasons of a forest by feature, and counts them in ``numbers``, a writable buffer of doubles.

    ``widths`` has the number of columns of each feature, whose contributions are summed (``None``: one each).
    ``numbers`` has two for each of the first features: how often it raised a score, and how often it lowered one.
    ValueError if these are not pairs of doubles, or the widths do not add up to the forest's columns.
    """

    def __init__(self, forest: Forest, numbers: object = None, widths: Iterable[int] | None = None) -> None: ...
    def reasons(self, rows: Rows, limit: int, first: int = 0, last: int = -1) -> list[list[Any]]:
        """As in ``Forest``, by feature; each returned reason is counted once.

        With ``widths`` a reason is ``(feature, contribution, column, value)``: the column of the feature, from 0, with
        the largest contribution in the direction of the sum (the first of equals), and its value in the row (``None``
        for missing).
        """

class TableScorer:
    """Checks and scores tables column by column, with the same bits as lead by lead.

    ``finder`` says how contributions become reasons; nothing is counted. ``rules`` has for each column of the forest
    the smallest and the largest number that fit, which numbers fit (0 any, 1 whole ones, 2 only 0 and 1), whether it is
    required, and a float32 that means missing, NaN for none.
    """

    def __init__(self, finder: ReasonFinder, rules: Sequence[tuple[float, float, int, bool, float]]) -> None: ...
    def score(
        self,
        columns: Sequence[object],
        first: int,
        last: int,
        limit: int,
        doubtful: object,
        margins: object,
        features: object,
        contributions: object,
        leading: object,
        values: object,
        sent: object,
    ) -> None:
        """Scores the leads from ``first`` until before ``last``; several threads may score parts of a table.

        ``columns`` has for each column of the forest an object with ``__arrow_c_stream__`` of numbers or booleans in
        one chunk, or a buffer of float32 or float64. The others are arrays with a row for each lead of the table, of
        which those of these leads are written: ``doubtful`` (bytes) becomes 1 where a number does not fit or a required
        one is missing, and stays as it is elsewhere; ``margins`` (float64); and of shape (leads, limit) the reasons:
        ``features`` (int32, -1 for none), ``contributions`` (float64), ``leading`` (int32: the column of the feature,
        from 0, that contributes most), ``values`` (float32) in that column, and ``sent`` (float64), its cell. TypeError
        or ValueError if they do not match.
        """

    def rows(self, columns: Sequence[object], values: object) -> None:
        """Writes the rows of a table as the trees see them to a float32 array of shape (leads, columns)."""

class MadeColumn:
    """A column of float64 or of texts that the engine made; Arrow reads it where it lies."""

    def __arrow_c_array__(self, requested_schema: object | None = None) -> tuple[object, object]: ...

class Ranking:
    """Converts margins to probabilities, buckets and percentiles, by the tables of a card.

    The results have the same bits as those of ``Calibration.probability``, ``Tiers.bucket`` and ``percentile``.
    """

    def __init__(
        self,
        margins: Sequence[float],
        probabilities: Sequence[float],
        thresholds: Sequence[float],
        quantiles: Sequence[float],
    ) -> None: ...
    def rank(self, margins: object, probabilities: object, buckets: object, percentiles: object) -> None:
        """Reads a float64 buffer, and writes buffers of float64, of bytes, and of float64 (NaN without quantiles)."""

class Names:
    """The known keys of an object, as UTF-8 bytes."""

    def __init__(self, names: Iterable[bytes]) -> None: ...

# Of one object: each known key that occurs (index, begin and end of its last value, count), the first 100 unknown
# ones (begin and end of the name, begin and end of the last value, count), and the number of unknown ones.
_Keys = tuple[list[tuple[int, int, int, int]], list[tuple[int, int, int, int, int]], int]

class Skim:
    """Scans one JSON text in slices: the part of ``text`` from ``begin`` until before ``end``.

    Reports whether it is valid JSON, where NaN and infinities count as numbers, and the keys of its root (``outer``)
    and of the object that is the value of the root's key number ``inner``. A single pass over the bytes, for any
    text.
    """

    def __init__(self, outer: Names, inner: int, names: Names, text: bytes, begin: int, end: int) -> None: ...
    def step(self, size: int) -> bool:
        """Scans about ``size`` bytes; true at the end of the text."""

    @property
    def failure(self) -> tuple[int, str] | None:
        """The offset where the text is not valid JSON, and the reason; ``None`` if it is valid."""

    @property
    def root(self) -> tuple[int, int]:
        """The begin and end of the value."""

    @property
    def outer(self) -> _Keys: ...
    @property
    def inner(self) -> _Keys: ...

class Split:
    """Splits a JSON array into its elements, in slices; elements beyond ``limit`` are only counted.

    With ``keyed`` the text is an object, and its elements are the pairs of a key and a value. Only brackets, commas and
    quotation marks are examined; the elements are validated when they are decoded.
    """

    def __init__(self, text: bytes, limit: int, keyed: bool = False) -> None: ...
    def step(self, size: int) -> bool:
        """Scans about ``size`` bytes; true at the end of the text."""

    @property
    def sound(self) -> bool:
        """Whether the text is one array, or object, provided that its elements are valid."""

    @property
    def count(self) -> int: ...
    def element(self, place: int) -> tuple[int, int, int]:
        """Begin, end, and number of colons outside of strings, of one element. IndexError if it was not stored."""

    def groups(self, size: int, longest: int, most_colons: int) -> list[tuple[int, int, int, int, int, bool]]:
        """Consecutive elements of about ``size`` bytes: (first, last, begin, end, colons, usual), ``last`` exclusive.

        An element that exceeds ``longest`` bytes or ``most_colons`` is a group of its own and not usual.
        """

def count_colons(body: bytes) -> int:
    """The number of colons outside of JSON strings; accepts any bytes."""

def _count_colons_plain(body: bytes) -> int: ...
def plain_json(text: bytes) -> bytes:
    """Replaces NaN (outside of strings) by null, and infinities by numbers that are infinite as float32."""

def variants() -> list[str]:
    """The instruction sets that this machine supports, the widest last."""

def variant() -> str:
    """The active one: the widest, unless overridden."""

def use_variant(name: str) -> None:
    """Activates another one for the whole process; results are bit-identical. ValueError if it is not supported."""
