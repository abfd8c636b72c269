"""What ``prepare`` hands to training."""

import numpy as np
import polars as pl

from leadscoring.training.options import TrainOptions
from leadscoring.training.prepared import prepare


def test_leads_are_prepared_with_their_kinds_and_without_probable_leaks() -> None:
    """A column that repeats the outcome is left out of the contract, with its evidence, before anything is fitted."""
    random = np.random.default_rng(5)
    visits = random.integers(0, 20, 400)
    won = random.random(400) < visits / 25
    frame = pl.DataFrame({"visits": visits, "contract sent": np.where(won, "yes", "no"), "converted": won})
    past = prepare(frame, TrainOptions(target="converted"))
    assert past.guarded.inferred.contract.names == ["visits"]
    assert "contract sent" in past.guarded.inferred.dropped
    assert past.leads.y.sum() == won.sum()
