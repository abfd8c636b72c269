"""What was fitted is what is served: the same trees, and probabilities by its calibration."""

import numpy as np
import xgboost as xgb
from past_leads import trained

from leadscoring.training.fitted import trees_of


def test_the_trees_of_a_booster_are_those_that_are_served() -> None:
    """Margins are stock XGBoost's to the bit."""
    booster = trained().booster
    rows = np.random.default_rng(0).normal(size=(40, booster.num_features())).astype(np.float32)
    served = trees_of(booster)
    assert served.n_features == booster.num_features()
    assert served.n_trees == booster.num_boosted_rounds()
    codes = sorted(served.categories)
    rows[:, codes] = np.abs(rows[:, codes]).round() % 2
    data = xgb.DMatrix(
        rows, feature_names=booster.feature_names, feature_types=booster.feature_types, enable_categorical=True
    )
    np.testing.assert_array_equal(served.margins(rows), booster.predict(data, output_margin=True))
