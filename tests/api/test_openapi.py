"""The JSON Schema of a feature says what the service takes."""

from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadscoring.api.openapi import example_value, feature_schema
from leadscoring.contract.features import Contract, Feature
from leadscoring.float32 import single

FEATURES = (
    Feature("number", "number"),
    Feature("share", "number", minimum=0, maximum=1),
    Feature("integer", "integer", maximum=10),
    Feature("count", "integer", minimum=1),
    Feature("flag", "flag"),
    Feature("text", "category", values=("web",)),
    Feature("numbered", "category", values=("1", "2.5"), numbers=True),
    Feature("code", "category", codes=3),
)

VALUES = (
    st.sampled_from([True, False, 0, 1, -1, 2, 10, 11, 0.5, 1.5, -999, -999.0, -998, "web", "1", "", 2**53, [], {}])
    | st.floats(-1e30, 1e30)
    | st.integers(-(2**60), 2**60)
)


@given(st.sampled_from(FEATURES), VALUES, st.sampled_from([None, -999.0, 2.0]))
def test_the_schema_allows_what_the_contract_accepts(feature: Feature, value: Any, missing: float | None) -> None:
    """And nothing else: a number that means missing too, where it fits the feature otherwise and where it does not."""
    contract = Contract((feature,), missing)
    if isinstance(value, float) and value != missing and single(value) == missing:
        return  # as near as float32 tells, but another number
    schema = feature_schema(feature, contract)
    allowed = jsonschema.Draft202012Validator(schema).is_valid(value)
    assert allowed == contract.accepts(feature, value)


@pytest.mark.parametrize("feature", FEATURES)
def test_the_example_is_a_value_that_is_accepted(feature: Feature) -> None:
    """So that a reader can send it as it is."""
    assert Contract((feature,)).accepts(feature, example_value(feature))
