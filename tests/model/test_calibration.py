"""Calibration is a monotone table that anyone can check with numpy."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadscoring.errors import CardInvalid
from leadscoring.model.calibration import Calibration, logistic

steps = st.lists(st.floats(0.001, 5), min_size=2, max_size=40)


@st.composite
def calibrations(draw: st.DrawFn) -> Calibration:
    """Any sound calibration table."""
    margins = np.cumsum(draw(steps)) - 10
    probabilities = sorted(draw(st.lists(st.floats(0, 1), min_size=len(margins), max_size=len(margins))))
    return Calibration(tuple(map(float, margins)), tuple(probabilities), "isotonic")


@given(calibrations(), st.floats(-1e6, 1e6))
def test_a_table_is_what_numpy_interpolates(table: Calibration, margin: float) -> None:
    """The semantics of the table are ``numpy.interp``, so that others can check an answer."""
    expected = np.interp(margin, table.margins, table.probabilities)
    assert table.probability(margin) == pytest.approx(expected, abs=1e-12)


@given(calibrations(), st.floats(-30, 30), st.floats(-30, 30))
def test_a_higher_margin_never_gets_a_lower_probability(table: Calibration, one: float, other: float) -> None:
    """Calibration keeps the order of leads."""
    low, high = sorted((one, other))
    assert table.probability(low) <= table.probability(high)


@given(st.floats(allow_nan=False))
def test_no_table_means_the_logistic_function_without_overflow(margin: float) -> None:
    """A model without a card is read as XGBoost itself reads it."""
    probability = Calibration().probability(margin)
    assert 0 <= probability <= 1
    if abs(margin) < 30:
        assert probability == pytest.approx(1 / (1 + math.exp(-margin)))
        assert logistic(-margin) == pytest.approx(1 - probability)


@pytest.mark.parametrize(
    ("margins", "probabilities"),
    [
        ((0.0,), (0.5,)),
        ((0.0, 1.0), (0.5,)),
        ((1.0, 0.0), (0.1, 0.2)),
        ((0.0, 0.0), (0.1, 0.2)),
        ((0.0, 1.0), (0.2, 0.1)),
        ((0.0, 1.0), (0.2, 1.1)),
        ((0.0, math.inf), (0.2, 0.3)),
        ((math.nan, 1.0), (0.2, 0.3)),
        ((0.0, 1.0), (math.nan, 0.3)),
    ],
)
def test_a_table_that_is_no_monotone_map_is_refused(
    margins: tuple[float, ...], probabilities: tuple[float, ...]
) -> None:
    """A damaged card is an error, never a wrong probability."""
    with pytest.raises(CardInvalid):
        Calibration(margins, probabilities)
