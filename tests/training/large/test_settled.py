"""The contract that a sample settles."""

import numpy as np
import polars as pl

from leadscoring.training.encode import encode_table
from leadscoring.training.large.settled import settled
from leadscoring.training.leads import quiet
from leadscoring.training.options import TrainOptions
from leadscoring.training.prepared import of_table
from leadscoring.training.reading.table import Table


def test_weights_of_the_sample_come_from_other_leads() -> None:
    """A lead whose own outcome were in its column would be told what to predict; columns without outcomes stay."""
    random = np.random.default_rng(3)
    words = [f"word{place}" for place in range(40)]
    odds = random.normal(0.0, 1.5, 40)
    place = random.integers(0, 40, (2000, 3))
    won = random.random(2000) < 1 / (1 + np.exp(-odds[place].sum(axis=1)))
    titles = [" ".join([words[one] for one in row] + [f"r{at}"]) for at, row in enumerate(place)]
    frame = pl.DataFrame({"visits": random.integers(0, 9, 2000), "title": titles, "won": won})
    past = of_table(Table(frame), TrainOptions(target="won"), quiet)
    own = settled(past.options, past.leads, past.guarded.inferred, np.arange(2000))
    contract = own.inferred.contract
    assert all(feature.columns for feature in contract.features)
    assert own.x is not None
    served = encode_table(contract, own.inferred.frame, past.leads.as_of)
    differ = [
        name for name, one, two in zip(contract.columns.names, own.x.T, served.T, strict=True) if (one != two).any()
    ]
    assert differ == ["title weight"]
