"""A short version of ``benchmarks/quality.py``, with looser bounds: one outer fold of 6,000 leads each."""

import pytest
from benchmarks.quality import CASES, DATA, cross_validate

BOUNDS = {"xeducation": (0.86, 0.45), "bank": (0.75, 0.30)}


@pytest.mark.parametrize("name", ["xeducation", "bank"])
def test_the_trainer_keeps_its_quality_on_real_leads(name: str) -> None:
    """On a fold that it never saw, the trained model ranks well and is calibrated."""
    case = CASES[name]
    if not (DATA / case.path).is_file():
        pytest.skip(f"{case.path} is not in ../shared/data")
    folds = cross_validate(case, folds=4, most=1, rows=6000)
    least_auc, most_loss = BOUNDS[name]
    assert folds.mean("roc_auc") >= least_auc
    assert folds.mean("log_loss") <= most_loss
    assert folds.pooled.calibration_error.value <= 0.045
