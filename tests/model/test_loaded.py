"""What is loaded together fits together: contract, trees and the rows that were certified."""

import msgspec
import pytest
from factories import SMALL, card, model_file
from hypothesis import given
from hypothesis import strategies as st

from leadscoring.contract.features import Contract, Feature
from leadscoring.errors import CardInvalid, GoldenRowMismatch
from leadscoring.model.card import TIERS, GoldenRow
from leadscoring.model.file import open_model
from leadscoring.model.loaded import LoadedModel, check_contract, check_golden_rows, sealed, sent_as_code


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> LoadedModel:
    """The small model with its card."""
    return open_model(model_file(tmp_path_factory.mktemp("model")))


@given(one=st.floats(-12, 12), other=st.floats(-12, 12))
def test_a_higher_margin_never_means_less(model: LoadedModel, one: float, other: float) -> None:
    """Probability, bucket and percentile rise together; the tier is the bucket's."""
    low, high = model.score(min(one, other)), model.score(max(one, other))
    assert low.raw_score <= high.raw_score
    assert low.bucket <= high.bucket
    assert (low.percentile or 0) <= (high.percentile or 0)
    assert [TIERS.index(score.tier) + score.bucket for score in (low, high)] == [5, 5]


def test_a_certified_row_that_scores_otherwise_is_named(model: LoadedModel) -> None:
    """With its number and both margins; a difference of rounding is none."""
    first, second = model.card.golden
    near = card(golden=(first, GoldenRow(second.row, second.margin + 1e-6)))
    check_golden_rows(near, model.trees)
    off = card(golden=(first, GoldenRow(second.row, second.margin + 0.01)))
    with pytest.raises(GoldenRowMismatch, match="golden row 1"):
        check_golden_rows(off, model.trees)
    check_golden_rows(card(golden=()), model.trees)


def test_a_contract_of_other_columns_than_the_trees_is_refused(model: LoadedModel) -> None:
    """Their number, a feature that the trees do not treat as a category, and one with fewer values than they know."""
    features = SMALL.features
    place = next(place for place in model.trees.categories if features[place].kind == "category")
    with pytest.raises(CardInvalid, match="6 features, the trees 7"):
        check_contract(Contract(features[1:]), model.trees)
    number = msgspec.structs.replace(features[2], name=features[place].name)
    with pytest.raises(CardInvalid, match="by category"):
        check_contract(Contract((*features[:place], number, *features[place + 1 :])), model.trees)
    one_value = msgspec.structs.replace(features[place], values=features[place].values[:1], other=False, missing=())
    with pytest.raises(CardInvalid, match="the contract has 1"):
        check_contract(Contract((*features[:place], one_value, *features[place + 1 :])), model.trees)


def test_the_seal_is_of_trees_and_card_together(model: LoadedModel) -> None:
    """Either one changed makes another."""
    assert sealed(model.trees, "a") == sealed(model.trees, "a") != sealed(model.trees, "b")


def test_a_category_without_values_is_a_caution() -> None:
    """With the codes that the trees know."""
    feature = Feature("source", "category", codes=4)
    assert "0 to 3" in sent_as_code(feature)
    assert repr(feature.name) in sent_as_code(feature)
