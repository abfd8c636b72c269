"""What fits a kind is one definition: the service refuses what training reads as missing and says so, and no more."""

import json
import math
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leadscoring._engine import count_colons
from leadscoring.contract.decode import LeadDecoder
from leadscoring.contract.features import Contract, Feature
from leadscoring.contract.kinds import KINDS
from leadscoring.errors import CardInvalid, RequestError
from leadscoring.float32 import FLOAT32_MAX
from leadscoring.model.loaded import encoder
from leadscoring.model.reading import PLAIN
from leadscoring.training.encode import encode_table
from leadscoring.training.reread import reread

REJECT = "; the service would reject those leads"

FORMS = (*(name for name, kind in KINDS.items() if not kind.is_text), "numbered", "coded")
BOUNDS = st.none() | st.floats(-(2**60), 2**60) | st.sampled_from([0, 1, 2**53 - 1, -(2**53), FLOAT32_MAX, 0.1])
EDGES = (
    *(sign * (2**53 + step) for sign in (1, -1) for step in (-2, -1, 0, 1, 2)),
    *(2**63 - 1, 2**63, 2**64, 10**19, 10**38, 10**39, 10**400, -(10**400)),
    *(0.1, 0.5, 1.5, -0.0, 1e300, 5e-324, 1e-46, 3.4028235677973366e38, 3.4028234e38, FLOAT32_MAX, -FLOAT32_MAX),
    *(-999, -999.0, -998, -1, 0, 1, 2, 3, 2.5, 16777217, math.inf, -math.inf, True, False),
)
VALUES = st.sampled_from(EDGES) | st.floats(allow_nan=False) | st.integers() | st.integers(-(2**65), 2**65)


@st.composite
def number_features(draw: st.DrawFn) -> Feature:
    """Features that are sent as numbers, of every kind and form; categories are numbers that float64 holds exactly."""
    form = draw(st.sampled_from(FORMS))
    if form == "numbered":
        values = draw(st.sampled_from([("1", "2.5"), ("-1", "0", "9007199254740991"), ("0.1",)]))
        return Feature("x", "category", values=values, numbers=True, other=draw(st.booleans()))
    if form == "coded":
        return Feature("x", "category", codes=draw(st.integers(1, 5)))
    try:
        return Feature("x", form, minimum=draw(BOUNDS), maximum=draw(BOUNDS))
    except CardInvalid:
        return Feature("x", form)


def by_the_service(contract: Contract, value: Any) -> float | None:
    """What a lead with this value is encoded to; ``None`` where it is refused."""
    reader = LeadDecoder(contract, encoder(contract).encode, count_colons)
    try:
        _, rows = reader.one(json.dumps({"lead_id": "a", "features": {"x": value}}).encode())
    except RequestError:
        return None
    (cell,) = rows.row(0)
    return math.nan if cell is None else cell


def by_training(contract: Contract, column: pl.Series) -> tuple[float, bool]:
    """What a column of this value is encoded to, and whether it was said that the service refuses it."""
    found = reread(contract, PLAIN, pl.DataFrame([column]))
    return float(encode_table(contract, found.frame)[0, 0]), any(REJECT in warning for warning in found.warnings)


def columns(value: Any) -> list[pl.Series]:
    """The columns of a file that may hold a value: as its own type, as a float, and as the text of an export."""
    found = [pl.Series("x", [json.dumps(value)])]
    if isinstance(value, bool):
        return [*found, pl.Series("x", [value])]
    if isinstance(value, int) and -(2**63) <= value < 2**63:
        found.append(pl.Series("x", [value], dtype=pl.Int64))
    if isinstance(value, int) and 0 <= value < 2**64:
        found.append(pl.Series("x", [value], dtype=pl.UInt64))
    return [*found, pl.Series("x", [value])] if isinstance(value, float) else found


@settings(max_examples=300, deadline=None)
@given(number_features(), VALUES, st.sampled_from([None, None, -999.0, 2.0, 0.5]))
def test_training_takes_the_numbers_that_the_service_takes(feature: Feature, value: Any, missing: float | None) -> None:
    """To the same float32, however the file writes them; what it does not take is missing there, and said."""
    if isinstance(value, bool) and "true" not in feature.form.words:
        return  # in a file, true may be how a number is written
    contract = Contract((feature,), missing)
    taken = by_the_service(contract, value)
    for column in columns(value):
        encoded, said = by_training(contract, column)
        assert said == (taken is None), (column, encoded, taken)
        np.testing.assert_array_equal(np.float32(encoded), np.float32(math.nan if taken is None else taken))
    if not isinstance(value, bool) and abs(value) <= FLOAT32_MAX:
        assert contract.accepts(feature, value) == (taken is not None)


@pytest.mark.parametrize("value", [2**53, 2**53 + 1, -(2**53) - 1, 1.5, 1e39, math.inf, -math.inf])
def test_what_is_no_whole_number_is_refused_by_both(value: float) -> None:
    """Beyond 2^53 whole numbers differ from what was sent once they are floats, so that none is taken."""
    contract = Contract((Feature("x", "integer"),))
    assert by_the_service(contract, value) is None
    for column in columns(value):
        encoded, said = by_training(contract, column)
        assert math.isnan(encoded)
        assert said


@pytest.mark.parametrize("feature", [Feature("x", "number"), Feature("x", "integer"), Feature("x", "flag")])
def test_nan_is_no_value_of_json_and_an_empty_cell_of_a_file(feature: Feature) -> None:
    """So the service refuses it, and a file that writes it where there is nothing is read as it was meant."""
    contract = Contract((feature,))
    assert by_the_service(contract, math.nan) is None
    for column in columns(math.nan):
        encoded, said = by_training(contract, column)
        assert math.isnan(encoded)
        assert not said


@given(
    st.text(st.characters(codec="utf-8"), max_size=3) | st.sampled_from(["web", "Web", "none", "rare", "new", "1.0"])
)
def test_texts_are_the_same_for_both(value: str) -> None:
    """Encoded to the same code, but for those that a file writes where there is nothing."""
    feature = Feature(
        "x", "category", values=("web", "1.0"), missing=("none",), aliases={"Web": "web"}, rare=("rare",), other=True
    )
    contract = Contract((feature,))
    encoded = encode_table(contract, pl.DataFrame({"x": [value]}))[0, 0]
    taken = by_the_service(contract, value)
    np.testing.assert_array_equal(encoded, np.float32(math.nan if taken is None else taken))
