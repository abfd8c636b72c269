from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics

from leadscoring.quality import figures
from leadscoring.quality.figure import Figure
from leadscoring.quality.figures import Scored, bootstrap, bootstrap_in_cells, log_loss, measure, roc_auc

TIERS = (0.8, 0.6, 0.4, 0.2)


def scored(rows: int, seed: int, *, steps: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Outcomes drawn with known probabilities, which are rounded to ``steps`` values where asked."""
    random = np.random.default_rng(seed)
    p = random.beta(1.0, 2.0, rows)
    p = np.round(p * steps) / steps if steps else p
    y = (random.random(rows) < p).astype(float)
    y[:2] = (0.0, 1.0)
    return y, p


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000), rows=st.integers(12, 300), steps=st.sampled_from([0, 3, 20]))
def test_figures_agree_with_scikit_learn(seed: int, rows: int, steps: int) -> None:
    """Areas, log-loss, Brier score and confusion are what scikit-learn says, ties included."""
    y, p = scored(rows, seed, steps=steps)
    quality = measure(y, p, TIERS, resamples=2)
    assert quality.roc_auc.value == pytest.approx(metrics.roc_auc_score(y, p))
    assert roc_auc(y, p) == pytest.approx(metrics.roc_auc_score(y, p))
    assert quality.pr_auc.value == pytest.approx(metrics.average_precision_score(y, p))
    assert quality.brier.value == pytest.approx(metrics.brier_score_loss(y, p))
    inside = np.clip(p, 1e-15, 1 - 1e-15)
    assert quality.log_loss.value == pytest.approx(metrics.log_loss(y, inside))
    assert log_loss(y, p) == pytest.approx(quality.log_loss.value)
    for tier, threshold in zip(quality.tiers, TIERS, strict=False):
        tn, fp, fn, tp = metrics.confusion_matrix(y, p >= threshold).ravel()
        assert (tier.true_negatives, tier.false_positives, tier.false_negatives, tier.true_positives) == (
            tn,
            fp,
            fn,
            tp,
        )


def test_the_calibration_error_is_the_mean_gap_of_ten_equal_bins() -> None:
    """The expected calibration error is the weighted mean of the gaps that the bins show."""
    y, p = scored(1000, 1)
    quality = measure(y, p, resamples=2)
    assert [one.leads for one in quality.bins] == [100] * 10
    gaps = [abs(one.predicted - one.observed.value) for one in quality.bins]
    assert quality.calibration_error.value == pytest.approx(np.mean(gaps))


@pytest.mark.parametrize("rows", [12, 997, 4321])
def test_a_perfect_model_shows_the_error_that_chance_makes(rows: int) -> None:
    """Simulated by groups of similar leads; the same as outcomes drawn lead by lead, and larger for fewer leads."""
    y, p = scored(rows, 5)
    perfect = measure(y, p, resamples=400).perfect_calibration_error
    random = np.random.default_rng(1)
    bins = np.arange(rows) * 10 // rows
    ranked = np.sort(p)[::-1]
    drawn = [np.abs(np.bincount(bins, ranked - (random.random(rows) < ranked))).sum() / rows for _ in range(400)]
    assert perfect.value == pytest.approx(np.mean(drawn), rel=0.05)
    assert perfect.low == pytest.approx(np.percentile(drawn, 2.5), rel=0.15)
    assert perfect.high == pytest.approx(np.percentile(drawn, 97.5), rel=0.15)
    assert perfect == measure(y, p, resamples=400).perfect_calibration_error


def test_the_error_of_sure_scores_is_not_chance() -> None:
    """Where every probability is 0 or 1, a perfect model makes no error at all."""
    y = np.r_[np.ones(50), np.zeros(50)]
    assert measure(y, y, resamples=10).perfect_calibration_error == Figure(0.0, 0.0, 0.0)


def test_gains_end_with_everything_and_lift_averages_to_one() -> None:
    """The ten tenths hold all conversions, and their lifts average to 1."""
    quality = measure(*scored(997, 2), resamples=2)
    assert quality.tenths[-1].gain.value == pytest.approx(1.0)
    assert np.mean([tenth.lift.value for tenth in quality.tenths]) == pytest.approx(1.0)
    assert sum(tenth.leads for tenth in quality.tenths) == 997


def test_scores_that_are_all_equal_have_no_lift() -> None:
    """Where no lead is told from another, every tenth has a lift of 1 whatever the order of rows."""
    y = np.r_[np.ones(50), np.zeros(150)]
    quality = measure(y, np.full(200, 0.25), resamples=2)
    assert [tenth.lift.value for tenth in quality.tenths] == pytest.approx([1.0] * 10)
    assert quality.roc_auc.value == pytest.approx(0.5)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_the_order_of_rows_does_not_matter(seed: int) -> None:
    """Every value but those of bins that cut through ties is the same in any order of rows."""
    y, p = scored(150, seed)
    order = np.random.default_rng(seed).permutation(150)
    first, second = measure(y, p, TIERS, resamples=2), measure(y[order], p[order], TIERS, resamples=2)
    assert first.roc_auc.value == pytest.approx(second.roc_auc.value)
    assert [t.gain.value for t in first.tenths] == pytest.approx([t.gain.value for t in second.tenths])


def test_intervals_cover_the_truth() -> None:
    """Of 40 samples, the 95 % interval of the base rate and of the Brier score holds the truth in nearly all."""
    p = np.random.default_rng(0).beta(1.0, 2.0, 400)
    truth = (float(p.mean()), float((p * (1 - p)).mean()))
    hits = np.zeros(2)
    for seed in range(40):
        y = (np.random.default_rng(seed).random(400) < p).astype(float)
        quality = measure(y, p, resamples=200, seed=seed)
        figures = (quality.base_rate, quality.brier)
        hits += [figure.low <= true <= figure.high for figure, true in zip(figures, truth, strict=True)]
    assert (hits >= 34).all()


def test_every_value_lies_in_its_interval_and_repeats() -> None:
    """An interval holds its own value, and the same seed gives the same interval."""
    y, p = scored(300, 3)
    one, two = measure(y, p, TIERS, resamples=50), measure(y, p, TIERS, resamples=50)
    assert one == two
    for figure in (one.roc_auc, one.pr_auc, one.calibration_error, one.tenths[0].lift):
        assert isinstance(figure, Figure)
        assert figure.low <= figure.value <= figure.high


def test_a_tier_without_leads_has_no_conversion() -> None:
    """A tier that no lead reaches is null in the summary, which stays valid JSON."""
    y, p = scored(100, 4)
    summary = measure(y, p * 0.5, (0.9, 0.6, 0.4, 0.2), resamples=5).summary()
    assert summary["tiers"][0]["leads"] == 0
    assert summary["tiers"][0]["conversion"]["value"] is None


@pytest.mark.parametrize(
    ("y", "p"), [([0, 1], [0.5]), ([1, 1], [0.1, 0.2]), ([0, 2], [0.1, 0.2]), ([0, 1], [0.1, np.nan])]
)
def test_what_cannot_be_measured_is_refused(y: list[float], p: list[float]) -> None:
    """Outcomes and probabilities that do not fit together are an error, not a figure."""
    with pytest.raises(ValueError, match="measure needs"):
        measure(y, p)


@pytest.mark.parametrize("steps", [0, 7, 200])
def test_resampled_cells_give_the_intervals_that_resampled_leads_give(steps: int) -> None:
    """For every figure, as far as another seed does: ends within a fifth of the width of the interval."""
    y, p = scored(12_000, 6, steps=steps)
    every = Scored(y, p, TIERS)
    values = every.statistics(np.ones(every.rows))
    exact = bootstrap(every.statistics, every.rows, 300, 1)
    cells = values + bootstrap_in_cells(every, 300, 2)
    known = ~np.isnan(values)
    low, high = np.percentile(exact[:, known], [2.5, 97.5], axis=0)
    width = np.where(high > low, high - low, 1.0)
    for one, other in zip((low, high), np.percentile(cells[:, known], [2.5, 97.5], axis=0), strict=True):
        assert np.abs((one - other) / width).max() < 0.2


@pytest.mark.parametrize("steps", [0, 3, 50])
def test_cells_hold_every_lead_and_cross_no_bin_or_tier(steps: int) -> None:
    """Their figures are nearly those of the leads, and what does not depend on ranks within a cell is the same."""
    y, p = scored(11_000, 7, steps=steps)
    every = Scored(y, p, TIERS)
    cells, leads = every.in_cells()
    assert leads.sum() == every.rows
    assert leads @ cells.y == y.sum()
    assert np.isin(cells.y, (0.0, 1.0)).all()
    assert np.bincount(cells.bin, leads) == pytest.approx(np.bincount(every.bin))
    assert np.bincount(cells.tier, leads, 5) == pytest.approx(np.bincount(every.tier, minlength=5))
    exact, near = every.statistics(np.ones(every.rows)), cells.statistics(leads)
    rank_free = [0, 3, 4, 5]
    assert near[rank_free] == pytest.approx(exact[rank_free])
    assert np.nan_to_num(near) == pytest.approx(np.nan_to_num(exact), abs=2e-3)


def test_few_leads_are_resampled_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """From one more lead on, cells are; values are the same either way."""
    y, p = scored(10_001, 8)
    called: list[int] = []
    original = figures.bootstrap

    def counted(statistics: Any, rows: int, resamples: int, seed: int) -> Any:
        called.append(rows)
        return original(statistics, rows, resamples, seed)

    monkeypatch.setattr(figures, "bootstrap", counted)
    measure(y[:-1], p[:-1], resamples=2)
    many = measure(y, p, TIERS, resamples=20)
    assert called == [10_000]
    assert many.roc_auc.value == pytest.approx(metrics.roc_auc_score(y, p))
    assert many.roc_auc.low < many.roc_auc.value < many.roc_auc.high


def test_a_tier_of_which_nobody_converted_may_convert_yet() -> None:
    """Resamples of 0 of 30 never show another rate; the interval is Wilson's, by the rule 0 to 11 %."""
    y = np.r_[np.ones(20), np.zeros(10), np.zeros(30)]
    p = np.r_[np.full(30, 0.9), np.full(30, 0.05)]
    last = measure(y, p, (0.8, 0.6, 0.4, 0.2)).tiers[-1].conversion
    assert (last.value, last.low) == (0.0, 0.0)
    assert last.high == pytest.approx(0.1135, abs=0.0005)
