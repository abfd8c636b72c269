from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leadscoring.quality.figures import log_loss
from leadscoring.training import calibrate
from leadscoring.training.calibrate import apply, fit_calibration, logistic


def drawn(rows: int, seed: int, slope: float, shift: float) -> tuple[np.ndarray, np.ndarray]:
    """Margins, and outcomes whose true log-odds are ``slope * margin + shift``."""
    random = np.random.default_rng(seed)
    margins = random.normal(-1.0, 1.5, rows)
    y = (random.random(rows) < logistic(slope * margins + shift)).astype(float)
    y[:2] = (0.0, 1.0)
    return margins, y


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 1000), rows=st.integers(30, 400), slope=st.floats(-1.0, 3.0), shift=st.floats(-2.0, 2.0))
def test_every_table_rises_inside_zero_and_one(seed: int, rows: int, slope: float, shift: float) -> None:
    """Whatever the data, margins and probabilities strictly rise, strictly inside 0..1, past the seen margins."""
    margins, y = drawn(rows, seed, slope, shift)
    table = fit_calibration(margins, y)
    assert len(table.margins) >= 32
    assert all(a < b for a, b in pairwise(table.margins))
    assert all(a < b for a, b in pairwise(table.probabilities))
    assert 0.0 < table.probabilities[0] < table.probabilities[-1] < 1.0
    assert table.margins[0] < margins.min() - 1
    assert table.margins[-1] > margins.max() + 1


@pytest.mark.parametrize(("slope", "shift"), [(1.0, 0.0), (2.0, 1.0), (0.5, -1.0)])
def test_calibration_repairs_margins_that_are_off(slope: float, shift: float) -> None:
    """On leads not fitted on, the log-loss is within a hair of the truth's, and never much above the raw one."""
    table = fit_calibration(*drawn(4000, 1, slope, shift))
    margins, y = drawn(4000, 2, slope, shift)
    loss = log_loss(y, apply(table, margins))
    assert loss < log_loss(y, logistic(slope * margins + shift)) + 0.003
    assert loss < log_loss(y, logistic(margins)) + 0.003


def test_a_bend_is_learned_where_there_is_one() -> None:
    """Margins that are too bold at one end only are calibrated better than by a straight line."""
    random = np.random.default_rng(0)
    margins = random.normal(0.0, 2.0, 8000)
    true = logistic(np.where(margins > 0, 0.2 * margins, 1.5 * margins))
    y = (random.random(8000) < true).astype(float)
    table = fit_calibration(margins, y)
    assert table.method == "penalised spline"
    assert np.abs(apply(table, margins) - true).mean() < 0.02


@pytest.mark.parametrize("seed", range(3))
def test_groups_of_nearly_equal_margins_are_calibrated_as_lead_by_lead(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No probability differs by more than a thousandth, a tenth of what chance does to it; few leads are not grouped."""
    margins, y = drawn(25_000, seed, 0.8, 0.2)
    grouped = fit_calibration(margins, y)
    monkeypatch.setattr(calibrate, "EXACT", len(y))
    exact = fit_calibration(margins, y)
    grid = np.linspace(margins.min(), margins.max(), 400)
    assert np.abs(apply(grouped, grid) - apply(exact, grid)).max() < 1e-3
    assert grouped != exact
    every, fold = calibrate.cells_of(margins, y, np.arange(len(y)) % 5)
    assert len(fold) == len(every.margins) == len(y)


def test_groups_hold_every_lead_once() -> None:
    """Of one fold each; ties and few distinct margins included."""
    margins, y = drawn(30_000, 4, 1.0, 0.0)
    margins = margins.round(1)
    fold = np.arange(len(y)) % 5
    cells, folds = calibrate.cells_of(margins, y, fold)
    assert len(folds) <= 5 * calibrate.MOST
    for number in range(5):
        assert cells.leads[folds == number].sum() == (fold == number).sum()
        assert cells.won[folds == number].sum() == y[fold == number].sum()
    assert (cells.margins * cells.leads).sum() == pytest.approx(margins.sum())


def test_margins_all_alike_get_the_base_rate() -> None:
    """Trees that learned nothing give the share of conversions."""
    y = np.r_[np.ones(30), np.zeros(70)]
    table = fit_calibration(np.full(100, -0.5), y)
    assert apply(table, np.array([-0.5]))[0] == pytest.approx(0.3, abs=0.02)


def test_the_table_is_what_the_service_computes() -> None:
    """``apply`` and the card's own calibration agree."""
    table = fit_calibration(*drawn(300, 3, 1.0, 0.0))
    margins = np.linspace(-30, 30, 101)
    assert apply(table, margins) == pytest.approx(table.all(margins.tolist()), abs=1e-15)
