"""Parses numbers as people write them: ``$1,234.50``, ``1.234,50 €``, ``12 %``, ``(1,200)``, ``1.2M``.

A single value may be ambiguous: ``1.234`` is a little over one, or over a thousand. A column as a whole rarely is, so
the notation is inferred per column, and stored for later files.
"""

from collections.abc import Iterable

import msgspec
import numpy as np
import polars as pl

from leadscoring.errors import TrainingDataError
from leadscoring.model.reading import Notation
from leadscoring.training.reading.series import Vector, numbers

STRAY_SHARE = 0.01
"""Maximum share of text in a numeric column; such values are read as missing."""

FEWEST_GROUPED = 5
"""Minimum number of values such as 1.234, beside whole numbers below 1,000, for the dot to be a thousands separator."""

GLIMPSED = 1000
"""Number of first values that often tell that a dot is no thousands separator."""

CODES = (
    "USD|EUR|GBP|CHF|JPY|INR|AUD|CAD|NZD|SEK|NOK|DKK|PLN|CZK|HUF|RON|BRL|MXN|ZAR|SGD|HKD|CNY|RMB|RUB|TRY|AED|SAR|ILS"
    "|KRW|THB|IDR|MYR|PHP|VND|EGP|NGN|KES|ARS|CLP|COP|UAH"
)
CURRENCY = rf"(?:(?:US|A|C|R|NZ|S|HK|CA|AU)?\$|[€£¥₹₽₩₺₪₫฿₴₦]|(?i:{CODES})|kr\.?|Rs\.?|zł|Kč|Ft|Fr\.?)"
SCALES = {
    "": 1.0,
    "k": 1e3,
    "tsd": 1e3,
    "thousand": 1e3,
    "lakh": 1e5,
    "lac": 1e5,
    "m": 1e6,
    "mn": 1e6,
    "mio": 1e6,
    "million": 1e6,
    "crore": 1e7,
    "cr": 1e7,
    "b": 1e9,
    "bn": 1e9,
    "mrd": 1e9,
    "billion": 1e9,
}
SCALE = r"(?:[kKMB]|m|(?i:tsd|thousand|lakh|lac|mn|mio|million|crore|cr|bn|mrd|billion)s?\.?)"
SHAPE = (
    rf"^(?P<sign>[-+])?\s*(?P<before>{CURRENCY})?\s*(?P<open>\()?\s*(?P<second>[-+])?\s*(?P<inside>{CURRENCY})?\s*"
    rf"(?P<core>(?:\d[\d.,' ]*|[.,]\d+)(?:[eE][-+]?\d+)?)\s*(?P<scale>{SCALE})?\s*(?P<after>%|{CURRENCY})?\s*"
    rf"(?P<trail>-)?(?P<close>\))?\s*(?P<last>%|{CURRENCY})?$"
)
LOOSE = r"^[^\w]{0,4}\d[\d.,' ]*\s*[^\W\d_]{0,12}\.?[^\w]{0,3}$"
"""What looks like a number to a reader: digits, optionally followed by one short word."""

CONVENTIONS = (Notation(".", ","), Notation(",", "."), Notation(".", "'"), Notation(",", " "), Notation(".", " "))
SAMPLES = {
    "1,234.5": Notation(".", ","),
    "1.234,5": Notation(",", "."),
    "1'234.5": Notation(".", "'"),
    "1 234,5": Notation(",", " "),
    "1 234.5": Notation(".", " "),
    "1234,5": Notation(",", ""),
    "1234.5": Notation(".", ""),
}
"""What ``--read COLUMN=`` accepts for numbers: 1234.5 in the notation of the column."""


class Decided(msgspec.Struct):
    """A text column as numbers: ``values`` of shape (rows,), NaN where there is none.

    ``notation`` is ``None`` for plain numbers. ``open`` is true if the column alone does not determine whether a
    point or a comma is the decimal separator. ``words`` describe the decision, ``warnings`` what the user should
    check.
    """

    values: Vector
    notation: Notation | None = None
    open: bool = False
    words: str = ""
    warnings: list[str] = []


def tidy(text: pl.Series) -> pl.Series:
    """Normalizes spaces, minus signs and apostrophes, and strips surrounding spaces."""
    return (
        text.str.replace_all("[\u00a0\u202f\u2009\u2007]", " ")
        .str.replace_all("[\u2212\u2013]", "-")
        .str.replace_all("[\u2019\u02bc`\u00b4]", "'")
        .str.strip_chars()
    )


def parts(text: pl.Series) -> pl.DataFrame:
    """The parts of each number by the group names of ``SHAPE``, null for a text that does not match."""
    clean = tidy(text).str.replace(r"([\d.])[,.]-+(\s*\D*)$", "${1}${2}")  # 1.200,- is 1.200
    groups = clean.str.extract_groups(SHAPE).struct.unnest()
    core = groups["core"].str.strip_chars()
    money = pl.coalesce(*(pl.col(name).replace("%", None) for name in ("before", "inside", "after", "last")))
    scale = groups["scale"].str.to_lowercase().str.strip_chars(".")
    scale = pl.select(pl.when(scale.is_in(list(SCALES))).then(scale).otherwise(scale.str.strip_suffix("s"))).to_series()
    minutes = (groups["scale"] == "m").fill_null(False)
    groups = groups.with_columns(core=core, scale=scale.fill_null(""), currency=money)
    bare = minutes & groups["currency"].is_null()  # 30m is minutes or months, unless it is an amount of money
    torn = groups["open"].is_not_null() != groups["close"].is_not_null()
    return groups.with_columns(core=pl.when(~(bare | torn)).then(pl.col("core")))


def pattern(notation: Notation) -> str:
    """The regular expression of a number without currency, scale and sign, in a notation."""
    point = "\\" + notation.decimal
    fraction, power = f"(?:{point}\\d*)?", "(?:[eE][-+]?\\d+)?"
    plain = f"\\d+{fraction}{power}|{point}\\d+{power}"
    if not notation.group:
        return f"^(?:{plain})$"
    sign = {"'": "'", " ": " "}.get(notation.group, "\\" + notation.group)
    grouped = f"\\d{{1,3}}(?:{sign}\\d{{3}})+{fraction}"
    indian = f"|\\d{{1,2}}(?:,\\d{{2}})+,\\d{{3}}{fraction}" if notation.group == "," else ""
    return f"^(?:{plain}|{grouped}{indian})$"


def values_of(groups: pl.DataFrame, notation: Notation) -> Vector:
    """Converts parts to numbers in a notation, NaN for a text that does not match; shape (rows,)."""
    core = groups["core"]
    fits = core.str.contains(pattern(notation)).fill_null(False)
    percent = (groups["after"].fill_null("") == "%") | (groups["last"].fill_null("") == "%")
    if notation.percent:
        fits &= percent
    elif notation.currency:
        fits &= groups["currency"].is_null() | (groups["currency"] == notation.currency)
    if notation.group:
        core = core.str.replace_all(notation.group, "", literal=True)
    core = core.str.replace(notation.decimal, ".", literal=True)
    number = core.str.strip_suffix(".").cast(pl.Float64, strict=False)
    negative = sum((groups[name].fill_null("") == "-").cast(pl.Int8) for name in ("sign", "second", "trail")) + groups[
        "open"
    ].is_not_null().cast(pl.Int8)
    scale = groups["scale"].replace_strict(SCALES, default=None, return_dtype=pl.Float64)
    value = number * scale * pl.select(pl.when(negative % 2 == 1).then(-1.0).otherwise(1.0)).to_series()
    result: Vector = pl.select(pl.when(fits & (negative <= 1)).then(value)).to_series().to_numpy().astype(np.float64)
    return np.where(np.abs(result) < np.inf, result, np.nan)


def read_numbers(column: pl.Series, notation: Notation | None) -> Vector:
    """Converts a column to float64 in the notation inferred by training, NaN for a text that does not match."""
    if notation is None or column.dtype != pl.String:
        return numbers(column)
    return values_of(parts(column), notation)


def looks_like_numbers(text: pl.Series) -> float:
    """The share of texts that look like numbers to a reader; ``text`` has no nulls."""
    sample = text if len(text) < 2000 else text.gather_every(len(text) // 1000)
    clean = tidy(sample)
    return float((clean.str.contains(LOOSE) | clean.str.contains(SHAPE)).mean() or 0.0)  # type: ignore[arg-type]  # the mean of booleans is a float


def decide(column: pl.Series, named: Notation | None = None, habit: str = "") -> Decided | None:
    """Infers the numbers of a text column whose missing values are null; ``None`` if it is not numeric.

    ``named`` is the notation that the user specified. ``habit`` is the decimal separator of the file's other columns,
    or empty. Raises ``TrainingDataError`` if no value has the specified notation.
    """
    present = column.drop_nulls()
    if len(present) == 0:
        return Decided(np.full(len(column), np.nan))
    if named is not None:
        return as_named(column, named)
    plain = numbers(column)
    enough = (1.0 - STRAY_SHARE) * len(present)
    count = int((~np.isnan(plain)).sum())
    if count == len(present) and not could_be_grouped(present):
        return Decided(plain)
    if count < enough and looks_like_numbers(present) < 0.5:
        return None
    groups = parts(column)
    read = [values_of(groups, convention) for convention in CONVENTIONS]
    counts = [int((~np.isnan(values)).sum()) for values in read]
    best = max(counts)
    if best < enough or best < count:
        return Decided(plain) if count >= enough else None
    ties = [place for place, hits in enumerate(counts) if hits == best]
    differ = any(not np.array_equal(read[ties[0]], read[place], equal_nan=True) for place in ties[1:])
    if not differ:
        return dressed(column, groups, CONVENTIONS[ties[0]], plain)
    return between(column, groups, habit, plain)


def could_be_grouped(present: pl.Series) -> bool:
    """Whether a dot may be a thousands separator: it always follows 1 to 3 digits and precedes exactly 3."""
    return all_grouped(present.head(GLIMPSED)) is not False and bool(all_grouped(present))


def all_grouped(present: pl.Series) -> bool | None:
    """Whether every dot of some texts may be a thousands separator; ``None`` if there is none."""
    dotted = present.filter(present.str.contains(".", literal=True))
    return bool(dotted.str.contains(r"^\s*[-+]?[1-9]\d{0,2}\.\d{3}\s*$").all()) if len(dotted) else None


def between(column: pl.Series, groups: pl.DataFrame, habit: str, plain: Vector) -> Decided:
    """Decides a column in which each separator precedes three digits, so that it may be decimal or thousands."""
    core = groups["core"].drop_nulls()
    sign = "." if core.str.contains(".", literal=True).any() else ","
    other = "," if sign == "." else "."
    signed = core.str.contains(sign, literal=True)
    grouped = Notation(other, sign)  # type: ignore[arg-type]  # both are separators
    decimal = Notation(sign, other)  # type: ignore[arg-type]  # both are separators
    example = core.filter(signed)[0]
    bare = core.filter(~signed)
    if len(bare) and bool((bare.str.len_chars() <= 3).all()) and core.filter(signed).n_unique() >= FEWEST_GROUPED:
        decided = dressed(column, groups, grouped, plain)
        decided.words += f", since whole numbers without {sign!r} stay below 1000"
        return decided
    if len(bare) and bool((bare.str.len_chars() > 3).any()):
        return dressed(column, groups, decimal, plain)
    chosen = (grouped if habit == other else decimal) if habit else (decimal if sign == "." else grouped)
    decided = dressed(column, groups, chosen, plain)
    decided.open = not habit
    dollars = {"$", "US$", "USD", "£", "GBP"}
    if chosen is grouped and sign == "," and set(groups["currency"].drop_nulls().unique()) & dollars:
        return decided
    what = example.replace(sign, "") if chosen is grouped else example.replace(sign, ".")
    decided.warnings.append(
        f"{column.name!r}: {example!r} was read as {what}, but its values are ambiguous; "
        f"--read {column.name!r}=1{sign}234{other}5 or 1{other}234{sign}5 sets the format"
    )
    return decided


def dressed(column: pl.Series, groups: pl.DataFrame, convention: Notation, plain: Vector) -> Decided:
    """The decision for a convention, with the column's percent sign or currency.

    No notation is needed if the plain numbers are the same.
    """
    values = values_of(groups, convention)
    if np.array_equal(values, plain, equal_nan=True):
        return Decided(plain)
    warnings = []
    read = ~np.isnan(values)
    percent = ((groups["after"].fill_null("") == "%") | (groups["last"].fill_null("") == "%")).to_numpy() & read
    money = groups["currency"].filter(pl.Series(read)).drop_nulls()
    kinds = sorted(money.unique().to_list())
    if percent.any() and not percent[read].all():
        warnings.append(
            f"{column.name!r}: {int(percent.sum())} of {int(read.sum())} values have a percent sign; all were read as "
            "they stand (12 % is 12)"
        )
    if len(kinds) > 1:
        warnings.append(
            f"{column.name!r} holds amounts in several currencies ({', '.join(kinds[:5])}), which were read as one"
        )
    notation = msgspec.structs.replace(
        convention, percent=bool(percent.any() and percent[read].all()), currency=kinds[0] if len(kinds) == 1 else ""
    )
    if notation.group and not groups["core"].str.contains(notation.group, literal=True).any():
        notation = msgspec.structs.replace(notation, group=notation.group if notation.decimal == "." else ".")
    changed = np.flatnonzero(read & ~(values == plain))
    example = column[int(changed[0])]
    return Decided(
        values, notation, words=f"numbers such as {example!r}, read as {values[changed[0]]:.12g}", warnings=warnings
    )


def as_named(column: pl.Series, named: Notation) -> Decided:
    """The numbers of a column in the notation that the user specified.

    Raises ``TrainingDataError`` if no value has that notation.
    """
    groups = parts(column)
    if named == Notation(".", ""):
        return Decided(numbers(column))
    decided = dressed(column, groups, named, np.full(len(column), np.nan))
    if np.isnan(decided.values).all():
        raise TrainingDataError(
            f"--read sets the number format of {column.name!r}, but none of its values has that format"
        )
    decided.words = "numbers, read as named"
    return decided


def habit_of(decisions: Iterable[Decided | None]) -> str:
    """The decimal separator of the columns for which it is unambiguous; empty if they differ."""
    signs = {one.notation.decimal for one in decisions if one is not None and one.notation is not None and not one.open}
    return signs.pop() if len(signs) == 1 else ""
