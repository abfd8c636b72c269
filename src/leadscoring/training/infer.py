"""What a table says about its own columns: the contract, and why some columns stay out of it."""

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase

import msgspec
import polars as pl

from leadscoring.contract.features import Contract
from leadscoring.contract.kinds import KINDS
from leadscoring.errors import TrainingDataError
from leadscoring.model.reading import Notation
from leadscoring.training import names
from leadscoring.training.column import FEWEST, Read, read_category, read_number
from leadscoring.training.leaks import refuse_leak
from leadscoring.training.reading.how import How
from leadscoring.training.reading.missing import MissingTokens, blank, hint
from leadscoring.training.reading.moments import CLOCK_ONLY, moments
from leadscoring.training.reading.notation import Decided, decide, habit_of, looks_like_numbers
from leadscoring.training.reading.series import Vector, as_text

DATES = 0.95
"""A column of which so many of the values are dates or times is one of dates or times."""

FEW_ANSWERS = 4
"""A column with fewer different values holds answers such as yes and no, whatever its name."""

LOOKED_AT = 500
"""Different values of a column that are looked at to find out whether it holds dates."""


class Inferred(msgspec.Struct, frozen=True):
    """What became of every column of a table.

    ``frame`` holds the columns of the contract as they were read; ``dropped`` says why the others are out;
    ``missing`` counts the tokens read as unknown, by column; ``folded`` counts the rare levels, by column;
    ``numbers`` has the notation of numbers that are not plain, ``tokens`` the texts that turned out to mean unknown in
    one column, as ``COLUMN=TOKEN``. ``notes`` say how columns were read; ``warnings`` are
    what somebody should look at, ``aside`` the same of columns that are out.
    """

    contract: Contract
    frame: pl.DataFrame
    dropped: dict[str, str]
    missing: dict[str, dict[str, int]]
    folded: dict[str, int]
    numbers: dict[str, Notation] = {}
    tokens: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    aside: tuple[str, ...] = ()


class Asked(msgspec.Struct, frozen=True):
    """What the user said of columns: which to leave out, which to keep although they are personal, how to read some.

    ``labels`` has what the file calls a column whose name is another: both may be named.
    """

    ignore: Sequence[str] = ()
    keep: Sequence[str] = ()
    how: Mapping[str, How] = {}
    labels: Mapping[str, str] = {}

    def names(self, column: str, patterns: Sequence[str]) -> bool:
        """Whether names or patterns mean a column."""
        either = {column, self.labels.get(column, column)}
        return any(name == pattern or fnmatchcase(name, pattern) for name in either for pattern in patterns)

    def unmatched(self, columns: Sequence[str]) -> list[str]:
        """Warnings for names and patterns that mean no column."""
        return [
            f"{option} {pattern!r} means no column of the data{hint(pattern, list(columns))}"
            for option, patterns in (("--ignore", self.ignore), ("--keep", self.keep))
            for pattern in patterns
            if not any(self.names(column, [pattern]) for column in columns)
        ]


def infer(frame: pl.DataFrame, y: Vector, named: dict[str, str], asked: Asked, tokens: MissingTokens) -> Inferred:
    """The contract of a table whose outcomes are ``y`` (0 or 1, shape (rows,)).

    ``named`` are columns with another role and what that is. Raises ``TrainingDataError`` when no column is left.
    """
    dropped = dict(named)
    left: list[pl.Series] = []
    for column in frame.iter_columns():
        if why := unwanted(column, asked, named, tokens):
            dropped.setdefault(column.name, why)
        else:
            left.append(column)
    reads = read_columns(left, asked, tokens, y)
    for read in reads:
        if read.feature is None:
            dropped[read.column.name] = read.dropped
    kept = [read for read in reads if read.feature is not None]
    if not kept:
        reasons = "; ".join(f"{name}: {why}" for name, why in list(dropped.items())[:8])
        raise TrainingDataError(f"no column is left to train on ({reasons})")
    return Inferred(
        contract=Contract(tuple(read.feature for read in kept if read.feature is not None)),
        frame=pl.DataFrame([read.column for read in kept]),
        dropped=dropped,
        missing={read.column.name: read.missing for read in reads if read.missing},
        folded={read.column.name: read.folded for read in kept if read.folded},
        numbers={read.column.name: read.notation for read in kept if read.notation is not None},
        tokens=tuple(f"{read.column.name}={token}" for read in kept for token in read.tokens),
        notes=tuple(note for read in kept for note in read.notes),
        warnings=(
            *(words for read in reads for words in read.unread),
            *(words for read in kept for words in read.warnings),
        ),
        aside=tuple(words for read in reads if read.feature is None for words in read.warnings),
    )


def unwanted(column: pl.Series, asked: Asked, named: dict[str, str], tokens: MissingTokens) -> str:
    """Why a column is left out whatever it holds; nothing for one that is not."""
    name = column.name
    if name in named:
        return named[name]
    if asked.names(name, asked.ignore):
        return "ignored, as asked"
    if asked.names(name, asked.keep):
        return ""
    kind = names.personal(name)
    if kind == names.REACH and column.n_unique() <= FEW_ANSWERS:
        kind = ""  # whether there is a number, not the number
    if not kind and column.dtype == pl.String:
        some = blank(column.drop_nulls().unique(maintain_order=True).head(LOOKED_AT), tokens.of(name))[0].drop_nulls()
        kind = names.REACH if len(some) and some.str.contains(names.EMAIL).mean() > DATES else ""  # type: ignore[operator]  # the mean of booleans is a float
    return f"personal data ({kind}): kept only where --keep names it" if kind else ""


def read_columns(columns: list[pl.Series], asked: Asked, tokens: MissingTokens, y: Vector) -> list[Read]:
    """Each column with its missing tokens blanked, and the feature that it is, or why it is none.

    A column that alone cannot tell a decimal sign from one that groups thousands goes by the others of the file.
    """
    reads: list[Read] = []
    decisions: list[Decided | None] = []
    for raw in columns:
        read = started(raw, tokens, asked.how.get(raw.name, How()))
        decisions.append(None if read.done else decision(read))
        reads.append(read)
    habit = habit_of(decisions)
    for read, alone in zip(reads, decisions, strict=True):
        if read.done:
            continue
        decided = decide(read.column, habit=habit) if habit and alone is not None and alone.open else alone
        if decided is None or not read_number(read, decided):
            read_category(read)
        if read.feature is not None and (label := asked.labels.get(read.raw.name)):
            about = f"the file calls it {label}"
            read.feature = msgspec.structs.replace(
                read.feature, help="; ".join(filter(None, (read.feature.help, about)))
            )
        if read.feature is not None:
            refuse_leak(read, y)
    return reads


def started(raw: pl.Series, tokens: MissingTokens, how: How) -> Read:
    """A column with its missing tokens blanked, dropped where that is clear before anything is known of its kind."""
    if raw.dtype.is_temporal():
        return Read(raw, raw, how, dropped="a date or time", done=True)
    if not (raw.dtype in (pl.String, pl.Boolean, pl.Categorical, pl.Enum) or raw.dtype.is_numeric()):
        return Read(raw, raw, how, dropped=f"of the type {raw.dtype}, which is neither number nor text", done=True)
    column = raw.cast(pl.String) if raw.dtype in (pl.Categorical, pl.Enum) else raw
    column, found = blank(column, tokens.of(raw.name))
    read = Read(column, raw, how, missing=found)
    read.dropped = empty(column) or (is_moment(column) if how.kind is None and how.notation is None else "")
    read.done = read.dropped != ""
    return read


def empty(column: pl.Series) -> str:
    """Why a column has too little in it to learn from; nothing where it has enough."""
    present = column.drop_nulls()
    if len(present) == 0:
        return "all missing"
    if len(present) < min(FEWEST, len(column)):
        return f"almost empty: {len(present)} of {len(column)} rows have a value"
    if present.n_unique() == 1 and column.null_count() < FEWEST:
        return f"constant: always {as_text(present)[0]!r}" + (" or missing" if column.null_count() else "")
    return ""


def is_moment(column: pl.Series) -> str:
    """Why a column of text holds dates, times or durations; nothing for another."""
    if column.dtype != pl.String:
        return ""
    some = column.drop_nulls().unique(maintain_order=True)
    some = some.gather_every(max(1, len(some) // LOOKED_AT))
    if some.str.strip_chars().str.contains(CLOCK_ONLY).mean() > DATES:  # type: ignore[operator]  # the mean of booleans is a float
        return "a time of day or a duration with colons, which is not read: write it as a number"
    found = moments(some).values
    return "a date or time" if (found == found).mean() > DATES else ""  # noqa: PLR0124 - NaN is not itself


def decision(read: Read) -> Decided | None:
    """The numbers of a column, or ``None`` when it holds none."""
    column, how = read.column, read.how
    if how.kind is not None and KINDS[how.kind].is_text:
        return None
    if column.dtype != pl.String:
        return Decided(read.plain) if column.dtype.is_numeric() or column.dtype == pl.Boolean else None
    without_false(read)
    column = read.column
    present = column.drop_nulls()
    if how.kind is None and how.notation is None and present.str.contains(r"^\s*\+?0\d[\d /-]*$").mean() > 0.01:  # type: ignore[operator]  # the mean of booleans is a float
        read.notes.append(f"{column.name!r}: codes with leading zeros, kept as text")
        return None
    decided = decide(column, how.notation)
    return Decided(read.plain) if decided is None and how.kind is not None else decided


def without_false(read: Read) -> None:
    """Blank ``False`` in a column of numbers, where it is how Odoo writes that there is none."""
    text = read.column.str.strip_chars().str.to_lowercase()
    found = (text == "false").fill_null(False)
    if not found.any() or (text == "true").any():
        return
    others = read.column.filter(~found & text.is_not_null())
    if len(others) and looks_like_numbers(others) > DATES and not others.str.strip_chars().is_in(["0", "1"]).all():
        spelled = read.column.filter(found)[0]
        read.missing = {**read.missing, spelled: int(found.sum())}
        read.tokens = (spelled,)
        read.column = pl.select(pl.when(~found).then(read.column).alias(read.column.name)).to_series()


def without(inferred: Inferred, reasons: dict[str, str]) -> Inferred:
    """The same without some features, and why."""
    kept = tuple(feature for feature in inferred.contract.features if feature.name not in reasons)
    return msgspec.structs.replace(
        inferred,
        contract=Contract(kept),
        frame=inferred.frame.drop(list(reasons)),
        dropped=inferred.dropped | reasons,
        folded={name: count for name, count in inferred.folded.items() if name not in reasons},
        numbers={name: one for name, one in inferred.numbers.items() if name not in reasons},
    )
