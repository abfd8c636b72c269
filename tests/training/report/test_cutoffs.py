"""The cut-offs add up with the held-out leads they are made of."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leadscoring.quality.figures import measure
from leadscoring.training.report.cutoffs import CURVE, SHARES, curve, cutoffs, gains


def some(rows: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Outcomes drawn from their probabilities."""
    random = np.random.default_rng(seed)
    p = random.beta(1.0, 4.0, rows)
    return (random.random(rows) < p).astype(float), p


def test_working_the_best_brings_what_the_best_brought() -> None:
    """Conversions, shares and lift of each cut-off are those of the leads above its threshold."""
    y, p = some(1000)
    for row in cutoffs(y, p, per_month=200.0):
        inside = p >= row["threshold"]
        assert inside.sum() == row["leads_per_1000"] == 1000 * row["worked"]
        assert row["conversions_per_1000"] == pytest.approx(y[inside].sum())
        assert row["conversion"].value == pytest.approx(y[inside].mean())
        assert row["recall"].value == pytest.approx(y[inside].sum() / y.sum())
        assert row["lift"] == pytest.approx(y[inside].mean() / y.mean())
        assert row["leads_per_month"] == pytest.approx(200 * row["worked"])
        assert row["conversions_per_month"] == pytest.approx(y[inside].sum() / 5)


@settings(max_examples=40)
@given(st.integers(40, 400), st.integers(0, 50), st.integers(1, 4))
def test_whoever_works_more_reaches_more(rows: int, seed: int, digits: int) -> None:
    """Whatever is tied; each value lies in its interval, and all leads hold all conversions."""
    y, p = some(rows, seed)
    if y.sum() == 0:
        return
    found = cutoffs(y, p.round(digits))
    reached = [row["recall"].value for row in found]
    assert reached == sorted(reached)
    assert all(row[key].low <= row[key].value <= row[key].high for row in found for key in ("conversion", "recall"))
    assert [row["leads_per_month"] for row in found] == [None] * len(SHARES)
    assert [one["worked"] for one in gains(y, p)] == list(CURVE)
    assert gains(y, p)[-1]["recall"].value == 1.0


def test_ties_are_split_as_the_tenths_split_them() -> None:
    """So that two tables of one page agree."""
    y, p = some(500)
    p = p.round(1)
    tenths = measure(y, p, resamples=2).tenths
    assert [curve(y, p)(k / 10) / y.sum() for k in range(1, 11)] == pytest.approx([one.gain.value for one in tenths])
