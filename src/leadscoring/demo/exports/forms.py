"""Writes moments, days, amounts, shares and counts as a locale does."""

from collections.abc import Callable

import polars as pl

from leadscoring.demo.exports.crm import Form, Locale


def formed(values: pl.Series, form: Form, locale: Locale) -> pl.Series:
    """The text of each value in a form; null stays null.

    Moments and days are datetimes, amounts are numbers with two decimals, ``share`` are shares of 0..1, counts are
    whole numbers, and ``plain`` texts stay as they are.
    """
    return pl.select(FORMS[form](pl.lit(values), locale)).to_series()


def moment(values: pl.Expr, locale: Locale) -> pl.Expr:
    """A date and a time of day, to the minute."""
    return values.dt.strftime(locale.moment)


def day(values: pl.Expr, locale: Locale) -> pl.Expr:
    """A date."""
    return values.dt.strftime(locale.day)


def count(values: pl.Expr, locale: Locale) -> pl.Expr:
    """A whole number that is not negative, in groups of three digits."""
    if not locale.group:
        return values.cast(pl.String)
    whole = values.cast(pl.Int64)
    last = (whole % 1_000).cast(pl.String)
    middle = (whole // 1_000 % 1_000).cast(pl.String)
    small = whole < 1_000_000
    grouped = pl.concat_str(middle, last.str.zfill(3), separator=locale.group)
    most = pl.concat_str(
        (whole // 1_000_000).cast(pl.String), middle.str.zfill(3), last.str.zfill(3), separator=locale.group
    )
    return pl.when(whole < 1_000).then(last).when(small).then(grouped).otherwise(most)


def money(values: pl.Expr, locale: Locale) -> pl.Expr:
    """An amount with two decimals."""
    cents = (values * 100).round().cast(pl.Int64)
    fraction = (cents % 100).cast(pl.String).str.zfill(2)
    number = pl.concat_str(count(cents // 100, locale), fraction, separator=locale.decimal)
    return pl.format(locale.money, number) if locale.money != "{}" else number


def share(values: pl.Expr, locale: Locale) -> pl.Expr:
    """A share as a percentage with up to one decimal, or as it is where the locale writes fractions."""
    if not locale.share:
        return values.round(3).cast(pl.String)
    tenths = (values * 1_000).round().cast(pl.Int64)
    whole, tenth = (tenths // 10).cast(pl.String), (tenths % 10).cast(pl.String)
    number = pl.when(tenths % 10 == 0).then(whole).otherwise(pl.concat_str(whole, tenth, separator=locale.decimal))
    return pl.format(locale.share, number)


FORMS: dict[Form, Callable[[pl.Expr, Locale], pl.Expr]] = {
    "plain": lambda values, _: values,
    "moment": moment,
    "day": day,
    "money": money,
    "share": share,
    "count": count,
}
