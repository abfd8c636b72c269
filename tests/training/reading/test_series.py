"""A column is texts or numbers by what stands in it, and nothing in it becomes another number."""

from datetime import date

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadscoring.float32 import FLOAT32_MAX
from leadscoring.training.reading.series import as_text, numbers


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=20))
def test_a_number_is_the_same_as_text_and_as_number(values: list[float]) -> None:
    """To the bit; what the trees cannot compare is none."""
    expected = [value if abs(value) <= FLOAT32_MAX else np.nan for value in values]
    np.testing.assert_array_equal(numbers(pl.Series(values)), expected)
    np.testing.assert_array_equal(numbers(pl.Series([f" {value!r} " for value in values])), expected)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["True", "false", None], [1, 0, np.nan]),
        (["TRUE", "1", "0"], [1, 1, 0]),
        (["False", "12"], [np.nan, 12]),
        ([True, False, None], [1, 0, np.nan]),
        (["x", "1"], [np.nan, 1]),
        ([np.inf, -np.inf, np.nan, 1.5], [np.nan, np.nan, np.nan, 1.5]),
        ([date(2026, 1, 1)], [np.nan]),
    ],
)
def test_true_and_false_are_numbers_where_nothing_else_is_there(values: list[object], expected: list[float]) -> None:
    """Among other numbers they are how Odoo writes that there is none."""
    np.testing.assert_array_equal(numbers(pl.Series(values)), expected)


def test_a_whole_float_is_written_as_a_whole_number() -> None:
    """1.0 and 1 are one value; text stays as it is."""
    assert as_text(pl.Series([1.0, -2.0, 2.5, None])).to_list() == ["1", "-2", "2.5", None]
    assert as_text(pl.Series([1, 10])).to_list() == ["1", "10"]
    assert as_text(pl.Series(["1.0", "x.0"])).to_list() == ["1.0", "x.0"]
