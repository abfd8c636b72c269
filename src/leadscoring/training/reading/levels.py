"""The levels of a categorical column: merges spellings of one value, and separates rare from common ones."""

import msgspec
import polars as pl

MOST_RARE = 10_000
"""Maximum number of rare texts that a card lists; beyond it, none are listed, and they are treated as never seen."""


class Levels(msgspec.Struct):
    """The levels of a column: ``common`` by descending frequency, and all spellings of the ``rare`` ones.

    ``column`` has each value in its most common spelling; ``aliases`` maps other spellings of common levels to that.
    ``rows`` is the number of rows with a rare level, ``distinct`` the number of levels, and ``top`` the rows of the
    most frequent.
    """

    column: pl.Series
    common: list[str]
    aliases: dict[str, str]
    rare: tuple[str, ...]
    rows: int
    distinct: int
    top: int


def levels_of(column: pl.Series, least: float) -> Levels:
    """The levels of a text column; those with fewer than ``least`` rows are rare.

    Texts that differ only in case and surrounding spaces are one level.
    """
    counts = column.drop_nulls().alias("text").value_counts(name="n").sort(["n", "text"], descending=[True, False])
    spelled = counts.with_columns(key=folded(counts["text"]), level=counts["text"].str.strip_chars())
    if spelled["key"].n_unique() == len(spelled):
        return settled(column, spelled.select("text", "level", rows="n"), spelled.select("level", rows="n"), least)
    sizes = spelled.group_by("key", maintain_order=True).agg(pl.col("level").first(), rows=pl.col("n").sum())
    return settled(column, spelled.drop("level").join(sizes, on="key"), sizes, least)


def settled(column: pl.Series, spelled: pl.DataFrame, sizes: pl.DataFrame, least: float) -> Levels:
    """The levels of a column, from the level and its rows of each ``text`` in ``spelled``, and of each in ``sizes``."""
    sizes = sizes.sort(["rows", "level"], descending=[True, False])
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
    """Texts in lower case, without surrounding spaces."""
    return text.str.strip_chars().str.to_lowercase()
