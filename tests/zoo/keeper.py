"""Makes models of the XGBoost that it runs with, and writes down what that very version predicts with them.

Runs in an environment of its own for each version, the oldest of them on Python 3.7, so it imports nothing of ours and
uses nothing newer. ``python keeper.py FOLDER`` writes ``index.json`` and the models. An exhibit says how a model file
is to be opened, and holds leads as they are sent, rows as the trees see them, and margins, probabilities and
contributions. What a version cannot do is noted with its own words.
"""

import json
import os
import pickle
import sys
import warnings

import numpy as np
import xgboost as xgb
from exhibits import (
    LEADS,
    NAMES,
    ROWS,
    VERSION,
    Keeper,
    classifier,
    fitted,
    made_up,
    native,
    native_margins,
    plain,
    safe,
    train,
)

warnings.simplefilter("ignore")


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
