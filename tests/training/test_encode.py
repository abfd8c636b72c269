import math

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leadscoring.contract.aspects import Aspect
from leadscoring.contract.features import Contract, Feature
from leadscoring.float32 import FLOAT32_MAX
from leadscoring.model.loaded import encoder
from leadscoring.training.encode import encode_table, moments_of, with_unseen

CONTRACT = Contract(
    (
        Feature("n", "number", minimum=0),
        Feature("i", "integer", maximum=10),
        Feature("f", "flag"),
        Feature("c", "category", values=("a", "b"), missing=("", "NA"), other=True),
        Feature("d", "category", values=("a", "b")),
    )
)


def by_hand(feature: Feature, value: object) -> float:
    """What the documentation of ``Feature`` says of one value, NaN where unknown or refused."""
    if value is None:
        return math.nan
    if feature.kind == "category":
        text = str(value)
        if text in feature.missing:
            return math.nan
        if text in feature.values:
            return float(feature.values.index(text))
        return float(len(feature.values)) if feature.other else math.nan
    try:
        number = float(value)  # type: ignore[arg-type]
    except ValueError:
        return {"true": 1.0, "false": 0.0}.get(str(value).strip().lower(), math.nan)
    fine = abs(number) <= FLOAT32_MAX
    fine &= feature.minimum is None or number >= feature.minimum
    fine &= feature.maximum is None or number <= feature.maximum
    fine &= feature.kind == "number" or number == math.floor(number)
    fine &= feature.kind != "flag" or number in (0.0, 1.0)
    return float(np.float32(number)) if fine else math.nan


NUMBERS = st.none() | st.floats(-20, 20) | st.integers(-3, 12) | st.sampled_from([0.1, 1e38, 3.5e38, -0.0])
TEXTS = st.none() | st.sampled_from(["a", "b", "c", "", "NA", "A", " a"])


@settings(max_examples=100, deadline=None)
@given(rows=st.lists(st.tuples(NUMBERS, NUMBERS, NUMBERS, TEXTS, TEXTS), min_size=1, max_size=8))
def test_encoding_follows_the_contract_value_for_value(rows: list[tuple[object, ...]]) -> None:
    """A table is encoded as each of its values would be by hand, numbers or texts of numbers."""
    expected = np.array(
        [[by_hand(f, v) for f, v in zip(CONTRACT.features, row, strict=True)] for row in rows], dtype=np.float32
    )
    names = CONTRACT.names
    as_text = {n: [None if r[k] is None else str(r[k]) for r in rows] for k, n in enumerate(names)}
    typed = {n: [r[k] if k > 2 or r[k] is None else float(r[k]) for r in rows] for k, n in enumerate(names)}  # type: ignore[arg-type]
    schema = dict.fromkeys(names[:3], pl.Float64) | dict.fromkeys(names[3:], pl.String)
    for frame in (pl.DataFrame(as_text, schema=dict.fromkeys(names, pl.String)), pl.DataFrame(typed, schema=schema)):
        got = encode_table(CONTRACT, frame)
        assert got.dtype == np.float32
        np.testing.assert_array_equal(got, expected)


def test_an_absent_column_is_missing_throughout() -> None:
    """A table need not have every column."""
    got = encode_table(CONTRACT, pl.DataFrame({"c": ["b", "zzz"]}))
    assert np.isnan(got[:, [0, 1, 2, 4]]).all()
    assert got[:, 3].tolist() == [1.0, 2.0]


@pytest.mark.parametrize("values", [[True, False], ["true", "FALSE"], ["1", " 0 "], [1, 0], [1.0, 0.0]])
def test_flags_in_every_spelling(values: list[object]) -> None:
    """True and false are 1 and 0."""
    assert encode_table(CONTRACT, pl.DataFrame({"f": values}))[:, 2].tolist() == [1.0, 0.0]


def test_texts_have_the_codes_of_the_service() -> None:
    """Other spellings, rare texts and missing ones are encoded as the engine encodes them."""
    feature = Feature(
        "c",
        "category",
        values=("Germany", "France"),
        missing=("NA",),
        other=True,
        aliases={"GERMANY": "Germany", " France": "France"},
        rare=("Malta",),
    )
    contract = Contract((feature,))
    texts = ["Germany", "GERMANY", " France", "NA", "Malta", "Atlantis", None]
    rows = encoder(contract).encode([(text,) for text in texts])
    expected = [rows.row(place)[0] for place in range(len(texts))]
    assert expected == [0.0, 0.0, 1.0, None, 2.0, 2.0, None]
    frame = pl.DataFrame({"c": texts})
    np.testing.assert_array_equal(encode_table(contract, frame)[:, 0], np.array(expected, dtype=np.float32))
    assert with_unseen(contract, frame, encode_table(contract, frame))[:, 0].tolist()[4:6] == [2.0, 3.0]


DATES = Contract(
    (
        Feature("seen", "date", aspects=(Aspect("age"),)),
        Feature("n", "number"),
        Feature("due", "date", aspects=(Aspect("age"), Aspect("since", "seen")), planned=True),
    )
)
DAY = 86_400_000_000


def test_dates_are_aged_to_the_moment_of_each_lead() -> None:
    """By default its latest date that is not a planned one; a date that is unknown is missing."""
    frame = pl.DataFrame({"seen": [3 * DAY, None], "n": [1.0, 2.0], "due": [5 * DAY, 6 * DAY]})
    found = encode_table(DATES, frame)
    np.testing.assert_array_equal(found[0], [0.0, 1.0, -2.0, 2.0])
    np.testing.assert_array_equal(found[1, :2], [np.nan, 2.0])
    later = encode_table(DATES, frame, np.array([10.0 * DAY, 7.0 * DAY]))
    np.testing.assert_array_equal(later, [[7.0, 1.0, 5.0, 2.0], [np.nan, 2.0, 1.0, np.nan]])
    assert moments_of(DATES.features[1:2], frame) is None


def test_a_contract_whose_columns_are_not_chosen_yet_has_the_others() -> None:
    """As long as training has not looked at the outcomes."""
    contract = Contract((Feature("note", "text"), Feature("n", "number")))
    assert encode_table(contract, pl.DataFrame({"note": ["a"], "n": [2.0]})).tolist() == [[2.0]]
