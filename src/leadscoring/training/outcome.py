"""The target column: which of its values mean converted, which not converted, and which are undecided."""

import re
from collections.abc import Sequence

import msgspec
import polars as pl

from leadscoring.errors import TrainingDataError
from leadscoring.training.reading.missing import MissingTokens, blank, hint
from leadscoring.training.reading.series import as_text, counts_of

POSITIVES = frozenset(
    [
        *["1", "1.0", "true", "yes", "y", "t", "won", "converted", "positive", "success", "successful", "closed won"],
        *["closedwon", "customer", "ja", "oui", "si", "sí", "gewonnen"],
        *["wahr", "vrai", "verdadero", "vero", "waar"],  # what a spreadsheet writes for TRUE
        *["closed converted", "sold", "signed", "purchased", "existing customer", "evangelist", "sale", "win"],
    ]
)
NEGATIVES = frozenset(
    [
        *["0", "0.0", "-1", "false", "no", "n", "f", "lost", "not converted", "unconverted", "negative", "failure"],
        *["failed", "closed lost", "closedlost", "unqualified", "disqualified", "rejected", "nein", "non", "verloren"],
        *["dead", "junk"],
        *["falsch", "faux", "falso", "onwaar"],
    ]
)
LOST = re.compile(
    r"(?:closed )?(?:lost|dead|not converted|unqualified|disqualified)\b.*|(?:no|not|bad|wrong|never) .*"
    r"|abandoned|cancell?ed|declined|duplicate|spam|withdrawn|out sold|lost to .*|no sale"
)
"""Values that mean not converted, with reasons."""

OPPOSITES = {"qualified": "disqualified", "qualifiziert": "disqualifiziert"}
"""States that are open in one CRM and mean converted in another, where their opposite occurs too."""

OPEN = re.compile(
    r"(?:still )?open(?: not contacted| deal)?|new|working(?: contacted)?|contacted|connected|pending|active|ongoing"
    r"|assigned|engag(?:ed|ing)|nurtur(?:e|ing)|draft|on hold|undecided|offen|neu|kontaktiert|angebot|nouveau|nuevo"
    r"|discovery|opportunity|prospect(?:ing)?"
    r"|in (?:progress|process|negotiation|discussion|review|bearbeitung|verhandlung)|negotiat(?:ion|ing)(?: review)?"
    r"|propos(?:e|al|ition)(?: price quote| sent| made)?|quoted?(?: sent)?|develop|qualify|qualified(?: to buy)?"
    r"|qualification"
    r"|(?:appointment|presentation|demo|meeting) ?(?:scheduled|made)|contract sent|decision maker bought in"
    r"|needs analysis|value proposition|id decision makers|perception analysis|attempted to contact"
    r"|contact(?:ed)? in future"
)
"""Stages of undecided leads, as CRMs name them."""

SHOWN = 8

RARE = 0.1
"""Maximum share of rows of a value that may be a misspelling of another."""


class Outcome(msgspec.Struct, frozen=True):
    """The outcome of each row: 1 converted, 0 not converted, null if it is unknown or left out.

    ``positive`` and ``negative`` are the values with that meaning, ``negative`` only if they were specified.
    ``notes`` list the other values and how they were treated.
    """

    column: pl.Series
    positive: tuple[str, ...]
    negative: tuple[str, ...]
    notes: tuple[str, ...] = ()
    waiting: int = 0
    """Number of rows with an undecided value."""
    undecided: pl.Series | None = None
    """Whether each row is known to be open; ``None`` if nothing says so."""
    warnings: tuple[str, ...] = ()

    @property
    def words(self) -> str:
        """The values that mean converted, as text."""
        return ", ".join(self.positive)


class Values(msgspec.Struct, frozen=True):
    """The values of a target with their frequencies, each in its most common spelling."""

    target: str
    counts: dict[str, int]

    def list(self, some: Sequence[str]) -> str:
        """Some of the values with their counts, as text."""
        named = ", ".join(f"{value!r} ({self.counts[value]})" for value in some[:SHOWN])
        return named + (f" and {len(some) - SHOWN} more" if len(some) > SHOWN else "")

    @property
    def shown(self) -> str:
        """The values in alphabetical order, as text."""
        values = sorted(self.counts)
        return ", ".join(map(repr, values[:SHOWN])) + (
            f" and {len(values) - SHOWN} more" if len(values) > SHOWN else ""
        )

    def named(self, names: Sequence[str], option: str) -> tuple[str, ...]:
        """The values that an option specifies, either literally or separated by commas.

        Raises ``TrainingDataError`` for a value that does not occur.
        """
        folded = {fold(value): value for value in self.counts}
        values: list[str] = []
        for name in names:
            for part in [name] if fold(name) in folded else [part for part in name.split(",") if part.strip()]:
                if fold(part) not in folded:
                    raise TrainingDataError(
                        f"{option}: no row has {self.target!r} = {part.strip()!r}: it holds {self.shown}"
                        f"{hint(part, list(self.counts))}"
                    )
                values.append(folded[fold(part)])
        return tuple(dict.fromkeys(values))


def fold(text: str) -> str:
    """A value in lower case, without surrounding spaces."""
    return text.strip().casefold()


def is_open(value: str) -> bool:
    """Whether a value is a stage at which the outcome is not known yet."""
    return OPEN.fullmatch(plain(value)) is not None


def column_of(frame: pl.DataFrame, name: str, option: str) -> pl.Series:
    """The column that an option names. Raises ``TrainingDataError``, with a suggestion, if there is none."""
    if name not in frame.columns:
        more = ", ..." if frame.width > SHOWN else ""
        guess = hint(name, frame.columns) or f"; it holds {', '.join(frame.columns[:SHOWN])}{more}"
        raise TrainingDataError(f"{option} names the column {name!r}, which is not in the data{guess}")
    return frame[name]


def outcomes(
    frame: pl.DataFrame, target: str, positive: Sequence[str], negative: Sequence[str], tokens: MissingTokens
) -> Outcome:
    """Determines the outcome of each row.

    Without ``negative``, all values but the positive ones mean not converted, except those of open stages, whose rows
    have no outcome yet. Raises ``TrainingDataError`` if the column does not exist, if one of the two outcomes does
    not occur, or if it is unclear which values mean converted.
    """
    column, _ = blank(column_of(frame, target, "--target"), tokens.of(target))
    if column.dtype == pl.Boolean:
        column = column.cast(pl.Int8)
    text, values = spelled(as_text(column), target)
    if not values.counts:
        raise TrainingDataError(f"the target {target!r} is missing in every row")
    lost = values.named(negative, "--negative")
    won = values.named(positive, "--positive") if positive else guess_positive(values, lost)
    if both := sorted(set(won) & set(lost)):
        raise TrainingDataError(f"--positive and --negative both name {both[0]!r}")
    rest = [value for value in values.counts if value not in won and value not in lost]
    waiting = rest if lost else [value for value in rest if is_open(value)]
    against = lost or tuple(value for value in rest if value not in waiting)
    if not against:
        raise no_negative(values, won, waiting)
    flags = dict.fromkeys(won, 1.0) | dict.fromkeys(against, 0.0)
    outcome = text.replace_strict(flags, default=None, return_dtype=pl.Float64)
    notes = notes_on(values, won, against, waiting, named=bool(lost))
    still = text.is_in([value for value in waiting if is_open(value)]).fill_null(False)
    warnings = on_typos(values, won, () if lost else against)
    return Outcome(outcome, won, lost, notes, sum(values.counts[value] for value in waiting), still, warnings)


def spelled(text: pl.Series, target: str) -> tuple[pl.Series, Values]:
    """The target with each value in its most common spelling, and the frequencies of the values."""
    groups: dict[str, list[tuple[str, int]]] = {}
    for value, count in counts_of(text):
        groups.setdefault(fold(value), []).append((value, count))
    names = {value: group[0][0].strip() for group in groups.values() for value, _ in group}
    counts = {group[0][0].strip(): sum(count for _, count in group) for group in groups.values()}
    other = {value: name for value, name in names.items() if value != name}
    return text.replace(other) if other else text, Values(
        target, dict(sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])))
    )


def notes_on(
    values: Values, won: Sequence[str], against: Sequence[str], waiting: Sequence[str], *, named: bool
) -> tuple[str, ...]:
    """How the values of a target were interpreted, if there are more than two."""
    if len(values.counts) <= 2:
        return ()
    notes = [f"{values.list(won)} of {values.target!r} converted; {values.list(against)} did not"]
    if waiting:
        rows = sum(values.counts[value] for value in waiting)
        why = "named neither by --positive nor by --negative" if named else "not decided yet; --negative can name them"
        notes.append(f"{rows} rows were left out: {values.list(waiting)} ({why})")
    return tuple(notes)


def on_typos(values: Values, won: Sequence[str], against: Sequence[str]) -> tuple[str, ...]:
    """Warns of rare values that count as not converted, and are one letter away from one that means converted."""
    rows = sum(values.counts.values())
    near = [
        (value, one)
        for value in against
        for one in won
        if values.counts[value] < RARE * rows and is_one_letter_from(fold(value), fold(one))
    ]
    return tuple(
        f"{values.list([value])} of {values.target!r} counts as not converted, but is nearly {one!r}: if it means the "
        f"same, use --positive {','.join([*won, value])!r}"
        for value, one in near
    )


def is_one_letter_from(text: str, other: str) -> bool:
    """Whether one letter or sign that is no digit was left out, added or exchanged, in a text of three or more."""
    short, long = sorted((text, other), key=len)
    start = next((place for place, (one, two) in enumerate(zip(short, long, strict=False)) if one != two), len(short))
    ends = {short[start:], short[start + 1 :]} if len(short) == len(long) else {short[start:]}
    odd = long[start : start + 1] + (short[start : start + 1] if len(short) == len(long) else "")
    return len(long) > 2 and long[start + 1 :] in ends and not any(map(str.isdigit, odd)) and len(long) - len(short) < 2


def no_negative(values: Values, won: Sequence[str], waiting: Sequence[str]) -> TrainingDataError:
    """The error for a target without a value that means not converted."""
    if not waiting:
        each = f"= {won[0]!r}" if len(won) == 1 else f"one of {', '.join(map(repr, won))}"
        return TrainingDataError(f"every row has {values.target!r} {each}: training needs leads of both outcomes")
    return TrainingDataError(
        f"no value of {values.target!r} means not converted: besides {values.list(won)} there is "
        f"{values.list(waiting)}, which looks open; if it means not converted, use --negative "
        f"{','.join(waiting)!r}"
    )


def guess_positive(values: Values, lost: Sequence[str]) -> tuple[str, ...]:
    """The values that mean converted, if that is unambiguous. Raises ``TrainingDataError`` otherwise."""
    every = [value for value in sorted(values.counts) if value not in lost]
    if len(values.counts) == 1:
        raise TrainingDataError(
            f"every row has {values.target!r} = {every[0]!r}: training needs leads of both outcomes"
        )
    decided = [value for value in every if not is_open(value)]
    likely = [value for value in decided if is_positive(value)]
    folded = {fold(value) for value in values.counts}
    likely = likely or [value for value in every if OPPOSITES.get(fold(value)) in folded]
    others = [value for value in decided if value not in likely]
    if len(likely) == 1 and (len(others) + len(lost) <= 1 or lost or all(map(is_negative, others))):
        return (likely[0],)
    if likely and all(map(is_negative, others)) and not any(value in {"1", "1.0", values.target} for value in likely):
        return tuple(likely)
    able = likely or [value for value in decided if not is_negative(value)] or every
    example = able[-1] if len(values.counts) == 2 else able[0]
    raise TrainingDataError(
        f"the target {values.target!r} has {values.shown}: specify which values mean converted, "
        f"for example --positive {example!r}"
    )


def is_positive(value: str) -> bool:
    """Whether a value means converted, whatever the target."""
    return fold(value) in POSITIVES or plain(value) in POSITIVES


def is_negative(value: str) -> bool:
    """Whether a value means not converted, whatever the target."""
    return fold(value) in NEGATIVES or plain(value) in NEGATIVES or LOST.fullmatch(plain(value)) is not None


def plain(value: str) -> str:
    """A value in lower case, with single spaces in place of other signs: ``Closed - Converted``."""
    return re.sub(r"[^\w]+", " ", value).strip().casefold()
