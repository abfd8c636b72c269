"""A model without a card gets a contract from what XGBoost notes in its file."""

from collections.abc import Sequence

import numpy as np
import pytest
import xgboost as xgb

from leadscoring.model.plain import plain_card, plain_feature
from leadscoring.model.trees import TreeEnsemble


def ensemble(kinds: Sequence[str]) -> TreeEnsemble:
    """Trees over columns of these types, of which only the first one predicts anything."""
    rows = np.arange(64)
    columns = np.column_stack([rows % 4 if kind == "c" else rows for kind in kinds])
    data = xgb.DMatrix(columns, rows // 32, feature_types=list(kinds), enable_categorical=True)
    booster = xgb.train({"objective": "binary:logistic", "max_depth": 1}, data, 2)
    return TreeEnsemble.from_bytes(bytes(booster.save_raw("json")))


@pytest.mark.parametrize("missing", [None, -999.0, 0.0, 999.0])
def test_a_category_that_no_tree_asks_for_takes_the_number_that_means_missing(missing: float | None) -> None:
    """Whatever the number is, and codes besides."""
    card = plain_card(ensemble(["q", "c"]), "bare", "1", missing)
    unused = card.contract.features[1]
    assert card.contract.accepts(unused, 3)
    assert missing is None or card.contract.accepts(unused, missing)
    assert not card.contract.accepts(unused, -1)


def test_types_of_xgboost_become_kinds() -> None:
    """A column of type ``i`` is a flag, ``int`` a whole number, all others are numbers."""
    assert [plain_feature("a", kind).kind for kind in ("i", "int", "float", "q")] == [
        "flag",
        "integer",
        "number",
        "number",
    ]
