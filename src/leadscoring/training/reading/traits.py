"""What the texts of columns may hold, found for all columns of a table in one query: most kinds are ruled out so."""

from collections.abc import Collection, Sequence

import msgspec
import polars as pl

from leadscoring.training.reading.moments import PERHAPS

MOST_ROWS = 20_000
"""Maximum number of rows: looking at every text of more of them takes longer than the queries that it spares."""

WITNESSES = {
    "moments": PERHAPS,
    "clocks": r"\d:\d",
    "false": r"(?i)false",
    "codes": r"^\s*\+?0\d",
    "addresses": "@",
    "sets": "[;,]",
}
"""For each trait, what a text needs to have it."""


class Traits(msgspec.Struct, frozen=True):
    """Whether any text of a column may be a date, a time of day, *false*, a code with a leading zero, and so on.

    True also where that is not known.
    """

    moments: bool = True
    clocks: bool = True
    false: bool = True
    codes: bool = True
    addresses: bool = True
    sets: bool = True


def traits_of(columns: Sequence[pl.Series], asked: Collection[str] = tuple(WITNESSES)) -> list[Traits]:
    """The traits of columns of one length, in their order; all where a column is long, or no text, or not ``asked``."""
    texts = [place for place, column in enumerate(columns) if column.dtype == pl.String and len(column) <= MOST_ROWS]
    if not texts:
        return [Traits()] * len(columns)
    frame = pl.DataFrame([columns[place].alias(str(place)) for place in texts])
    found = [frame.select(pl.all().str.contains(WITNESSES[name]).any()).row(0) for name in asked]
    known = {
        place: Traits(**dict(zip(asked, of_one, strict=True))) for place, *of_one in zip(texts, *found, strict=True)
    }
    return [known.get(place, Traits()) for place in range(len(columns))]
