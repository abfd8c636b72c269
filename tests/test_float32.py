"""A number is what the trees see of it, or it is none."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadscoring.float32 import FLOAT32_MAX, single


@given(st.floats(-FLOAT32_MAX, FLOAT32_MAX))
def test_a_number_is_rounded_as_numpy_rounds_it(value: float) -> None:
    """To the nearest, in every sign and size."""
    found = single(value)
    assert found is not None
    assert np.float32(value) == found
    assert math.copysign(1, found) == math.copysign(1, value)


@pytest.mark.parametrize("value", [FLOAT32_MAX * 1.0001, -1e39, math.inf, -math.inf, math.nan, 1e308])
def test_what_has_no_finite_one_is_none(value: float) -> None:
    """Nothing becomes infinite on its way to the trees."""
    assert single(value) is None


def test_the_largest_is_that_of_the_standard() -> None:
    """The next one up would be infinity."""
    assert float(np.finfo(np.float32).max) == FLOAT32_MAX == single(FLOAT32_MAX)
