from collections.abc import Callable

import numpy as np
import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from leadscoring.errors import TrainingDataError
from leadscoring.model.reading import Notation
from leadscoring.training.reading.notation import SAMPLES, decide, looks_like_numbers, read_numbers


def text(*values: str | None) -> pl.Series:
    """A column of text."""
    return pl.Series("amount", values, dtype=pl.String)


def grouped(value: float, group: str, decimal: str, digits: int = 2) -> str:
    """A number with its thousands grouped."""
    return f"{value:,.{digits}f}".translate(str.maketrans(",.", group + decimal))


def lakhs(value: float) -> str:
    """A number grouped as in India."""
    whole, _, part = f"{abs(value):.2f}".partition(".")
    head, tail = whole[:-3], whole[-3:]
    while head:
        tail, head = f"{head[-2:]},{tail}", head[:-2]
    return f"{'-' if value < 0 else ''}{tail}.{part}"


NOTATIONS: dict[str, Callable[[float], str]] = {
    "plain": lambda value: f"{value:.2f}",
    "US": lambda value: grouped(value, ",", "."),
    "dollars": lambda value: ("-" if value < 0 else "") + "$" + grouped(abs(value), ",", "."),
    "accounting": lambda value: f"(${grouped(-value, ',', '.')})" if value < 0 else f"$ {grouped(value, ',', '.')}",
    "German euros": lambda value: grouped(value, ".", ",") + " €",
    "decimal comma": lambda value: f"{value:.2f}".replace(".", ","),
    "Swiss": lambda value: "CHF " + grouped(value, "'", "."),
    "French": lambda value: grouped(value, "\u202f", ",") + "\xa0€",
    "Indian": lambda value: "₹" + lakhs(value) if value >= 0 else "-₹" + lakhs(-value),
    "minus behind": lambda value: grouped(abs(value), ",", ".") + ("-" if value < 0 else ""),
    "real minus": lambda value: grouped(value, ",", ".").replace("-", "\u2212"),
    "percent": lambda value: grouped(value, ",", ".") + " %",
    "exponent": lambda value: f"{value:.12e}",
}
CENTS = st.integers(-10_000_000_00, 10_000_000_00).map(lambda cents: cents / 100)


@pytest.mark.parametrize("name", NOTATIONS)
@settings(max_examples=60, deadline=None)
@given(values=st.lists(CENTS, min_size=1, max_size=30))
@example(values=[1234.5, 0.25, -1_000_000.0])
def test_a_column_is_read_to_the_same_numbers_however_it_is_written(name: str, values: list[float]) -> None:
    """In each notation the values are the plain ones, and a later file is read by what was decided."""
    column = text(*map(NOTATIONS[name], values), None)
    decided = decide(column)
    assert decided is not None
    np.testing.assert_allclose(decided.values, [*values, np.nan], rtol=1e-12)
    np.testing.assert_array_equal(read_numbers(column, decided.notation), decided.values)


@settings(max_examples=150, deadline=None)
@given(
    values=st.lists(CENTS, min_size=1, max_size=12),
    names=st.lists(st.sampled_from(sorted(NOTATIONS)), min_size=12, max_size=12),
)
def test_a_mixture_is_read_right_or_refused_and_never_silently_wrong_by_thousands(
    values: list[float], names: list[str]
) -> None:
    """Values in several notations give their numbers, or none at all; what is not read is counted by the caller."""
    column = text(*(NOTATIONS[name](value) for value, name in zip(values, names, strict=False)))
    decided = decide(column)
    if decided is not None:
        read = ~np.isnan(decided.values)
        np.testing.assert_allclose(decided.values[read], np.array(values)[read], rtol=1e-12)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["1.2M", "300k", "5B", "$3m", "2 mio"], [1.2e6, 3e5, 5e9, 3e6, 2e6]),
        (["1.200,-", "12,-", "13,50"], [1200, 12, 13.5]),
        (["12 %", "3.5%"], [12, 3.5]),
        (["(1,200)", "500"], [-1200, 500]),
        (["5 lakh", "1.5 crore"], [5e5, 1.5e7]),
        (["1.234.567", "999"], [1234567, 999]),
        ([".5", "1."], [0.5, 1]),
    ],
)
def test_other_ways_to_write_a_number(values: list[str], expected: list[float]) -> None:
    """Scales, dashes for no cents, percent signs and brackets."""
    decided = decide(text(*values))
    assert decided is not None
    assert decided.values.tolist() == pytest.approx(expected)


@pytest.mark.parametrize(
    ("values", "habit", "expected", "said"),
    [
        (["1.234", "2.500", "12.345", "345.678", "9.999", "99"], "", 1234, "stay below 1000"),
        (["1.234", "2.501", "1500"], "", 1.234, ""),
        (["1.234", "2.501", "0.5"], "", 1.234, ""),
        (["1.234", "2.501"], "", 1.234, "--read 'amount'=1.234,5 or 1,234.5"),
        (["1.234", "2.501"], ",", 1234, "its values are ambiguous"),
        (["1,234", "2,501"], "", 1234, "its values are ambiguous"),
        (["1,234", "2,501"], ",", 1.234, "its values are ambiguous"),
    ],
)
def test_three_digits_behind_a_dot_are_decided_by_the_column(
    values: list[str], habit: str, expected: float, said: str
) -> None:
    """By whole numbers beside them, else by other columns of the file, and what is not certain is a warning."""
    decided = decide(text(*values), habit=habit)
    assert decided is not None
    assert decided.values[0] == expected
    assert said in " ".join([decided.words, *decided.warnings])
    assert bool(decided.warnings) == ("ambiguous" in said or "--read" in said)


def test_what_is_no_column_of_numbers() -> None:
    """Ranges, words, numbers with units, and two notations that contradict each other are not read as numbers."""
    for values in (["11-50", "51-200"], ["red", "blue"], ["12 days", "3 days"], ["1,234.5", "1.234,5"], ["30m", "5m"]):
        assert decide(text(*values)) is None
    assert looks_like_numbers(text("12 days", "3 days")) == 1.0
    assert looks_like_numbers(text("red", "Floor 3, left")) == 0.0


def test_currencies_and_percent_signs() -> None:
    """One currency is kept, and another one does not fit; several are a warning; so are percent signs on some."""
    decided = decide(text("$1,234.50", "7"))
    assert decided is not None
    assert decided.notation == Notation(".", ",", currency="$")
    assert np.isnan(read_numbers(text("€5"), decided.notation))[0]
    several = decide(text("$1", "€2"))
    assert several is not None
    assert "several currencies ($, €)" in several.warnings[0]
    some = decide(text("12 %", "0.5"))
    assert some is not None
    assert "1 of 2 values have a percent sign" in some.warnings[0]
    every = decide(text("12 %", "0.5%"))
    assert every is not None
    assert every.notation is not None
    assert np.isnan(read_numbers(text("0.12"), every.notation))[0]


def test_the_notation_may_be_named() -> None:
    """--read COLUMN=1.234,5 decides what the values do not."""
    for sample, notation in SAMPLES.items():
        decided = decide(text(sample), named=notation)
        assert decided is not None
        assert decided.values.tolist() == [1234.5]
    with pytest.raises(TrainingDataError, match="none of its values has that format"):
        decide(text("x"), named=SAMPLES["1.234,5"])
