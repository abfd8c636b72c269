"""Columns of numbers are split into their distinct numbers and a place for each cell."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadscoring._engine import distinct_numbers

NAN = float("nan")
NUMBERS = st.floats() | st.sampled_from([0.0, -0.0, 1.0, NAN, -NAN]) | st.integers(-3, 3).map(float)


def written(numbers: object) -> list[str]:
    """Numbers as texts, which distinguish the sign of zero and not that of NaN."""
    return [repr(one) for one in np.asarray(numbers).tolist()]


@given(st.lists(NUMBERS), st.integers(0, 20))
def test_places_give_the_numbers_back(numbers: list[float], spare: int) -> None:
    """Each number comes once, in the order in which numbers come; one number less of room is too little."""
    values, places = np.array(numbers), np.empty(len(numbers), np.uint32)
    expected = list(dict.fromkeys(written(values)))
    found = np.empty(len(expected) + spare)
    count = distinct_numbers(values, places, found)
    assert count == len(expected)
    assert written(found[:count]) == expected
    assert written(found[places]) == written(values)
    if expected:
        assert distinct_numbers(values, places, np.empty(len(expected) - 1)) is None


def test_many_numbers_are_found() -> None:
    """Of each of 50,000 numbers, whose bits are close to each other or far apart."""
    for values in (np.arange(50_000.0), 1.0 + np.arange(50_000) * 2.0**-52, np.ldexp(1.0, np.arange(-1000, 1000))):
        twice, places, found = np.tile(values, 2), np.empty(2 * len(values), np.uint32), np.empty(len(values))
        assert distinct_numbers(twice, places, found) == len(values)
        assert (found == values).all()
        assert (found[places] == twice).all()


def test_buffers_must_match() -> None:
    """A place is needed for each value, of the type that places have."""
    with pytest.raises(ValueError, match="places must have 3 elements, not 2"):
        distinct_numbers(np.zeros(3), np.empty(2, np.uint32), np.empty(3))
    with pytest.raises(TypeError, match="format I"):
        distinct_numbers(np.zeros(3), np.empty(3, np.int32), np.empty(3))
