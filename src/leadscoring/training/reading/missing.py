"""Missing tokens: the texts in a file that mean *unknown*, and how often each occurs."""

from collections.abc import Iterable, Sequence
from functools import lru_cache

import msgspec
import polars as pl

from leadscoring.contract.features import nearest
from leadscoring.errors import TrainingDataError
from leadscoring.training.reading.series import as_text, counts_of

SPELLINGS = (
    *("", "NA", "N/A", "n/a", "NULL", "Null", "null", "None", "none", "NaN", "nan", "?", "-"),
    *(
        "Select",
        "select",
        "Unknown",
        "unknown",
        "--",
        "\u2014",
        "\u2013",
        "(blank)",
        "(none)",
        "(not set)",
        "(No value)",
    ),
    *("#N/A", "#DIV/0!", "#VALUE!", "#REF!", "#NAME?", "#NUM!", "#NULL!", "<NA>", "<null>", "\\N", "NaT"),
    *("0000-00-00", "0000-00-00 00:00:00", "00/00/0000", "00.00.0000"),
)
"""The missing tokens of every column, matched case-insensitively."""


class MissingTokens(msgspec.Struct, frozen=True):
    """The missing tokens of all columns, and additional ones of single columns."""

    everywhere: frozenset[str] = frozenset(text.casefold() for text in SPELLINGS)
    single: dict[str, frozenset[str]] = {}

    def of(self, column: str) -> frozenset[str]:
        """The missing tokens of one column, case-folded."""
        return self.everywhere | self.single.get(column, frozenset())


def parse_tokens(options: Iterable[str], columns: Iterable[str]) -> MissingTokens:
    """The default missing tokens, extended by ``TOKEN`` for every column and ``COLUMN=TOKEN`` for one.

    Raises ``TrainingDataError`` if ``COLUMN`` is not a column of the table.
    """
    known = list(columns)
    everywhere = {text.casefold() for text in SPELLINGS}
    single: dict[str, frozenset[str]] = {}
    for token in options:
        name, sign, value = token.rpartition("=")
        if not sign:
            everywhere.add(token.strip().casefold())
        elif name in known:
            single[name] = single.get(name, frozenset()) | {value.strip().casefold()}
        else:
            raise TrainingDataError(f"--missing names the column {name!r}, which is not in the data{hint(name, known)}")
    return MissingTokens(frozenset(everywhere), single)


def hint(name: str, known: list[str]) -> str:
    """A suggestion for a misspelled name, as the end of a sentence; empty if no name is similar."""
    guess = nearest(name, known)
    return f"; did you mean {guess!r}?" if guess else ""


def blank(column: pl.Series, tokens: frozenset[str]) -> tuple[pl.Series, dict[str, int]]:
    """Replaces missing tokens by null; returns the column, and how often each spelling occurred."""
    if not (column.dtype == pl.String or column.dtype.is_numeric()):
        return column, {}
    if column.dtype.is_numeric():
        return blank_numbers(column, tokens)
    text = column
    hit = text.str.strip_chars().str.to_lowercase().is_in(lowered(tokens))
    counts = dict(sorted(counts_of(text.filter(hit.fill_null(False)))))
    return without(column, hit) if counts else column, counts


def blank_all(columns: Sequence[pl.Series], tokens: MissingTokens) -> list[tuple[pl.Series, dict[str, int]]]:
    """As ``blank`` for columns of one length; one query finds the texts without missing tokens, which most are."""
    texts = {f"{place}": column for place, column in enumerate(columns) if column.dtype == pl.String}
    hits = [
        pl.col(place).str.strip_chars().str.to_lowercase().is_in(lowered(tokens.of(column.name))).any()
        for place, column in texts.items()
    ]
    frame = pl.DataFrame([column.alias(place) for place, column in texts.items()])
    some = frame.select(hits).row(0, named=True) if hits else {}
    return [
        blank(column, tokens.of(column.name)) if some.get(f"{place}", True) else (column, {})
        for place, column in enumerate(columns)
    ]


def blank_numbers(column: pl.Series, tokens: frozenset[str]) -> tuple[pl.Series, dict[str, int]]:
    """As ``blank``; only numbers that some token may mean are written as text, which takes long."""
    values = [value for value in map(as_number, tokens) if value is not None]
    near = column.cast(pl.Float64).is_in(values, nulls_equal=False).fill_null(False)
    if not near.any():
        return column, {}
    text = as_text(column.filter(near))
    fits = text.str.to_lowercase().is_in(lowered(tokens))
    hit = near.to_numpy().copy()
    hit[hit] = fits.to_numpy()
    counts = dict(sorted(counts_of(text.filter(fits))))
    return without(column, pl.Series(hit)) if counts else column, counts


@lru_cache(maxsize=64)
def lowered(tokens: frozenset[str]) -> pl.Series:
    """Tokens as texts are compared with them; kept, since they are the same for most columns."""
    return pl.Series([token.lower() for token in tokens], dtype=pl.String).implode()


def as_number(token: str) -> float | None:
    """The number that a token is, which may be NaN; ``None`` for any other."""
    try:
        return float(token)
    except ValueError:
        return None


def without(column: pl.Series, hit: pl.Series) -> pl.Series:
    """A column with null where ``hit`` is true."""
    return pl.select(pl.when(~hit).then(column).otherwise(None).alias(column.name)).to_series()
