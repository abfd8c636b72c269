from itertools import pairwise

import numpy as np
import pytest
from grid import squares
from hypothesis import given, settings
from hypothesis import strategies as st

from leadscoring.contract.columns import Column
from leadscoring.contract.features import Contract, Feature
from leadscoring.training.certify import make_bins, make_reference, make_tiers


@settings(max_examples=100, deadline=None)
@given(st.lists(st.floats(0.0, 1.0) | st.sampled_from([0.0, 0.5, 1.0]), min_size=1, max_size=60))
def test_thresholds_strictly_fall_whatever_the_scores(scores: list[float]) -> None:
    """Tiers can be made of any scores, even of one score or of scores that are all alike."""
    p = np.array(scores)
    tiers = make_tiers(p, (p > 0.5).astype(float))
    assert all(a > b for a, b in pairwise(tiers.thresholds))
    assert all(0.0 < bound < 1.0 for bound in tiers.thresholds)
    assert list(tiers.definitions) == ["A", "B", "C", "D", "E"]


def test_tiers_hold_their_share_and_tell_their_conversion() -> None:
    """A is the best tenth, and its words tell what its leads did."""
    p = np.linspace(0.001, 0.999, 1000)
    y = (p > 0.95).astype(float)
    tiers = make_tiers(p, y)
    assert [(p >= bound).mean() for bound in tiers.thresholds] == pytest.approx([0.1, 0.25, 0.5, 0.75], abs=0.002)
    assert "50.0% of 100 past leads converted" in tiers.definitions["A"]
    assert "none of 250 past leads converted" in tiers.definitions["E"]


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(-100, 100, width=32) | st.sampled_from([0.0, 1.0, np.nan]), min_size=1, max_size=80))
def test_bins_of_a_number_hold_every_value_once(values: list[float]) -> None:
    """Shares and missing add up to 1, and each share is that of the values up to its edge."""
    column = np.array(values, dtype=np.float32)
    bins = make_bins(Column("n"), column)
    assert sum(bins.shares) + bins.missing == pytest.approx(1.0)
    assert all(a < b for a, b in pairwise(bins.edges))
    if bins.edges:
        assert bins.shares[0] == pytest.approx((column <= bins.edges[0]).mean())


@pytest.mark.parametrize(("values", "shares"), [([0, 0, 1, 1], (0.5, 0.5)), ([0, 0], (1, 0)), ([1, 1], (0, 1))])
def test_a_column_of_0_and_1_has_two_bins(values: list[float], shares: tuple[float, float]) -> None:
    """Whether or not training saw both, so that a word that comes up is drift."""
    bins = make_bins(Column("title is ceo", most=1), np.array([*values, np.nan, np.nan], dtype=np.float32))
    kept = len(values) / (len(values) + 2)
    assert bins.edges == (0.0,)
    assert (*bins.shares, bins.missing) == pytest.approx((*(share * kept for share in shares), 1 - kept))


@pytest.mark.parametrize("column", [Column("n"), Column("f", most=1), Column("c", True, 3, 2, ("a", "b"))])
def test_a_column_that_is_always_missing_has_bins_of_no_share(column: Column) -> None:
    """All its leads are missing."""
    bins = make_bins(column, np.full(5, np.nan, dtype=np.float32))
    assert (sum(bins.shares), bins.missing) == (0, 1)
    assert bins.shares


def test_the_reference_has_bins_of_every_column() -> None:
    """In the order of a row; each of them is of its own values."""
    with squares() as contract:
        x = np.array([[3, 0, 8, 1], [5, 1, 8, 0], [5, np.nan, np.nan, 0]], dtype=np.float32)
        reference = make_reference(contract, x, np.array([0.5, 0.1, 0.1]))
    assert [bins.edges for bins in reference.features] == [(3.0,), (0.0,), (), ()]
    assert [bins.missing for bins in reference.features] == pytest.approx([0, 1 / 3, 1 / 3, 0])
    assert reference.features[3].shares == pytest.approx((2 / 3, 1 / 3))


def test_bins_of_a_category_are_its_codes() -> None:
    """One bin a code, the code of other included."""
    feature = Feature("c", "category", values=("a", "b"), other=True)
    bins = make_bins(feature.columns[0], np.array([0, 0, 2, np.nan], dtype=np.float32))
    assert (bins.edges, bins.shares, bins.missing) == ((), (0.5, 0.0, 0.25), 0.25)


def test_quantiles_never_fall() -> None:
    """The reference has 101 quantiles in order."""
    contract = Contract((Feature("f", "flag"),))
    column = np.array([[0.0], [1.0], [1.0]], dtype=np.float32)
    reference = make_reference(contract, column, np.array([0.5, 0.1, 0.1]))
    assert len(reference.quantiles) == 101
    assert reference.features[0].edges == (0.0,)
    assert reference.features[0].shares == pytest.approx((1 / 3, 2 / 3))
