"""An exhibit: a model of the XGBoost that this runs with, beside what that very version predicts with it.

As ``keeper.py``, it imports nothing of ours and uses nothing that Python 3.7 lacks.
"""

import math
import os
import re
import traceback

import numpy as np
import xgboost as xgb

VERSION = tuple(int(part) for part in xgb.__version__.split(".")[:2])
ROWS = 60
LEADS = 500
NAMES = ["visits", "budget [k$]", "growth", "depth", "region"]
FLOAT32 = np.float32


def made_up(seed=0, missing=0.1, columns=5):
    """Leads and outcomes; some values are NaN."""
    random = np.random.RandomState(seed)
    x = random.normal(size=(LEADS, columns)).astype(FLOAT32)
    signal = x[:, 0] + x[:, 1] * x[:, 2] + 0.5 * (x[:, 3] > 0)
    y = (signal + random.normal(size=LEADS) > 0.3).astype(int)
    x[random.random_sample(x.shape) < missing] = np.nan
    return x, y


def plain(values):
    """Numbers for JSON, with null for NaN."""
    return [None if isinstance(value, float) and math.isnan(value) else value for value in values]


class Keeper:
    """Writes exhibits into a folder."""

    def __init__(self, folder):
        self.folder = folder
        self.exhibits = []
        self.skipped = {}

    def show(self, name, recipe):
        """Makes one exhibit; a version that cannot says why."""
        try:
            recipe(name)
        except Exception as failure:  # whatever a version lacks is a fact about it
            if os.environ.get("ZOO_DEBUG"):
                traceback.print_exc()
            self.skipped[name] = repr(failure).splitlines()[0][:200]

    def keep(
        self, name, save, x, native=None, wrapped=None, used=None, missing=None, leads=None, codes=None, **opening
    ):
        """Saves a model in each form, with what its owner predicts for the first rows of ``x``.

        ``native`` is a booster, ``wrapped`` a classifier; ``used`` is how many rounds the owner adds up, where not all,
        and ``missing`` what means missing to them. ``leads`` are what a caller sends, where it is not what the trees
        see; ``codes`` what they see. ``opening`` is what an operator has to say when the file is opened.
        """
        booster = native if native is not None else wrapped.get_booster()
        seen = np.asarray(x if codes is None else codes, dtype=FLOAT32)[:ROWS]
        told = self.predict(booster, wrapped, x, seen, used, missing, codes is not None)
        exhibit = {"name": name, "rows": [plain(row) for row in seen.tolist()], "opening": opening}
        exhibit["leads"] = leads[:ROWS] if leads is not None else exhibit["rows"]
        exhibit.update(told)
        for form in ("json", "ubj") if VERSION >= (1, 6) else ("json",):
            file = name + "." + form
            save(os.path.join(self.folder, file))
            self.exhibits.append(dict(exhibit, file=file))

    def predict(self, booster, wrapped, x, seen, used, missing, categorical):
        """Margins, probabilities and contributions, by the ways that an owner has."""
        data = matrix(booster, seen, missing)
        margins = native_margins(booster, data, used)
        told = {"margins": margins.tolist()}
        if wrapped is not None:
            own = wrapped.predict(x[:ROWS], output_margin=True)
            told["probabilities"] = wrapped.predict_proba(x[:ROWS])[:, 1].tolist()
            if categorical:
                told["margins"] = own.tolist()
            elif not np.allclose(own, margins, rtol=0, atol=1e-6):  # dart is added up in another order there
                raise AssertionError(f"the wrapper and the booster differ by {np.abs(own - margins).max()}")
        contributions = booster.predict(data, pred_contribs=True, **limit(booster, used))
        told["contributions"] = contributions.tolist()
        return told

    def refused(self, name, what, write):
        """Keeps a file of another format, and what it is to be called."""
        path = os.path.join(self.folder, name)
        write(path)
        self.exhibits.append({"name": name, "file": name, "refused": what})


def matrix(booster, seen, missing=None):
    """Rows as the native interface takes them."""
    given = {} if missing is None else {"missing": missing}
    if booster.feature_names:
        given["feature_names"] = booster.feature_names
        given["feature_types"] = booster.feature_types
        if "c" in (booster.feature_types or ()):
            given["enable_categorical"] = True
    return xgb.DMatrix(seen, **given)


def limit(booster, rounds):
    """The option that takes the first rounds only."""
    if rounds is None:
        return {}
    if VERSION >= (1, 4):
        return {"iteration_range": (0, rounds)}
    size = re.search(r'"num_parallel_tree": *"(\d+)"', booster.save_config())
    return {"ntree_limit": rounds * int(size.group(1))}


def native_margins(booster, data, rounds):
    """Margins of the first rounds, or of all."""
    return booster.predict(data, output_margin=True, **limit(booster, rounds))


def train(x, y, rounds=12, names=None, types=None, missing=None, **parameters):
    """A native booster."""
    given = {} if missing is None else {"missing": missing}
    if types and "c" in types:
        given["enable_categorical"] = True
    data = xgb.DMatrix(x, y, feature_names=names, feature_types=types, **given)
    return xgb.train(dict({"objective": "binary:logistic", "nthread": 2, "max_depth": 4}, **parameters), data, rounds)


def fitted(x, y, stop=False, kind=None, **parameters):
    """A classifier of the scikit-learn wrapper, stopped early on the last leads where asked."""
    options = dict({"n_estimators": 12, "max_depth": 4, "n_jobs": 2}, **parameters)
    given = {}
    if stop:
        options.update(n_estimators=60, learning_rate=1.0)
        given = {"eval_set": [(x[350:], y[350:])], "verbose": False}
        if VERSION >= (1, 6):
            options.update(early_stopping_rounds=5, eval_metric="logloss")
        else:
            given.update(early_stopping_rounds=5, eval_metric="logloss")
        return (kind or xgb.XGBClassifier)(**options).fit(x[:350], y[:350], **given)
    return (kind or xgb.XGBClassifier)(**options).fit(x, y)


def safe(names):
    """Names that XGBoost takes."""
    return [name.replace("[", "(").replace("]", ")") for name in names]


def native(keeper, name, x, booster, **opening):
    """Keeps a booster."""
    keeper.keep(name, booster.save_model, x, native=booster, **opening)


def classifier(keeper, name, x, model, **opening):
    """Keeps a classifier, with the rounds that it takes itself."""
    best = getattr(model, "best_iteration", None) if model.get_booster().attr("best_iteration") else None
    keeper.keep(name, model.save_model, x, wrapped=model, used=None if best is None else int(best) + 1, **opening)
