"""Figures of cells are those of scikit-learn and of the training report, where each lead is a cell."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import log_loss as sk_log_loss
from sklearn.metrics import roc_auc_score

from leadscoring.quality import cells
from leadscoring.quality.cells import Cell
from leadscoring.quality.figures import measure


def sample(leads: int, seed: int, digits: int = 6) -> tuple[list[Cell], np.ndarray, np.ndarray]:
    """Leads whose outcomes are drawn with their probabilities, as cells of one lead and as arrays."""
    random = np.random.default_rng(seed)
    p = np.round(1.0 / (1.0 + np.exp(-random.normal(-2.0, 1.2, leads))), digits)
    y = (random.random(leads) < p).astype(float)
    y[:2] = (0.0, 1.0)
    return cells.ranked([Cell(float(a), 1.0, float(b)) for a, b in zip(p, y, strict=True)]), y, p


@settings(max_examples=25, deadline=None)
@given(leads=st.integers(20, 400), seed=st.integers(0, 1000), digits=st.sampled_from([1, 2, 6]))
def test_figures_are_those_of_scikit_learn(leads: int, seed: int, digits: int) -> None:
    """Also with ties."""
    every, y, p = sample(leads, seed, digits)
    assert cells.roc_auc(every).value == pytest.approx(roc_auc_score(y, p))
    assert cells.log_loss(every).value == pytest.approx(sk_log_loss(y, np.clip(p, 1e-15, 1 - 1e-15)), rel=1e-9)


def test_figures_are_those_of_the_training_report() -> None:
    """The values to the last digits, the intervals as nearly as resampling repeats."""
    every, y, p = sample(4000, 5, 15)
    report = measure(y, p, (0.6, 0.4, 0.2, 0.1))
    for ours, theirs in (
        (cells.roc_auc(every), report.roc_auc),
        (cells.log_loss(every), report.log_loss),
        (cells.lift(every), report.tenths[0].lift),
    ):
        assert ours.value == pytest.approx(theirs.value, rel=1e-9)
        width = theirs.high - theirs.low
        assert ours.low == pytest.approx(theirs.low, abs=0.2 * width)
        assert ours.high == pytest.approx(theirs.high, abs=0.2 * width)
    assert cells.calibration_error(every) == pytest.approx(report.calibration_error.value, rel=1e-9)


def test_probabilities_promise_what_simulated_outcomes_show() -> None:
    """On average over outcomes that are drawn with them."""
    every, _, p = sample(3000, 6)
    random = np.random.default_rng(7)
    draws = [(random.random(len(p)) < p).astype(float) for _ in range(200)]
    shown = [
        (roc_auc_score(y, p), sk_log_loss(y, p), cells.calibration_error(drawn), cells.lift(drawn).value)
        for y in draws
        for drawn in [cells.ranked([Cell(float(a), 1.0, float(b)) for a, b in zip(p, y, strict=True)])]
    ]
    promised = cells.promised(every)
    auc, loss, error, lift = np.mean(shown, axis=0)
    assert promised.roc_auc == pytest.approx(auc, abs=0.003)  # about three standard errors of 200 draws
    assert promised.log_loss == pytest.approx(loss, abs=0.004)
    assert promised.calibration_error == pytest.approx(error, rel=0.05)
    assert promised.lift == pytest.approx(lift, rel=0.02)


def test_leads_of_one_cell_are_divided_in_proportion() -> None:
    """Where ten groups of equally many leads cannot be made of cells."""
    parts = cells.divided([Cell(0.5, 25.0, 10.0), Cell(0.1, 75.0, 5.0)])
    assert [round(cells.totals(part)[0], 9) for part in parts] == [10.0] * 10
    assert cells.totals(parts[0])[2] == pytest.approx(4.0)
    assert sum(cells.totals(part)[2] for part in parts) == pytest.approx(15.0)


def test_leads_of_one_outcome_have_no_order() -> None:
    """There is nothing to compare."""
    assert np.isnan(cells.roc_auc([Cell(0.5, 10.0, 10.0)]).value)
    assert np.isnan(cells.lift([Cell(0.5, 10.0, 0.0)]).value)
