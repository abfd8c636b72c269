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
    counts = column.drop_nulls().value_counts(name="n").rows()
    groups: dict[str, list[tuple[str, int]]] = {}
    for text, count in sorted(counts, key=lambda row: (-row[1], row[0])):
        groups.setdefault(text.strip().casefold(), []).append((text, count))
    spelled = {text: group[0][0].strip() for group in groups.values() for text, _ in group}
    sizes = sorted(
        ((group[0][0].strip(), sum(count for _, count in group)) for group in groups.values()),
        key=lambda level: (-level[1], level[0]),
    )
    common = [level for level, count in sizes if count >= least]
    known = set(common)
    changed = {text: level for text, level in spelled.items() if text != level}
    if changed:
        column = column.replace(changed)
    rare = tuple(sorted({text for pair in spelled.items() if pair[1] not in known for text in pair}))
    return Levels(
        column,
        common,
        {text: level for text, level in sorted(changed.items()) if level in known},
        rare if len(rare) <= MOST_RARE else (),
        sum(count for level, count in sizes if level not in known),
        len(sizes),
        sizes[0][1] if sizes else 0,
    )
