"""An early-stopped model is served with the rounds that its owner's score is made of."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xgboost as xgb

from leadscoring._engine import Rows
from leadscoring.errors import ModelUnreadable, ModelUnsupported
from leadscoring.model.calibration import logistic
from leadscoring.model.description import UsedRounds, describe
from leadscoring.model.file import Opening, open_model
from leadscoring.model.rounds import Choice

RANDOM = np.random.default_rng(5)
X = RANDOM.normal(size=(400, 4)).astype(np.float32)
Y = (X[:, 0] + RANDOM.normal(size=400) > 0).astype(int)
ROWS = Rows(X[:20].tolist())


def classifier(**options: Any) -> xgb.XGBClassifier:
    """A classifier that stopped early."""
    given = {"n_estimators": 60, "learning_rate": 1.0, "max_depth": 3, "early_stopping_rounds": 5, "n_jobs": 1}
    return xgb.XGBClassifier(**given | options).fit(X[:250], Y[:250], eval_set=[(X[250:], Y[250:])], verbose=False)


def native(**options: Any) -> xgb.Booster:
    """The same as a booster."""
    given = {"objective": "binary:logistic", "eta": 1.0, "max_depth": 3, "nthread": 1}
    held = [(xgb.DMatrix(X[250:], Y[250:]), "held")]
    data = xgb.DMatrix(X[:250], Y[:250])
    return xgb.train(given | options, data, 60, evals=held, early_stopping_rounds=5, verbose_eval=False)


@pytest.mark.parametrize("form", ["json", "ubj"])
@pytest.mark.parametrize(
    "options",
    [{}, {"num_parallel_tree": 3, "subsample": 0.7}, {"booster": "dart", "rate_drop": 0.2}],
    ids=str,
)
def test_a_wrapped_model_is_predicted_up_to_its_best_round(form: str, options: dict[str, Any], tmp_path: Path) -> None:
    """Scores and contributions are those of predict_proba, whatever a round is."""
    owner = classifier(**options)
    owner.save_model(tmp_path / f"m.{form}")
    model = open_model(tmp_path / f"m.{form}")
    best = owner.best_iteration + 1
    assert (model.trees.rounds.used, model.trees.rounds.best) == (best, best)
    assert best < model.trees.rounds.of == owner.get_booster().num_boosted_rounds()
    served = [logistic(margin) for margin in model.trees.predict(ROWS)]
    np.testing.assert_allclose(served, owner.predict_proba(X[:20])[:, 1], rtol=0, atol=1e-6)
    shares = owner.get_booster().predict(xgb.DMatrix(X[:20]), pred_contribs=True, iteration_range=(0, best))
    np.testing.assert_allclose(model.trees.explain(ROWS), shares, rtol=0, atol=1e-5)
    assert model.cautions == []


@pytest.mark.parametrize("size", [1, 3])
def test_a_native_model_uses_all_rounds_and_warns(size: int, tmp_path: Path) -> None:
    """Its own predict does; a choice takes the best ones, and the caution names it."""
    owner = native(num_parallel_tree=size, subsample=0.7 if size > 1 else 1.0)
    owner.save_model(tmp_path / "m.json")
    best, of = owner.best_iteration + 1, owner.num_boosted_rounds()
    choices: tuple[tuple[Choice, int], ...] = (("auto", of), ("all", of), ("best", best))
    for choice, used in choices:
        model = open_model(tmp_path / "m.json", Opening(rounds=choice))
        expected = owner.predict(xgb.DMatrix(X[:20]), output_margin=True, iteration_range=(0, used))
        np.testing.assert_array_equal(model.trees.predict(ROWS), expected)
        assert describe(model).rounds == UsedRounds(used, of, best)
        assert describe(model).n_trees == used * size
        assert [f"round {best} of {of}" in caution for caution in model.cautions] == [True] * (choice == "auto")


def changed(path: Path, version: list[int], size: str | None, **attributes: str) -> Path:
    """A model as an older XGBoost wrote it: no list of rounds, and their size where it is given."""
    document = json.loads(path.read_bytes())
    document["version"] = version
    model = document["learner"]["gradient_booster"]["model"]
    del model["iteration_indptr"], model["cats"]
    del model["gbtree_model_param"]["num_parallel_tree"]
    if size:
        model["gbtree_model_param"]["num_parallel_tree"] = size
    document["learner"]["attributes"] |= attributes
    path.write_text(json.dumps(document))
    return path


def test_the_last_round_as_the_best_is_no_early_stop(tmp_path: Path) -> None:
    """XGBoost 1.5.2 to 1.7.6 note the last round of every model, of forests too, and no size of a round before 1.6."""
    owner = xgb.XGBClassifier(n_estimators=6, num_parallel_tree=2, subsample=0.6, n_jobs=1).fit(X, Y)
    owner.save_model(tmp_path / "m.json")
    changed(tmp_path / "m.json", [1, 5, 2], None, best_iteration="5", best_ntree_limit="12")
    model = open_model(tmp_path / "m.json")
    assert (model.trees.n_trees, model.cautions) == (12, [])
    assert describe(model).rounds == UsedRounds(6, 6, 6)


def test_the_size_of_a_round_is_found_where_an_old_file_says_it(tmp_path: Path) -> None:
    """In the wrapper's notes before 1.4; a native file of that time does not say it, so that its best is refused."""
    native(num_parallel_tree=2, subsample=0.7).save_model(tmp_path / "m.json")
    best = int(json.loads((tmp_path / "m.json").read_bytes())["learner"]["attributes"]["best_iteration"]) + 1
    changed(tmp_path / "m.json", [1, 3, 3], None)
    with pytest.raises(ModelUnsupported, match="does not store the number of trees per round"):
        open_model(tmp_path / "m.json", Opening(rounds="best"))
    noted = '{"num_parallel_tree": 2, "missing": NaN}'
    document = json.loads((tmp_path / "m.json").read_bytes())
    document["learner"]["attributes"]["scikit_learn"] = noted
    (tmp_path / "m.json").write_text(json.dumps(document))
    assert open_model(tmp_path / "m.json").trees.n_trees == best * 2


def test_a_best_round_that_is_not_there_is_refused(tmp_path: Path) -> None:
    """As by XGBoost itself; the message names the way on."""
    owner = classifier()
    owner.get_booster().set_attr(best_iteration="500")
    owner.save_model(tmp_path / "m.json")
    with pytest.raises(ModelUnreadable, match=r"best_iteration is 500, but the model has .* MODEL_ROUNDS=all"):
        open_model(tmp_path / "m.json")
    assert (
        open_model(tmp_path / "m.json", Opening(rounds="all")).trees.rounds.used
        == owner.get_booster().num_boosted_rounds()
    )


@pytest.mark.parametrize("ends", [[0, 2], [1, 6], [0, 4, 2, 6], [0, -1, 6]])
def test_rounds_that_do_not_cut_the_trees_are_refused(ends: list[int], tmp_path: Path) -> None:
    """A list of rounds begins at 0, never falls, and ends at the number of trees."""
    xgb.train({"objective": "binary:logistic", "nthread": 1}, xgb.DMatrix(X, Y), 6).save_model(tmp_path / "m.json")
    document = json.loads((tmp_path / "m.json").read_bytes())
    document["learner"]["gradient_booster"]["model"]["iteration_indptr"] = ends
    (tmp_path / "m.json").write_text(json.dumps(document))
    with pytest.raises(ModelUnreadable, match="does not cut the 6 trees into rounds"):
        open_model(tmp_path / "m.json")
