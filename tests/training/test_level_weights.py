"""Categories of very many levels get weights of their levels where these help, and none of a lead's own outcome."""

import json
from functools import cache
from pathlib import Path

import msgspec
import numpy as np
import polars as pl

from leadscoring.model.file import open_model
from leadscoring.training.encode import encode_table
from leadscoring.training.fit import train
from leadscoring.training.infer import Asked, Inferred, infer
from leadscoring.training.learned import Learned, learn
from leadscoring.training.level_weights import weigh, wide
from leadscoring.training.options import TrainOptions
from leadscoring.training.reading.missing import MissingTokens
from leadscoring.training.reading.series import Matrix, Vector
from leadscoring.training.split import Indices, random_folds

LEVELS, ROWS = 300, 3000
PLACE = 1
"""The column of the codes."""


def branches(strength: float, levels: int = LEVELS, seed: int = 0) -> tuple[pl.DataFrame, Vector]:
    """Leads with a category of many levels of such a strength, and their outcomes."""
    random = np.random.default_rng(seed)
    effect = np.random.default_rng(1).normal(0.0, strength, levels)
    level, visits = random.integers(0, levels, ROWS), random.poisson(4, ROWS)
    margin = effect[level] + 0.2 * (visits - 4)
    y = (random.random(ROWS) < 1.0 / (1.0 + np.exp(-margin))).astype(float)
    often = random.random(ROWS) < 0.2
    names = ["head office" if one else f"branch {place}" for one, place in zip(often, level, strict=True)]
    frame = pl.DataFrame({"Visits": visits, "Branch": names})
    return frame.with_columns(pl.when(pl.int_range(ROWS) % 50 > 0).then("Branch").alias("Branch")), y


@cache
def inferred(strength: float, levels: int = LEVELS) -> tuple[Inferred, Matrix, Vector, Indices]:
    """What is read of such leads, the matrix, the outcomes, and the folds."""
    frame, y = branches(strength, levels)
    found = infer(frame, y, {}, Asked(), MissingTokens())
    fold = random_folds(np.arange(ROWS), y, 5, 1)
    return found, encode_table(found.contract, found.frame), y, fold


def weighed(strength: float, levels: int = LEVELS, y: Vector | None = None) -> tuple[Learned, Learned]:
    """The columns before and after weights were considered."""
    found, x, outcomes, fold = inferred(strength, levels)
    outcomes = outcomes if y is None else y
    learned = learn(found, x, outcomes, None, fold)
    return learned, weigh(learned, outcomes, fold)


def test_levels_that_say_much_get_weights_besides_their_codes() -> None:
    """Of all levels, with a note; what is served is what the engine encodes."""
    before, after = weighed(1.5)
    feature = after.inferred.contract.features[PLACE]
    assert [one.what for one in feature.aspects] == ["code", "weight"]
    assert len(feature.weights) > LEVELS * 0.9
    assert after.inferred.notes[-1].startswith("'Branch': ")
    engine = encode_table(after.inferred.contract, after.inferred.frame)
    assert after.served.tobytes() == engine.tobytes()
    np.testing.assert_array_equal(after.x[:, : PLACE + 1], before.x[:, : PLACE + 1])
    missing = after.inferred.frame["Branch"].is_null().to_numpy()
    np.testing.assert_array_equal(np.isnan(after.x[:, PLACE + 1]), missing)


def test_levels_that_say_nothing_get_none() -> None:
    """Neither for the model nor for most folds; the matrix stays as it was."""
    before, after = weighed(0.0)
    assert after.inferred == before.inferred
    np.testing.assert_array_equal(after.x, before.x)


def test_few_levels_are_not_tried() -> None:
    """Each of them has a code."""
    before, after = weighed(1.5, levels=12)
    assert after is before
    found, *_ = inferred(1.5, 12)
    assert wide(found.contract, found.frame) == []


def test_no_outcome_enters_the_weight_of_its_own_lead_or_fold() -> None:
    """With all outcomes of a fold flipped, its view is the same, and so are the weights of its leads in training."""
    *_, y, fold = inferred(1.5)
    flipped = np.where(fold == 2, 1.0 - y, y)
    (_, one), (_, other) = weighed(1.5), weighed(1.5, y=flipped)
    assert one.view(2)[0] == other.view(2)[0]
    np.testing.assert_array_equal(one.view(2)[1], other.view(2)[1])
    found, *_ = inferred(1.5)
    (level,) = wide(found.contract, found.frame)
    every = np.ones(ROWS, dtype=bool)
    inside, changed = (level.honest(every, outcomes, fold)[fold == 2] for outcomes in (y, flipped))
    np.testing.assert_array_equal(inside, changed)


def test_a_model_with_weights_is_served_as_it_was_trained(tmp_path: Path) -> None:
    """A level with a code, one with a weight alone, and one that is new; the report says that it helps."""
    frame, y = branches(1.5)
    trained = train(
        frame.with_columns(won=pl.Series(np.where(y == 1.0, "yes", "no"))), TrainOptions(target="won", positive="yes")
    )
    assert any("how often the leads of each level convert" in note for note in trained.report["reading"])
    trained.save(tmp_path / "m.json")
    model = open_model(tmp_path / "m.json")
    weights = next(one for one in model.card.contract.features if one.name == "Branch").weights
    best, worst = max(weights, key=weights.__getitem__), min(weights, key=weights.__getitem__)

    def margin(branch: str) -> float:
        lead = {"lead_id": "a", "features": {"Visits": 4, "Branch": branch}}
        _, rows = model.decoder.one(json.dumps(lead).encode())
        return model.trees.predict(rows)[0]

    table = encode_table(model.card.contract, pl.DataFrame({"Visits": [4] * 3, "Branch": [best, worst, "new"]}))
    np.testing.assert_allclose(model.trees.margins(table), [margin(best), margin(worst), margin("new")], atol=1e-6)
    assert margin(best) > margin("new") > margin(worst)
    assert msgspec.json.encode(trained.card.contract)
