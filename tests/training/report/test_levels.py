"""Leads are grouped by the values of a feature, whatever its kind; no lead is in two groups of one column."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from leadscoring.contract.aspects import Aspect
from leadscoring.contract.features import Feature
from leadscoring.training.report.levels import FEWEST, LONGEST, MOST, OTHER, UNKNOWN, levels

NUMBER = Feature("visits", "number")
NUMBERS = arrays.arrays(
    np.float32, st.integers(1, 300), elements=st.one_of(st.floats(-1e6, 1e6, width=32), st.just(np.nan))
)


@given(NUMBERS)
def test_bands_of_a_number_divide_its_leads(values: np.ndarray) -> None:
    """Each lead is in one band at most, in all of them but for those of few leads; bands rise."""
    found = levels(NUMBER, values.reshape(-1, 1), 0)
    inside = np.sum([level.rows for level in found], axis=0) if found else np.zeros(len(values))
    assert inside.max() <= 1
    assert len(found) <= MOST + 1
    orders = [level.order for level in found if level.value != UNKNOWN]
    assert orders == sorted(orders)
    assert all(level.rows.sum() >= FEWEST for level in found)


def test_a_band_is_named_by_the_values_in_it() -> None:
    """Few values stand for themselves; 0 and 1 are no and yes."""
    few = np.repeat(np.array([1, 2, np.nan], np.float32), 20).reshape(-1, 1)
    assert [level.value for level in levels(NUMBER, few, 0)] == ["1", "2", UNKNOWN]
    many = np.arange(100, dtype=np.float32).reshape(-1, 1)
    assert [level.value for level in levels(NUMBER, many, 0, 2)] == ["0 to 49", "50 to 99"]
    assert [level.value for level in levels(NUMBER, few % 2, 0)] == ["no", "yes", UNKNOWN]
    assert levels(NUMBER, many * 1000, 0, 2)[1].value == "50,000 to 99,000"


def test_the_most_frequent_categories_are_named() -> None:
    """The others stand together; long values are cut."""
    source = Feature("source", "category", values=("web" * 50, "event", "rare"), other=True)
    codes = np.repeat(np.array([1, 0, 2, 3, np.nan], np.float32), [50, 30, 5, 20, 15]).reshape(-1, 1)
    found = levels(source, codes, 0)
    assert [(level.value, int(level.rows.sum())) for level in found] == [
        ("event", 50),
        (("web" * 50)[:LONGEST], 30),
        (OTHER, 25),
        (UNKNOWN, 15),
    ]


def test_words_and_dates_are_named_by_what_their_columns_hold() -> None:
    """A lead may have several words; the age of a date is a number."""
    title = Feature("title", "text", aspects=(Aspect("word", "ceo"), Aspect("word", "sales"), Aspect("length")))
    has = np.stack([np.arange(60) % 2, np.arange(60) % 3 == 0, np.arange(60)], axis=1).astype(np.float32)
    assert [level.value for level in levels(title, has, 0)] == ["contains 'ceo'", "contains 'sales'"]
    created = Feature("created", "date", aspects=(Aspect("age"), Aspect("weekday")))
    found = levels(created, has[:, [2, 0]], 0, 2)
    assert [level.value for level in found] == ["age 0 to 29", "age 30 to 59"]
