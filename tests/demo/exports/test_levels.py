"""Levels of categories: shares sum to one, and draws follow them."""

import numpy as np

from leadscoring.demo.exports.levels import SOURCE, Levels


def test_shares_sum_to_one_whatever_their_scale() -> None:
    """Relative frequencies are enough."""
    levels = Levels(("a", 3, 0.5), ("b", 1, -0.5))
    assert levels.shares.tolist() == [0.75, 0.25]
    assert levels.effects.tolist() == [0.5, -0.5]
    assert levels.code("b") == 1


def test_draws_follow_the_shares() -> None:
    """Within five standard deviations of each share."""
    drawn = SOURCE.draw(np.random.default_rng(0), 20_000)
    observed = np.bincount(drawn, minlength=len(SOURCE.rows)) / 20_000
    assert np.all(np.abs(observed - SOURCE.shares) < 5 * np.sqrt(SOURCE.shares / 20_000))
