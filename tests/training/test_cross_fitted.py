import numpy as np
from past_leads import leads

from leadscoring.training.basis import basis_of
from leadscoring.training.calibrate import apply
from leadscoring.training.cross_fitted import FOLDS, fit
from leadscoring.training.options import TrainOptions
from leadscoring.training.prepared import prepare
from leadscoring.training.share import Share
from leadscoring.training.trees import RECIPES_OF_FEW

ROWS = 400


def test_every_lead_has_a_probability_by_trees_that_had_not_seen_it() -> None:
    """The calibration is fitted to these margins, and each booster is a step of the progress."""
    past = prepare(leads(ROWS), TrainOptions(target="won"))
    seen: list[tuple[str, float]] = []
    share = Share(lambda stage, done: seen.append((stage, done)), 0.0, 1.0)
    fitted = fit(past.leads, basis_of(past), RECIPES_OF_FEW, 20, share)
    assert np.array_equal(fitted.unseen, apply(fitted.calibration, fitted.cross.margins))
    assert np.isfinite(fitted.unseen).all()
    assert fitted.recent.tolist() == fitted.shown.tolist() == list(range(ROWS))
    assert [stage for stage, _ in seen] == ["folds"] * (FOLDS * len(RECIPES_OF_FEW)) + ["trees"]
    assert fitted.out_of_fold().rows == ROWS
