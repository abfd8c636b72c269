"""The values of a category: spellings of one value brought together, and the rare ones told from the common."""

import msgspec
import polars as pl

MOST_RARE = 10_000
"""Rare texts that a card lists, at most; of more it lists none, and they cannot be told from texts never seen."""


class Levels(msgspec.Struct):
    """The levels of a column: ``common`` the most frequent first, and all spellings of the ``rare`` ones.

    ``column`` has each value in its most common spelling; ``aliases`` are the others of the common levels;
    ``rows`` is how many rows have a rare level, and ``distinct`` how many levels there are.
    """

    column: pl.Series
    common: list[str]
    aliases: dict[str, str]
    rare: tuple[str, ...]
    rows: int
    distinct: int
    top: int


def levels_of(column: pl.Series, least: float) -> Levels:
    """The levels of a column of text; one with fewer than ``least`` rows is rare.

    Texts that differ only in case and in spaces around them are one level.
    """
    counts = column.drop_nulls().alias("text").value_counts(name="n").sort(["n", "text"], descending=[True, False])
    spelled = counts.with_columns(key=folded(counts["text"]))
    sizes = (
        spelled.group_by("key", maintain_order=True)
        .agg(level=pl.col("text").first().str.strip_chars(), rows=pl.col("n").sum())
        .sort(["rows", "level"], descending=[True, False])
    )
    spelled = spelled.join(sizes, on="key")
    often = pl.col("rows") >= least
    common: list[str] = sizes.filter(often)["level"].to_list()
    changed = spelled.filter(pl.col("text") != pl.col("level"))
    if len(changed):
        column = column.replace(changed["text"], changed["level"])
    other = changed.filter(often).sort("text")
    few = spelled.filter(~often)
    texts = pl.concat([few["text"], few["level"].alias("text")]).unique()
    return Levels(
        column=column,
        common=common,
        aliases=dict(zip(other["text"], other["level"], strict=True)),
        rare=tuple(texts.sort()) if len(texts) <= MOST_RARE else (),
        rows=int(sizes.filter(~often)["rows"].sum()),
        distinct=len(sizes),
        top=int(sizes["rows"].max() or 0),  # type: ignore[arg-type]  # a count of rows is an integer
    )


def folded(text: pl.Series) -> pl.Series:
    """Texts without what does not count: case, and spaces around them."""
    return text.str.strip_chars().str.to_lowercase()
