"""Infers the contract from the columns of a table, and why some columns are left out."""

from collections.abc import Collection, Mapping, Sequence
from fnmatch import fnmatchcase

import msgspec
import polars as pl

from leadscoring.contract.features import Contract
from leadscoring.contract.kinds import KINDS
from leadscoring.errors import TrainingDataError
from leadscoring.model.reading import DayOrder, Notation
from leadscoring.training import names
from leadscoring.training.column import FEWEST, Read, read_category, read_number
from leadscoring.training.derived.dates import settle
from leadscoring.training.derived.emails import Emails, are_addresses
from leadscoring.training.derived.kind import Derived
from leadscoring.training.derived.rows import BEFORE_CATEGORIES, BEFORE_NUMBERS, fitting
from leadscoring.training.leaks import refuse_leak
from leadscoring.training.lookalikes import like_addresses, lookalike
from leadscoring.training.presence import presence
from leadscoring.training.reading.distinct import first_of, glimpsed, spread_of
from leadscoring.training.reading.how import How
from leadscoring.training.reading.missing import MissingTokens, blank, blank_all, hint
from leadscoring.training.reading.moments import CLOCK_ONLY
from leadscoring.training.reading.notation import Decided, decide, habit_of, looks_like_numbers
from leadscoring.training.reading.series import Vector, as_text
from leadscoring.training.reading.traits import Traits, traits_of

NEARLY_ALL = 0.95
"""Minimum share of times of day, or of numbers beside ``False``, among the values of a column of them."""

FEW_ANSWERS = 4
"""A column with no more distinct values holds answers such as yes and no, and not personal data."""


class Inferred(msgspec.Struct, frozen=True):
    """The result for every column of a table.

    ``contract`` has features whose columns are not chosen yet: those of dates, texts, e-mail addresses and sets.
    ``frame`` holds the parsed columns of the contract, dates as microseconds since 1970; ``dropped`` has the reasons
    for dropping the others; ``missing`` counts the tokens that were parsed as missing, by column; ``folded`` counts
    the leads with rare levels, by column; ``numbers`` has the notation of numbers that are not plain, ``tokens`` the
    texts that mean unknown in one column only, as ``COLUMN=TOKEN``; ``dates`` has the order of day and month,
    ``presence`` the column whose presence a feature is, ``later`` the dates of columns that were dropped since they
    lie after the moment of the lead, in microseconds since 1970. ``notes`` describe how columns were parsed;
    ``warnings`` need the user's attention, ``aside`` are warnings about dropped columns.
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
    dates: dict[str, DayOrder] = {}
    presence: dict[str, str] = {}
    later: dict[str, Vector] = {}

    @property
    def alike(self) -> pl.DataFrame:
        """The columns by which leads are duplicates: two exports of one lead may differ in their dates."""
        return self.frame.drop([feature.name for feature in self.contract.features if feature.form.is_timed])


class Asked(msgspec.Struct, frozen=True):
    """The user's options for columns: which to ignore, which personal ones to keep, and how to parse some.

    ``labels`` has the labels in the file of columns with another name; options may use either.
    """

    ignore: Sequence[str] = ()
    keep: Sequence[str] = ()
    how: Mapping[str, How] = {}
    labels: Mapping[str, str] = {}

    def names(self, column: str, patterns: Sequence[str]) -> bool:
        """Whether any of the names or patterns matches a column."""
        either = {column, self.labels.get(column, column)}
        return any(name == pattern or fnmatchcase(name, pattern) for name in either for pattern in patterns)

    def unmatched(self, columns: Sequence[str]) -> list[str]:
        """Returns warnings for names and patterns that match no column."""
        return [
            f"{option} {pattern!r} means no column of the data{hint(pattern, list(columns))}"
            for option, patterns in (("--ignore", self.ignore), ("--keep", self.keep))
            for pattern in patterns
            if not any(self.names(column, [pattern]) for column in columns)
        ]


def infer(
    frame: pl.DataFrame,
    y: Vector,
    named: dict[str, str],
    asked: Asked,
    tokens: MissingTokens,
    as_of: Vector | None = None,
) -> Inferred:
    """Infers the contract of a table with outcomes ``y`` (0 or 1, shape (rows,)).

    ``named`` maps columns with another role to that role, ``as_of`` is the moment of each lead, if known. Raises
    ``TrainingDataError`` if no column is left.
    """
    dropped = dict(named)
    left: list[pl.Series] = []
    persons: list[pl.Series] = []
    strange: list[str] = []
    for column in frame.iter_columns():
        if kind := private(column, asked, named, tokens):
            dropped[column.name] = f"personal data ({kind}): kept only where --keep names it"
            persons += [column] if kind not in names.DISCREET else []
            strange += [like_addresses(blank(column, tokens.of(column.name))[0])] if kind == names.REACH else []
        elif why := unwanted(column, asked, named):
            dropped.setdefault(column.name, why)
        else:
            left.append(column)
    reads = read_columns(left, asked, tokens, y)
    later = settle([read for read in reads if read.feature is not None and read.feature.form.is_timed], as_of)
    for read in reads:
        if read.feature is None:
            dropped[read.column.name] = read.dropped
    unnamed = persons + [read.raw for read in reads if read.feature is None and read.identifies]
    flags = presence(unnamed, {*frame.columns, *named}, tokens, y)
    kept = [read for read in reads if read.feature is not None] + flags
    if not kept:
        reasons = "; ".join(f"{name}: {why}" for name, why in list(dropped.items())[:8])
        raise TrainingDataError(f"no column is left to train on ({reasons})")
    sources = {read.column.name: read.column.name.removeprefix("has ") for read in flags}
    found = result(reads, kept, dropped, sources)
    return msgspec.structs.replace(found, later=later, warnings=(*found.warnings, *filter(None, strange)))


def result(reads: list[Read], kept: list[Read], dropped: dict[str, str], presence: dict[str, str]) -> Inferred:
    """Collects what was inferred of all columns, of which some are kept."""
    return Inferred(
        contract=Contract(tuple(read.feature for read in kept if read.feature is not None)),
        frame=pl.DataFrame([read.column for read in kept]),
        dropped=dropped,
        missing={read.column.name: read.missing for read in reads if read.missing},
        folded={read.column.name: read.folded for read in kept if read.folded},
        numbers={read.column.name: read.notation for read in kept if read.notation is not None},
        tokens=tuple(f"{read.column.name}={token}" for read in kept for token in read.tokens),
        notes=(
            *(note for read in kept for note in read.notes),
            *(f"{source!r}: kept as {name!r}, whether it is filled in" for name, source in presence.items()),
        ),
        warnings=(
            *(words for read in reads for words in read.unread),
            *(words for read in kept for words in read.warnings),
        ),
        aside=tuple(words for read in reads if read.feature is None for words in read.warnings),
        dates={read.column.name: read.first for read in kept if read.first is not None},
        presence=presence,
    )


def unwanted(column: pl.Series, asked: Asked, named: dict[str, str]) -> str:
    """Returns why a column is dropped regardless of its values; empty if it is not."""
    if column.name in named:
        return named[column.name]
    return "ignored, as asked" if asked.names(column.name, asked.ignore) else ""


def private(column: pl.Series, asked: Asked, named: dict[str, str], tokens: MissingTokens) -> str:
    """Returns which personal data a column has that must not be a feature; empty for other columns.

    Not so a column that says whether there is a telephone number, nor one of e-mail addresses, of which only facts
    about the domain become columns; but their texts as a category.
    """
    name = column.name
    if unwanted(column, asked, named) or asked.names(name, asked.keep):
        return ""
    if asked.how.get(name, How()).kind == Emails.name:
        return ""
    kind = names.personal(name)
    if kind not in ("", names.REACH):
        return kind
    some = first_of(column)
    if not kind and not (some.dtype == pl.String and some.str.contains("@", literal=True).any()):
        return ""
    some = blank(some, tokens.of(name))[0]
    if are_addresses(some):
        return "" if asked.how.get(name, How()).kind is None else names.REACH
    return kind if len(some) > FEW_ANSWERS else ""


def read_columns(columns: list[pl.Series], asked: Asked, tokens: MissingTokens, y: Vector) -> list[Read]:
    """Parses each column, with missing tokens blanked, into a feature, or a reason to drop it.

    A column with ambiguous decimal and thousands separators is parsed like the others of the file.
    """
    plain = [raw.cast(pl.String) if raw.dtype in (pl.Categorical, pl.Enum) else raw for raw in columns]
    reads = [
        started(raw, traits, blanked, asked.how.get(raw.name, How()))
        for raw, traits, blanked in zip(columns, traits_of(plain), blank_all(plain, tokens), strict=True)
    ]
    rows = [None if read.done else fitting(read, BEFORE_NUMBERS) for read in reads]
    decisions = [None if read.done or row else decision(read) for read, row in zip(reads, rows, strict=True)]
    habit, order = habit_of(decisions), order_of(reads, rows)
    for read, row, alone in zip(reads, rows, decisions, strict=True):
        if read.done:
            continue
        decided = decide(read.column, habit=habit) if habit and alone is not None and alone.open else alone
        if row is not None:
            read.habit = order
            row.read(read)
        elif decided is None or not read_number(read, decided):
            read_text(read)
        if read.feature is not None and (label := asked.labels.get(read.raw.name)):
            about = f"the file calls it {label}"
            read.feature = msgspec.structs.replace(
                read.feature, help="; ".join(filter(None, (read.feature.help, about)))
            )
        if row is None:
            read.unread += lookalike(read)
        if read.feature is not None:
            refuse_leak(read, y)
    return reads


def read_text(read: Read) -> None:
    """Completes ``read`` for a column that does not hold numbers."""
    row = fitting(read, BEFORE_CATEGORIES)
    if row is not None:
        row.read(read)
    else:
        read_category(read)


def order_of(reads: Sequence[Read], rows: Sequence[Derived | None]) -> DayOrder | None:
    """Returns the order of day and month that columns of dates have; ``None`` if none shows it, or they differ."""
    found = {row.order(read) for read, row in zip(reads, rows, strict=True) if row is not None} - {None}
    return found.pop() if len(found) == 1 else None


def started(raw: pl.Series, traits: Traits, blanked: tuple[pl.Series, dict[str, int]], how: How) -> Read:
    """Takes a column with its missing tokens ``blanked``, and drops it if that does not depend on its kind."""
    if raw.dtype in (pl.Time, pl.Duration):
        return Read(
            raw, raw, how, dropped=f"of the type {raw.dtype}, which is not read: write it as a number", done=True
        )
    if not (
        raw.dtype.is_temporal()
        or raw.dtype in (pl.String, pl.Boolean, pl.Categorical, pl.Enum)
        or raw.dtype.is_numeric()
    ):
        remedy = ": write its values as one text, with ';' between them" if raw.dtype == pl.List else ""
        why = f"of the type {raw.dtype}, which is neither number nor text nor date{remedy}"
        return Read(raw, raw, how, dropped=why, done=True)
    column, missing = blanked
    read = Read(column, raw, how, traits, missing=missing)
    clocks = traits.clocks and how.kind is None and how.notation is None
    read.dropped = empty(column) or (only_clock(column) if clocks else "")
    read.done = read.dropped != ""
    return read


def empty(column: pl.Series) -> str:
    """Returns why a column has too few values to learn from; empty if it has enough."""
    present = column.drop_nulls()
    if len(present) == 0:
        return "all missing"
    if len(present) < min(FEWEST, len(column)):
        return f"almost empty: {len(present)} of {len(column)} rows have a value"
    if column.null_count() < FEWEST and (present == present[0]).all():
        return f"constant: always {as_text(present)[0]!r}" + (" or missing" if column.null_count() else "")
    return ""


def only_clock(column: pl.Series) -> str:
    """Returns the reason to drop a text column of times of day or durations; empty for other columns."""
    if column.dtype != pl.String:
        return ""
    if not glimpsed(column, lambda few: bool(few.str.strip_chars().str.contains(CLOCK_ONLY).any())):
        return ""
    some = spread_of(column)
    if some.str.strip_chars().str.contains(CLOCK_ONLY).mean() > NEARLY_ALL:  # type: ignore[operator]  # the mean of booleans is a float
        return "a time of day or a duration with colons, which is not read: write it as a number"
    return ""


def decision(read: Read) -> Decided | None:
    """Parses the numbers of a column; returns ``None`` if it does not hold numbers."""
    column, how = read.column, read.how
    if how.kind is not None and KINDS[how.kind].is_text:
        return None
    if column.dtype != pl.String:
        return Decided(read.plain) if column.dtype.is_numeric() or column.dtype == pl.Boolean else None
    if read.traits.false:
        without_false(read)
    column = read.column
    present = column.drop_nulls()
    codes = read.traits.codes and how.kind is None and how.notation is None
    if codes and present.str.contains(r"^\s*\+?0\d[\d /-]*$").mean() > 0.01:  # type: ignore[operator]  # the mean of booleans is a float
        read.notes.append(f"{column.name!r}: codes with leading zeros, kept as text")
        return None
    decided = decide(column, how.notation)
    return Decided(read.plain) if decided is None and how.kind is not None else decided


def without_false(read: Read) -> None:
    """Blanks ``False`` in a column of numbers, which is how Odoo exports missing values."""
    if not read.column.str.contains(r"(?i)^\s*false\s*$").any():
        return
    text = read.column.str.strip_chars().str.to_lowercase()
    is_false = (text == "false").fill_null(False)
    if (text == "true").any():
        return
    others = read.column.filter(~is_false & text.is_not_null())
    if len(others) and looks_like_numbers(others) > NEARLY_ALL and not others.str.strip_chars().is_in(["0", "1"]).all():
        spelled = read.column.filter(is_false)[0]
        read.missing = {**read.missing, spelled: int(is_false.sum())}
        read.tokens = (spelled,)
        read.column = pl.select(pl.when(~is_false).then(read.column).alias(read.column.name)).to_series()


def without(inferred: Inferred, reasons: dict[str, str]) -> Inferred:
    """Drops some features; ``reasons`` are by name."""
    return msgspec.structs.replace(
        inferred,
        contract=contract_without(inferred.contract, reasons),
        frame=inferred.frame.drop(list(reasons)),
        dropped=inferred.dropped | reasons,
        folded={name: count for name, count in inferred.folded.items() if name not in reasons},
        numbers={name: one for name, one in inferred.numbers.items() if name not in reasons},
        dates={name: one for name, one in inferred.dates.items() if name not in reasons},
        presence={name: one for name, one in inferred.presence.items() if name not in reasons},
    )


def unread(inferred: Inferred, reasons: dict[str, str]) -> Inferred:
    """Drops some features as ``without`` does, and what is noted of how they were read: as if they had a role."""
    tokens = tuple(f"{name}=" for name in reasons)
    return msgspec.structs.replace(
        without(inferred, reasons),
        missing={name: counts for name, counts in inferred.missing.items() if name not in reasons},
        tokens=tuple(one for one in inferred.tokens if not one.startswith(tokens)),
        notes=not_about(reasons, inferred.notes),
        warnings=not_about(reasons, inferred.warnings),
    )


def not_about(names: Collection[str], sentences: Sequence[str]) -> tuple[str, ...]:
    """The sentences that do not begin with the name of one of some columns."""
    starts = tuple(f"{name!r}{sign}" for name in names for sign in (":", " "))
    return tuple(words for words in sentences if not words.startswith(starts))


def contract_without(contract: Contract, names: Collection[str]) -> Contract:
    """Returns the contract without some features, and without gaps to dates among them."""
    kept = [feature for feature in contract.features if feature.name not in names]
    return Contract(
        tuple(
            msgspec.structs.replace(
                feature,
                aspects=tuple(one for one in feature.aspects if not feature.form.is_timed or one.of not in names),
            )
            for feature in kept
        )
    )
