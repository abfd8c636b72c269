"""Values of later leads that do not fit what training read: counted, named and exemplified."""

from collections.abc import Iterable
from typing import Literal

import msgspec
import polars as pl

from leadscoring.contract.features import Feature
from leadscoring.training.derived.dates import words_of_future
from leadscoring.training.derived.rows import row_of

EXAMPLES = 3
NEW = 0.01
"""Minimum share of texts unknown to training for a warning."""

Way = Literal["lacking", "unread", "outside", "unparsed", "new", "future"]


class Misfit(msgspec.Struct, frozen=True):
    """``count`` of ``rows`` leads whose value of a feature does not fit in one ``way``; ``some`` are examples."""

    feature: Feature
    way: Way
    count: int
    rows: int
    some: tuple[str, ...] = ()

    @property
    def matters(self) -> bool:
        """Whether there are enough of them for a warning."""
        return self.count > (NEW * self.rows if self.way == "new" else 0)

    @property
    def words(self) -> str:
        """The warning."""
        return WORDS[self.way](self)

    @property
    def examples(self) -> str:
        """The first few distinct values."""
        return ", ".join(self.some)


def lacking(one: Misfit) -> str:
    """Words for values that are required."""
    return (
        f"{one.count} of {one.rows} leads lack {one.feature.name!r}, which is required: the service would reject those "
        "leads"
    )


def unread(one: Misfit) -> str:
    """Words for texts that are no numbers in the notation of training."""
    return (
        f"{one.count} values of {one.feature.name!r} are not numbers as training read them and were read as missing, "
        f"for example {one.examples}; the service would reject those leads"
    )


def outside(one: Misfit) -> str:
    """Words for numbers that the contract does not allow."""
    return (
        f"{one.count} values of {one.feature.name!r} are outside the contract ({one.feature.allowed}) and were read as "
        f"missing, for example {one.examples}; the service would reject those leads"
    )


def unparsed(one: Misfit) -> str:
    """Words for texts that are no dates, addresses and so on."""
    row = row_of(one.feature)
    if row is not None and row.is_lenient:  # the service warns of them; and they may name a person
        return f"{one.count} values of {one.feature.name!r} are not {one.feature.allowed} and were read as missing"
    return (
        f"{one.count} values of {one.feature.name!r} could not be read ({one.feature.allowed}) and are missing, for "
        f"example {one.examples}; the service would reject those leads"
    )


def new(one: Misfit) -> str:
    """Words for values of a category that training did not know."""
    seen = "did not list or never saw" if one.feature.other and not one.feature.rare else "never saw"
    return (
        f"{one.count} of {one.rows} leads have a {one.feature.name!r} that training {seen}, for example {one.examples}"
    )


def future(one: Misfit) -> str:
    """Words for dates after the moment of their lead."""
    return words_of_future(one.feature.name, one.count)


WORDS = {
    "lacking": lacking,
    "unread": unread,
    "outside": outside,
    "unparsed": unparsed,
    "new": new,
    "future": future,
}


def misfit(feature: Feature, way: Way, column: pl.Series, which: pl.Series) -> list[Misfit]:
    """The misfit of the values of a column that ``which`` marks, shape (rows,); none if it marks none."""
    count = int(which.sum())
    return [Misfit(feature, way, count, len(column), examples(column.filter(which)))] if count else []


def examples(column: pl.Series) -> tuple[str, ...]:
    """The first few distinct values of a column, as text."""
    return tuple(repr(value) for value in column.unique(maintain_order=True).head(EXAMPLES).to_list())


def together(found: Iterable[Misfit], rows: int) -> list[Misfit]:
    """The misfits of several parts of a table of so many ``rows``, one for each feature and way."""
    sums: dict[tuple[str, Way], Misfit] = {}
    for one in found:
        before = sums.get((one.feature.name, one.way))
        some = one.some if before is None else tuple(dict.fromkeys((*before.some, *one.some)))[:EXAMPLES]
        count = one.count + (0 if before is None else before.count)
        sums[one.feature.name, one.way] = Misfit(one.feature, one.way, count, rows, some)
    return list(sums.values())
