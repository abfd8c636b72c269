"""Paths such as ``Paid > Search > Brand``: hierarchical values, of which many leaves are rare.

They are texts. A leaf that is rare, or new when a lead is scored, has the words of its parents, and the pair of two
neighbouring levels tells leaves of the same name under different parents apart.
"""

import polars as pl

from leadscoring.training import names
from leadscoring.training.column import FEWEST, RARE_SHARE, Read
from leadscoring.training.derived.texts import FEWEST_WORDS, Texts, recurring
from leadscoring.training.reading.levels import folded
from leadscoring.training.reading.notation import looks_like_numbers

SEPARATORS = (">", "»", "→", "::", "|", "\\", "/", ": ")
"""What stands between the levels of a path; the first that most values have."""

MOST = 0.6
"""Minimum share of values with the separator: some end at the first level."""

COVERED = 0.9
"""Minimum share of leads whose first level is not rare."""

NARROW = 0.5
"""Maximum number of parents for each distinct path: otherwise no leaf shares its parent."""

RARE = 0.05
"""Minimum share of leads with a rare path: codes serve frequent ones as well."""


class Paths(Texts):
    """Hierarchical values, read as texts."""

    def detects(self, read: Read) -> bool:
        """Whether many values are rare, but share the first levels of a path with frequent ones."""
        if read.column.dtype != pl.String or names.says_person(read.raw.name):
            return False
        column = read.column.drop_nulls()
        least = max(FEWEST, RARE_SHARE * len(read.column))
        if rare(folded(column), least) < max(RARE * len(column), FEWEST) or looks_like_numbers(column) >= MOST:
            return False
        separator = separator_of(column)
        return separator != "" and share_parents(column, separator, least) and recurring(column) >= FEWEST_WORDS

    def read(self, read: Read) -> None:
        """Reads the column as text, and says why."""
        super().read(read)
        example = read.column.drop_nulls()[0]
        read.notes[-1] = (
            f"{read.raw.name!r}: paths such as {example!r}, of which the model gets the words: rare and new ones are "
            f"scored by those of their parents (--read {read.raw.name}=category changes that)"
        )


def rare(column: pl.Series, least: float) -> int:
    """Returns the number of rows with a text of fewer than ``least`` rows."""
    counts = column.value_counts()["count"]
    return int(counts.filter(counts < least).sum())


def separator_of(column: pl.Series) -> str:
    """Returns the separator after a level with a letter that most texts have; empty if there is none."""
    patterns = {separator: rf"\pL[^{escaped(separator)}]*{escaped(separator)}\s*\S" for separator in SEPARATORS}
    return next(
        (one for one, pattern in patterns.items() if int(column.str.contains(pattern).sum()) >= MOST * len(column)), ""
    )


def escaped(separator: str) -> str:
    """Returns a regular expression of a separator."""
    return "".join(f"\\{one}" if one in "|\\/" else one for one in separator)


def share_parents(column: pl.Series, separator: str, least: float) -> bool:
    """Whether first levels are several and frequent, and parents are much fewer than paths."""
    levels = folded(column).str.strip_chars(separator).str.split(separator)
    top = levels.list.first().str.strip_chars()
    paths = levels.list.join(separator).unique().to_list()
    parents = {path.rpartition(separator)[0] for path in paths}
    few = rare(top, least)
    several = int((top.value_counts()["count"] >= least).sum()) >= 2
    return several and few <= (1.0 - COVERED) * len(top) and len(parents) <= NARROW * len(paths)
