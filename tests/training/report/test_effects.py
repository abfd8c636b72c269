"""The effects are the contributions of the answers, by value."""

import numpy as np
import pytest
from past_leads import leads, trained

from leadscoring.contract.features import Contract, Feature
from leadscoring.training.encode import encode_table
from leadscoring.training.fitted import trees_of
from leadscoring.training.report.effects import MOST_ROWS, effects, examine, unknown_shares


def test_what_raises_the_score_has_a_positive_effect() -> None:
    """Of the made-up leads more visits raise it, web lowers it; the strongest feature comes first."""
    report = trained(2000).report
    found = {one["feature"]: one["levels"] for one in report["effects"]}
    assert [one["feature"] for one in report["effects"]] == [
        one["feature"] for one in report["drivers"] if one["strength"] > 0
    ]
    visits = [level["effect"] for level in found["visits"]]
    assert visits[0] < 0 < visits[-1]
    source = {level["value"]: level["effect"] for level in found["source"]}
    assert source["web"] < 0 < source["event"]
    assert {level["value"] for level in found["budget [k$] <net>"]} >= {"unknown"}
    assert sum(level["leads"] for level in found["source"]) == report["held_out"]["rows"] == report["effects_leads"]


def test_effects_are_the_contributions_of_the_answers() -> None:
    """Weighted by leads, the levels sum to the mean contribution of the feature; rates to the conversions."""
    model, frame = trained(2000), leads(800, seed=4)
    contract, trees = model.card.contract, trees_of(model.booster)
    x = encode_table(contract, frame)
    y = (frame["won"] == "yes").to_numpy().astype(float)
    place = contract.names.index("visits")
    levels = next(one for one in effects(examine(trees, contract, x), contract, x, y) if one["feature"] == "visits")[
        "levels"
    ]
    total = sum(level["effect"] * level["leads"] for level in levels)
    assert total == pytest.approx(trees.contributions(x)[:, place].sum(), rel=1e-4, abs=1e-3)
    assert sum(level["observed"] * level["leads"] for level in levels) == pytest.approx(y.sum())
    assert all(level["low"] <= level["high"] for level in levels)


def test_of_many_leads_some_are_examined() -> None:
    """As many as give the same picture, evenly spaced."""
    model = trained()
    x = np.zeros((3 * MOST_ROWS, len(model.card.contract.columns)), np.float32)
    assert len(examine(trees_of(model.booster), model.card.contract, x).rows) == MOST_ROWS


def test_unknown_values_are_counted_by_feature() -> None:
    """The largest share first, and none that is always known."""
    contract = Contract((Feature("a", "number"), Feature("b", "number"), Feature("c", "number")))
    x = np.array([[1, np.nan, np.nan], [1, 2, np.nan]], np.float32)
    assert unknown_shares(contract, x) == [{"feature": "c", "share": 1.0}, {"feature": "b", "share": 0.5}]
