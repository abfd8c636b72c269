"""Past leads with known outcomes: selected from a table, and split."""

from collections.abc import Callable, Mapping, Sequence

import msgspec
import numpy as np
import numpy.typing as npt
import polars as pl

from leadscoring.errors import TrainingDataError
from leadscoring.model.reading import UNDATED, Dated
from leadscoring.training.as_of import as_of
from leadscoring.training.horizon import within
from leadscoring.training.outcome import Outcome, column_of
from leadscoring.training.outcome_dates import Decided, before, decided
from leadscoring.training.reading.how import How
from leadscoring.training.reading.missing import MissingTokens, blank_all
from leadscoring.training.reading.series import Vector
from leadscoring.training.reading.table import Table
from leadscoring.training.split import Indices, groups_of_frame, numbered, random_folds, time_folds
from leadscoring.training.time_column import Times, times

FEWEST_ROWS = 60
FEWEST_OF_EACH = 20
ENOUGH_ROWS = 200
"""Models of fewer leads come with a warning."""

FEWEST_HELD = 4
"""Minimum number of held-out leads of each outcome."""

FEWEST_OPEN = 50
"""Minimum number of open leads to compare with the others."""

HELD_OUT = 5
"""One in this many leads is held out."""


Progress = Callable[[str, float], None]
"""Called with the current stage and the completed share of all work, 0..1."""


def spanning(progress: Progress, stage: str, start: float, end: float) -> Callable[[float], None]:
    """Reports the completed share of a stage that takes the work from one share to another."""
    return lambda share: progress(stage, start + (end - start) * share)


def quiet(_stage: str, _share: float) -> None:
    """Ignores progress."""


class Leads(msgspec.Struct, frozen=True):
    """Raw columns, outcomes (0 or 1) and, with a time column, the time of each lead.

    ``as_of`` is the moment of each lead in microseconds since 1970 in UTC, NaN where unknown, shape (leads,); ``None``
    if the data has no dates. ``decided`` is when each outcome became known, in the same form.
    """

    frame: pl.DataFrame
    y: Vector
    outcome: Outcome
    named: dict[str, str]
    time: Vector | None = None
    period: tuple[str, str] | None = None
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    as_of: Vector | None = None
    decided: Vector | None = None
    filled_open: dict[str, float] = {}
    """The share of open leads, which are left out, that have a value; by column, if there are enough of them."""

    leaks: tuple[str, ...] = ()
    """The columns that were left out as probable leaks, each with the evidence."""

    groups: Indices | None = None
    """A number of each lead, equal for duplicates, shape (leads,), where ``frame`` does not hold their columns."""

    @property
    def positive(self) -> str:
        """The values of the target that mean converted, as text."""
        return self.outcome.words

    def take(self, rows: Indices | npt.NDArray[np.bool_]) -> "Leads":
        """A subset of the leads, by index or by mask."""
        numbers = np.flatnonzero(rows) if rows.dtype == np.bool_ else rows
        vectors = ("time", "as_of", "decided", "groups")
        values = {name: values[numbers] for name in vectors if (values := getattr(self, name)) is not None}
        return msgspec.structs.replace(self, frame=self.frame[numbers], y=self.y[numbers], **values)

    def folds(self, count: int, seed: int, features: pl.DataFrame) -> Indices:
        """Assigns each lead to a fold: by time if there is one, else randomly, with duplicates in the same fold.

        Duplicates are leads with the same ``features``, as returned by ``infer``, unless their groups are known.
        """
        if self.time is not None:
            return time_folds(self.time, count)
        groups = groups_of_frame(features) if self.groups is None else numbered(self.groups)
        return random_folds(groups, self.y, count, seed)


def gather(  # noqa: PLR0913 - each is an option of its own
    table: Table,
    target: str,
    tokens: MissingTokens,
    *,
    positive: Sequence[str] = (),
    negative: Sequence[str] = (),
    time: str | None = None,
    id_column: str | None = None,
    how: Mapping[str, How] | None = None,
    dated: Dated = UNDATED,
) -> Leads:
    """Selects the leads of a table; rows without an outcome or a time are left out, with a note.

    Raises ``TrainingDataError`` for a column that does not exist or is ambiguous, outcomes that cannot be determined,
    or more than a few rows without a readable time.
    """
    every, known = judged(
        table,
        target,
        tokens,
        positive=positive,
        negative=negative,
        time=time,
        id_column=id_column,
        how=how,
        dated=dated,
    )
    return every if known.all() else every.take(known)


def judged(  # noqa: PLR0913 - each is an option of its own
    table: Table,
    target: str,
    tokens: MissingTokens,
    *,
    positive: Sequence[str] = (),
    negative: Sequence[str] = (),
    time: str | None = None,
    id_column: str | None = None,
    how: Mapping[str, How] | None = None,
    dated: Dated = UNDATED,
) -> tuple[Leads, npt.NDArray[np.bool_]]:
    """Every row of a table as a lead, and which of them have an outcome and a time; raises as ``gather`` does."""
    ways = how or {}
    target = table.resolve(target, "--target")
    time = None if time is None else table.resolve(time, "--time")
    found = decided(table, target, positive, negative, tokens, ways, dated)
    named = roles(table, target, found, id_column)
    arrived: Times | None = None
    if time is not None:
        if time == target:
            raise TrainingDataError(f"--time and --target both name {time!r}")
        arrived = times(table, time, tokens, ways.get(time))
        named[time] = "the time of the lead, as named"
    moment = as_of(table, dated.as_of or None, time, tokens, ways, found.when, tuple(named))
    outcome = within(found.outcome, found.when, moment.values, dated.within) if dated.within else found.outcome
    notes, warnings = [*outcome.notes, *moment.notes], [*outcome.warnings, *before(found.when, moment.values)]
    known = outcome.column.is_not_null().to_numpy()
    if empty := int((~known).sum()) - outcome.waiting:
        notes.append(f"{empty} of {len(known)} rows have no outcome and were left out")
    stamps, period = None, None
    if arrived is not None:
        stamps, period = arrived.values, arrived.period
        notes += arrived.notes
        warnings += arrived.warnings
        known &= ~np.isnan(stamps)
    y = outcome.column.fill_null(np.nan).to_numpy().astype(np.float64)
    every = Leads(
        table.frame, y, outcome, named, stamps, period, tuple(notes), tuple(warnings), moment.values, found.when
    )
    every = msgspec.structs.replace(every, filled_open=filled_of(table.frame, still_open(outcome), tokens))
    return every, known


def roles(table: Table, target: str, found: Decided, id_column: str | None) -> dict[str, str]:
    """The columns that are no features because of their role, with that role; the target is the first."""
    named = {target: "the target", **{name: why for name, why in found.named.items() if name != target}}
    if id_column is not None:
        name = table.resolve(id_column, "--id")
        named[column_of(table.frame, name, "--id").name] = "the lead's identifier, as named"
    return named


def still_open(outcome: Outcome) -> npt.NDArray[np.bool_]:
    """Which rows are left out as open, shape (rows,)."""
    left_out = outcome.column.is_null().to_numpy()
    return left_out if outcome.undecided is None else left_out & outcome.undecided.to_numpy()


def filled_of(frame: pl.DataFrame, rows: npt.NDArray[np.bool_], tokens: MissingTokens) -> dict[str, float]:
    """The share of some rows that have a value, by column; empty if there are few of them."""
    some = frame.filter(pl.Series(rows))
    if some.height < FEWEST_OPEN:
        return {}
    blanked = blank_all(some.get_columns(), tokens)
    return {column.name: 1.0 - column.null_count() / some.height for column, _ in blanked}


def refuse_few(leads: Leads) -> None:
    """Raises ``TrainingDataError`` if there are too few leads, or too few with one of the outcomes."""
    rows, positives = len(leads.y), int(leads.y.sum())
    if rows < FEWEST_ROWS:
        raise TrainingDataError(f"there are {rows} rows with an outcome; training needs at least {FEWEST_ROWS}")
    for count, what in ((positives, "converted"), (rows - positives, "did not convert")):
        if count < FEWEST_OF_EACH:
            raise TrainingDataError(
                f"{count} of {rows} leads {what} (converted means {leads.positive!r}); "
                f"training needs at least {FEWEST_OF_EACH} such leads"
            )


def few(leads: Leads) -> tuple[str, ...]:
    """The warning for leads that suffice for a model, but not for a reliable one."""
    rows = len(leads.y)
    if rows >= ENOUGH_ROWS:
        return ()
    return (
        f"there are {rows} rows with an outcome, fewer than {ENOUGH_ROWS}: such a model is uncertain, as the intervals "
        "of its figures show; train again when there are more",
    )


def parted(leads: Leads, features: pl.DataFrame, seed: int) -> Indices:
    """Returns the part of each lead, 0 to ``HELD_OUT`` - 1; the last is held out: the latest, or a random one.

    Raises ``TrainingDataError`` if either that part or the rest has fewer than 4 leads with one of the outcomes.
    """
    part = leads.folds(HELD_OUT, seed + 1000, features)
    refuse_one_sided(leads, part == HELD_OUT - 1)
    return part


def hold_out(leads: Leads, features: pl.DataFrame, seed: int) -> npt.NDArray[np.bool_]:
    """Selects the held-out leads, as a mask of shape (leads,): the latest fifth, or a random fifth."""
    held: npt.NDArray[np.bool_] = parted(leads, features, seed) == HELD_OUT - 1
    return held


def refuse_one_sided(leads: Leads, held: npt.NDArray[np.bool_]) -> None:
    """Raises ``TrainingDataError`` if few of the held-out leads, or of the others, have one of the outcomes."""
    for part, what in ((held, "latest fifth"), (~held, "first four fifths")):
        positives = int(leads.y[part].sum())
        if not FEWEST_HELD <= positives <= int(part.sum()) - FEWEST_HELD:
            where = f"the {what} of the leads" if leads.time is not None else "a random part of the leads"
            raise TrainingDataError(
                f"{where} holds {positives} conversions in {int(part.sum())} leads: "
                f"each part needs at least {FEWEST_HELD} leads of both outcomes to be judged on"
            )
