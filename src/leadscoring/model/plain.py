"""Derives a card for a model without one: its contract from what XGBoost itself stores in the file."""

import math

from leadscoring.contract.features import Contract, Feature
from leadscoring.float32 import single
from leadscoring.model.card import Card
from leadscoring.model.categories import Values
from leadscoring.model.trees import TreeEnsemble


def plain_card(trees: TreeEnsemble, name: str, version: str, missing: float | None = None) -> Card:
    """Derives a contract from the names, types and categories of the trees; the calibration is the logistic function.

    ``missing`` is the number that means missing: NaN for none, ``None`` for that in the file.
    """
    names = trees.feature_names or tuple(f"f{place}" for place in range(trees.n_features))
    types = trees.feature_types or ("float",) * trees.n_features
    codes = trees.categories
    features = tuple(
        plain_feature(called, kind, trees.category_values.get(place, ()), codes.get(place))
        for place, (called, kind) in enumerate(zip(names, types, strict=True))
    )
    contract = Contract(features, missing_value(trees, missing))
    return Card(name=name or "model", version=version, contract=contract)


def plain_feature(name: str, kind: str, values: Values = (), codes: int | None = None) -> Feature:
    """Returns the feature for a name and one of XGBoost's feature types.

    ``values`` are those of a category, if the file has them; ``codes`` is the number of codes that the trees
    distinguish, ``None`` for features that are not categories.
    """
    if values:
        numbers = not isinstance(values[0], str)
        return Feature(name, "category", values=tuple(map(str, values)), numbers=numbers)
    if codes:
        return Feature(name, "category", codes=codes, help="The code of a category")
    if codes is not None:  # no tree splits by it
        return Feature(name, "integer", minimum=0, help="The code of a category")
    if kind == "i":
        return Feature(name, "flag")
    return Feature(name, "integer" if kind == "int" else "number")


def missing_value(trees: TreeEnsemble, asked: float | None) -> float | None:
    """Returns the number that means missing besides NaN: the requested one, else that in the file."""
    if asked is not None:
        return None if math.isnan(asked) else single(asked)
    noted = (trees.wrapper or {}).get("missing")
    if isinstance(noted, bool) or not isinstance(noted, int | float) or not math.isfinite(noted):
        return None
    return single(noted)
