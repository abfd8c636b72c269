"""The JSON Schema of a feature says what the service takes."""

from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st
from timed import near_dates

from leadscoring.api.openapi import example_value, feature_schema, lead_lines, lead_schema
from leadscoring.contract.aspects import Aspect
from leadscoring.contract.features import Contract, Feature
from leadscoring.contract.moment import is_moment
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
    Feature("words", "text", aspects=(Aspect("word", "director"),)),
    Feature("email", "email", aspects=(Aspect("role"),)),
    Feature("set", "set", aspects=(Aspect("count"),)),
    Feature("some", "set", required=True, aspects=(Aspect("value", "pricing"), Aspect("value", "demo"))),
)

DATE = Feature("date", "date", aspects=(Aspect("age"),))
"""Its format says more than its schema, of which a validator need not take notice."""

VALUES: st.SearchStrategy[Any] = (
    st.sampled_from(
        [
            True,
            False,
            0,
            1,
            -1,
            2,
            10,
            11,
            0.5,
            1.5,
            -999,
            -999.0,
            -998,
            "web",
            "1",
            "",
            2**53,
            [],
            {},
            ["a"],
            ["a", 1],
            None,
        ]
    )
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
    assert allowed == (contract.accepts(feature, value) if value is not None else not feature.required)


@given(near_dates())
def test_a_date_and_a_moment_that_the_format_allows_are_accepted(text: str) -> None:
    """A space before the time is accepted besides; in UTC all are of the years 1 to 9999."""
    if text.startswith(("0001-01-01", "9999-12-31")):
        return
    checker = jsonschema.FormatChecker(["date-time", "date"])
    date, moment = feature_schema(DATE, Contract((DATE,))), lead_schema(Contract((DATE,)))["properties"]["as_of"]
    if jsonschema.Draft202012Validator(date, format_checker=checker).is_valid(text):
        assert DATE.form.accepts(DATE, text)
    if jsonschema.Draft202012Validator(moment, format_checker=checker).is_valid(text):
        assert is_moment(text)


def test_only_a_contract_with_dates_names_the_moment() -> None:
    """In the lead, and among the columns of a CSV; it is never required."""
    timed, plain = lead_schema(Contract((DATE,))), lead_schema(Contract(FEATURES))
    assert (list(timed["properties"]), timed["required"]) == (["lead_id", "features", "as_of"], ["lead_id", "features"])
    assert list(plain["properties"]) == ["lead_id", "features"]
    assert "as_of" in lead_lines(Contract((DATE,)))["text/csv"]["schema"]["description"]
    assert "as_of" not in lead_lines(Contract(FEATURES))["text/csv"]["schema"]["description"]


@pytest.mark.parametrize("feature", [*FEATURES, DATE])
def test_the_example_is_a_value_that_is_accepted(feature: Feature) -> None:
    """So that a reader can send it as it is."""
    assert Contract((feature,)).accepts(feature, example_value(feature))
