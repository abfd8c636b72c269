"""Makes models of the XGBoost that it runs with, and writes down what that very version predicts with them.

Runs in an environment of its own for each version, the oldest of them on Python 3.7, so it imports nothing of ours and
uses nothing newer. ``python keeper.py FOLDER`` writes ``index.json`` and the models. An exhibit says how a model file
is to be opened, and holds leads as they are sent, rows as the trees see them, and margins, probabilities and
contributions. What a version cannot do is noted with its own words.
"""

import json
import math
import os
import pickle
import re
import sys
import traceback
import warnings

import numpy as np
import xgboost as xgb

warnings.simplefilter("ignore")

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


def natives(keeper):
    """Boosters of the native interface."""
    x, y = made_up()
    wide = made_up(columns=120)
    single = np.ascontiguousarray(x[:, :1]), y
    ways = {
        "depth_1": {"max_depth": 1},
        "depth_6": {"max_depth": 6, "eta": 0.7},
        "depth_12": {"max_depth": 12, "min_child_weight": 0.1, "eta": 0.5},
        "exact": {"tree_method": "exact"},
        "approx": {"tree_method": "approx"},
        "hist": {"tree_method": "hist"},
        "leafwise": {"tree_method": "hist", "grow_policy": "lossguide", "max_leaves": 40, "max_depth": 0},
        "forest_a_round": {"num_parallel_tree": 4, "subsample": 0.6, "colsample_bynode": 0.7},
        "base_score": {"base_score": 0.11},
        "base_score_near_1": {"base_score": 0.9999},
        "weighted": {"scale_pos_weight": 9.0, "max_delta_step": 0.7},
        "monotone": {"monotone_constraints": "(1,0,-1,0,0)", "tree_method": "exact"},
        "interactions": {"interaction_constraints": "[[0,1],[2,3,4]]", "tree_method": "exact"},
        "pruned": {"gamma": 4.0},
        "stumps_of_one_leaf": {"gamma": 1e9},
        "logitraw": {"objective": "binary:logitraw"},
        "logitraw_base": {"objective": "binary:logitraw", "base_score": 0.3},
        "reg_logistic": {"objective": "reg:logistic", "base_score": 0.25},
        "dart": {"booster": "dart", "rate_drop": 0.3, "seed": 3},
        "dart_forest": {"booster": "dart", "rate_drop": 0.5, "normalize_type": "forest", "num_parallel_tree": 2},
        "dart_no_drop": {"booster": "dart"},
        "l1_l2": {"alpha": 1.0, "lambda": 0.0},
    }
    for name, parameters in ways.items():
        keeper.show("native_" + name, lambda at, p=parameters: native(keeper, at, x, train(x, y, **p)))
    keeper.show("native_wide", lambda at: native(keeper, at, wide[0], train(*wide, max_depth=6)))
    keeper.show("native_named", lambda at: native(keeper, at, x, train(x, y, names=safe(NAMES), types=["float"] * 5)))
    keeper.show("native_one_round", lambda at: native(keeper, at, x, train(x, y, rounds=1)))
    keeper.show("native_continued", lambda at: native(keeper, at, x, continued(x, y)))
    keeper.show("native_continued_forest", lambda at: native(keeper, at, x, continued(x, y, num_parallel_tree=3)))
    keeper.show("native_sliced", lambda at: native(keeper, at, x, train(x, y)[2:7]))
    keeper.show("native_refreshed", lambda at: native(keeper, at, x, refreshed(x, y)))
    keeper.show("native_one_column", lambda at: native(keeper, at, single[0], train(*single)))
    keeper.show("native_stopped", lambda at: stopped(keeper, at, x, y))
    keeper.show("native_stopped_forest", lambda at: stopped(keeper, at, x, y, num_parallel_tree=3, subsample=0.7))
    for value in (-999.0, 0.0, 0.1):
        keeper.show(f"native_missing_{value}", lambda at, v=value: native_missing(keeper, at, v))
    for end in (np.inf, -np.inf):
        keeper.show(f"native_split_at_{end}", lambda at, e=end: infinite(keeper, at, x, y, e))


def safe(names):
    """Names that XGBoost takes."""
    return [name.replace("[", "(").replace("]", ")") for name in names]


def native(keeper, name, x, booster, **opening):
    """Keeps a booster."""
    keeper.keep(name, booster.save_model, x, native=booster, **opening)


def continued(x, y, **parameters):
    """A booster that was trained on from another."""
    data = xgb.DMatrix(x, y)
    first = train(x, y, rounds=5, **parameters)
    return xgb.train(
        dict({"objective": "binary:logistic", "nthread": 2, "max_depth": 2}, **parameters), data, 4, xgb_model=first
    )


def refreshed(x, y):
    """A booster whose leaves were computed again on other leads."""
    first = train(x, y)
    data = xgb.DMatrix(x[::2], y[::2])
    options = {"objective": "binary:logistic", "process_type": "update", "updater": "refresh", "refresh_leaf": 1}
    return xgb.train(options, data, 12, xgb_model=first)


def stopped(keeper, name, x, y, **parameters):
    """A booster that stopped early: its owner takes all rounds, or those up to the best one."""
    options = dict({"objective": "binary:logistic", "eta": 1.0, "max_depth": 4, "eval_metric": "logloss"}, **parameters)
    held = xgb.DMatrix(x[350:], y[350:])
    booster = xgb.train(
        options, xgb.DMatrix(x[:350], y[:350]), 60, evals=[(held, "held")], early_stopping_rounds=5, verbose_eval=False
    )
    best = int(booster.attr("best_iteration")) + 1
    native(keeper, name, x, booster)
    keeper.keep(name + "_best", booster.save_model, x, native=booster, used=best, rounds="best")


def native_missing(keeper, name, value):
    """A booster whose missing values are a number, which only its owner knows."""
    x, y = made_up()
    x[np.isnan(x)] = value
    booster = train(x, y, missing=value)
    keeper.keep(name, booster.save_model, x, native=booster, missing=value, missing_value=value)


def infinite(keeper, name, x, y, end):
    """A booster with splits at infinity, as training on a GPU writes them: loaded from a file that says so."""
    booster = train(x, y)
    path = os.path.join(keeper.folder, "scratch.json")
    booster.save_model(path)
    with open(path) as file:
        document = json.load(file)
    for number, tree in enumerate(document["learner"]["gradient_booster"]["model"]["trees"]):
        for node, left in enumerate(tree["left_children"]):
            if left >= 0 and (node + number) % 3 == 0:
                tree["split_conditions"][node] = end
    with open(path, "w") as file:
        json.dump(document, file)
    booster = xgb.Booster(model_file=path)
    os.remove(path)
    native(keeper, name, x, booster)


def wrapped(keeper):
    """Classifiers of the scikit-learn wrapper."""
    x, y = made_up()
    ways = {
        "plain": {},
        "forest_a_round": {"num_parallel_tree": 3, "subsample": 0.7},
        "dart": {"booster": "dart", "rate_drop": 0.3},
        "stopped": {"stop": True},
        "stopped_forest": {"stop": True, "num_parallel_tree": 3, "subsample": 0.7},
        "stopped_dart": {"stop": True, "booster": "dart", "rate_drop": 0.2},
        "stopped_base": {"stop": True, "base_score": 0.2},
    }
    for name, parameters in ways.items():
        keeper.show("wrapped_" + name, lambda at, p=parameters: classifier(keeper, at, x, fitted(x, y, **p)))
    keeper.show("wrapped_random_forest", lambda at: classifier(keeper, at, x, fitted(x, y, kind=xgb.XGBRFClassifier)))
    for value in (-999.0, 0.0):
        for stop in (False, True):
            name = "wrapped_missing_{}{}".format(value, "_stopped" if stop else "")
            keeper.show(name, lambda at, v=value, s=stop: wrapped_missing(keeper, at, v, s))
    keeper.show("wrapped_as_booster", lambda at: as_booster(keeper, at, x, fitted(x, y, stop=True)))


def classifier(keeper, name, x, model, **opening):
    """Keeps a classifier, with the rounds that it takes itself."""
    best = getattr(model, "best_iteration", None) if model.get_booster().attr("best_iteration") else None
    keeper.keep(name, model.save_model, x, wrapped=model, used=None if best is None else int(best) + 1, **opening)


def wrapped_missing(keeper, name, value, stop):
    """A classifier whose missing values are a number; before 2.0 its file says so."""
    x, y = made_up()
    x[np.isnan(x)] = value
    model = fitted(x, y, missing=value, stop=stop)
    best = model.get_booster().attr("best_iteration") if stop else None
    rounds = None if best is None else int(best) + 1
    booster = model.get_booster()
    own = model.predict(x[:ROWS], output_margin=True)
    if not np.array_equal(own, native_margins(booster, xgb.DMatrix(x[:ROWS], missing=value), rounds)):
        raise AssertionError("the wrapper and the booster differ")
    opening = {} if VERSION < (2, 0) else {"missing_value": value}
    keeper.keep(name, model.save_model, x, native=booster, used=rounds, missing=value, **opening)


def as_booster(keeper, name, x, model):
    """The booster of an early-stopped classifier, saved as such: nobody can know that its owner stops at the best."""
    booster = model.get_booster()
    keeper.keep(name, booster.save_model, x, native=booster)
    best = int(booster.attr("best_iteration")) + 1
    keeper.keep(name + "_best", booster.save_model, x, wrapped=model, used=best, rounds="best")


def categories(keeper):
    """Categorical columns: as codes, and as texts or numbers of a data frame."""
    random = np.random.RandomState(1)
    x, y = made_up()
    for many, onehot in ((5, 100), (40, 1), (90, 1)):
        codes = x.copy()
        codes[:, 3] = random.randint(0, many, LEADS)
        codes[random.random_sample(LEADS) < 0.1, 3] = np.nan
        outcome = (np.nan_to_num(codes[:, 3]) % 3 + y + random.normal(size=LEADS) > 1.8).astype(int)
        options = {"max_cat_to_onehot": onehot} if VERSION >= (1, 6) else {}
        types = ["q", "q", "q", "c", "q"]
        for method in ("hist", "approx"):
            name = f"codes_{many}_{method}"
            keeper.show(
                name,
                lambda at, c=codes, o=outcome, m=method: native(
                    keeper, at, c, train(c, o, names=safe(NAMES), types=types, tree_method=m, **options)
                ),
            )
    values = {
        "texts": np.array(["Web", "Fair", "Messe", "Referral", 'a,b "c"'], dtype=object),
        "texts_of_letters": np.array(["Web", "Fair", "Messe K\u00f6ln", "\u65e5\u672c", "z"], dtype=object),
        "integers": np.array([10, 20, 30, 70000, -4]),
        "small_integers": np.array([1, 2, 3, 4, 0], dtype=np.int8),
        "wide_integers": np.array([2**53 - 1, 2**53 - 2, 7, 8, 9]),
    }
    for name, kinds in values.items():
        keeper.show("frame_" + name, lambda at, k=kinds: framed(keeper, at, k))
        keeper.show("frame_stopped_" + name, lambda at, k=kinds: framed(keeper, at, k, stop=True))
    keeper.show("frame_types", lambda at: typed(keeper, at))


def framed(keeper, name, kinds, stop=False):
    """A classifier of a data frame with a categorical column, whose values the file keeps since 3.1."""
    import pandas as pd

    random = np.random.RandomState(2)
    picked = random.randint(0, len(kinds), LEADS)
    frame = pd.DataFrame({"visits": random.poisson(4, LEADS).astype(float), "source": pd.Categorical(kinds[picked])})
    frame.loc[random.random_sample(LEADS) < 0.1, "source"] = None
    y = (picked % 2 + frame["visits"].to_numpy() * 0.2 + random.normal(size=LEADS) > 1.4).astype(int)
    model = fitted(
        frame,
        y,
        stop=stop,
        enable_categorical=True,
        tree_method="hist",
        **({"max_cat_to_onehot": 1} if VERSION >= (1, 6) else {}),
    )
    if model.get_booster().feature_types is None or "c" not in model.get_booster().feature_types:
        raise AssertionError("this XGBoost does not know this pandas")
    seen = np.stack([frame["visits"].to_numpy(), frame["source"].cat.codes.to_numpy().astype(float)], axis=1)
    seen[seen[:, 1] < 0, 1] = np.nan
    texts = [value for value in kinds if isinstance(value, str)]
    ascii_only = all(ord(letter) < 128 for text in texts for letter in text)
    keeps = VERSION >= ((3, 1) if ascii_only else (3, 4))
    sent = [
        [visits, None if value is None or value != value else value if isinstance(value, str) else int(value)]
        for visits, value in zip(frame["visits"].tolist(), frame["source"].tolist())
    ]
    best = model.get_booster().attr("best_iteration") if stop else None
    keeper.keep(
        name,
        model.save_model,
        frame,
        wrapped=model,
        used=None if best is None else int(best) + 1,
        leads=sent if keeps else [plain(row) for row in seen.tolist()],
        codes=seen,
    )


def typed(keeper, name):
    """A classifier of a data frame with whole numbers, flags and fractions."""
    import pandas as pd

    x, y = made_up()
    frame = pd.DataFrame({"count": (x[:, 3] > 0).astype(int) * 7, "flag": x[:, 4] > 0, "share": x[:, 0]})
    seen = frame.astype(float).to_numpy()
    classifier_of_frame = fitted(frame, y)
    keeper.keep(name, classifier_of_frame.save_model, frame, wrapped=classifier_of_frame, codes=seen)


def others(keeper):
    """Files that hold a model and are none, and what they are to be called."""
    x, y = made_up()
    model = fitted(x, y)
    booster = model.get_booster()
    if VERSION < (2, 1):
        keeper.show("old.bin", lambda at: keeper.refused(at, "XGBoost's old binary format", booster.save_model))
    elif VERSION < (3, 1):
        keeper.show(
            "old.bin",
            lambda at: keeper.refused(
                at, "XGBoost's old binary format", lambda path: write(path, booster.save_raw("deprecated"))
            ),
        )
    keeper.show("raw.bin", lambda at: raw(keeper, at, booster))
    if VERSION < (1, 0):
        return
    keeper.show("model.pkl", lambda at: keeper.refused(at, "a pickle", lambda path: dump(model, path, 4)))
    keeper.show("booster.pkl", lambda at: keeper.refused(at, "a pickle", lambda path: dump(booster, path, 2)))
    keeper.show("text.pkl", lambda at: keeper.refused(at, "a pickle", lambda path: dump(model, path, 0)))
    keeper.show(
        "config.json",
        lambda at: keeper.refused(at, "the configuration", lambda path: write(path, booster.save_config())),
    )
    keeper.show(
        "dump.json", lambda at: keeper.refused(at, "a dump", lambda path: booster.dump_model(path, dump_format="json"))
    )
    keeper.show("dump.txt", lambda at: keeper.refused(at, "a dump", lambda path: booster.dump_model(path)))


def raw(keeper, name, booster):
    """What ``save_raw`` gave before it learned of UBJ: the old format, without its mark."""
    if VERSION >= (1, 6):
        return
    keeper.refused(name, "XGBoost's old binary format", lambda path: write(path, booster.save_raw()))


def dump(model, path, protocol):
    """Pickles a model."""
    with open(path, "wb") as file:
        pickle.dump(model, file, protocol)


def write(path, text):
    """Writes a text, or bytes."""
    with open(path, "w" if isinstance(text, str) else "wb") as file:
        file.write(text)


def main(folder):
    """Fills a folder."""
    os.makedirs(folder, exist_ok=True)
    keeper = Keeper(folder)
    if VERSION >= (1, 0):
        natives(keeper)
        wrapped(keeper)
        categories(keeper)
    others(keeper)
    with open(os.path.join(folder, "index.json"), "w") as file:
        json.dump({"version": xgb.__version__, "exhibits": keeper.exhibits, "skipped": keeper.skipped}, file)
    print(f"XGBoost {xgb.__version__}: {len(keeper.exhibits)} exhibits, {len(keeper.skipped)} skipped")


if __name__ == "__main__":
    main(sys.argv[1])
