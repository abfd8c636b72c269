"""The counter of reasons gives what the forest gives, counts it once, and touches no number that is not its own."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadscoring._engine import Forest, ReasonCounter, Rows

FEATURES = 3


def stump(feature: int) -> tuple[list[float | None], ...]:
    """A tree of one split at zero, whose lower side lowers the margin."""
    return (
        [1, -1, -1], [2, -1, -1], [feature, 0, 0], [1, 0, 0], [], [0.0, -0.5 - feature, 0.25 + feature],
        [8.0, 4.0, 4.0], [1.0, 0.0, 0.0], [], [], [], [],
    )  # fmt: skip


FOREST = Forest(FEATURES, 0.0, [stump(feature) for feature in range(FEATURES)])

rows = st.lists(st.lists(st.sampled_from((None, -1.0, 1.0)), min_size=FEATURES, max_size=FEATURES), max_size=20)


def doubles(count: int) -> "memoryview[float]":
    """So many zeros."""
    return memoryview(bytearray(8 * count)).cast("d")


@given(rows, st.integers(0, FEATURES + 1), st.integers(0, FEATURES), st.data())
def test_what_is_given_is_counted_once(
    given_rows: list[list[float | None]], limit: int, counted: int, data: st.DataObject
) -> None:
    """By feature and direction, of the rows that are asked for; features beyond the numbers are given all the same."""
    made = Rows(given_rows)
    first = data.draw(st.integers(0, len(given_rows)))
    last = data.draw(st.integers(first, len(given_rows)))
    numbers = doubles(2 * counted)
    found = ReasonCounter(FOREST, numbers).reasons(made, limit, first, last)
    assert found == FOREST.reasons(made, limit, first, last)
    expected = Counter((feature, share < 0) for lead in found for feature, share in lead)
    assert numbers.tolist() == [expected[feature, lowered] for feature in range(counted) for lowered in (False, True)]


def test_numbers_that_are_no_pairs_of_doubles_are_refused() -> None:
    """And so is what is no forest."""
    for numbers, said in ((doubles(3), "two a feature"), (bytearray(16), "doubles")):
        with pytest.raises(ValueError, match=said):
            ReasonCounter(FOREST, numbers)
    with pytest.raises(BufferError):
        ReasonCounter(FOREST, memoryview(bytes(16)).cast("d"))
    with pytest.raises(TypeError):
        ReasonCounter(None, doubles(2))  # type: ignore[arg-type]  # that is what is tested


def test_rows_that_do_not_fit_are_refused_before_anything_is_counted() -> None:
    """As the forest refuses them."""
    numbers = doubles(2 * FEATURES)
    counter = ReasonCounter(FOREST, numbers)
    for made, limit, first, last in ((Rows([[1.0]]), 5, 0, -1), (Rows([[1.0] * 3]), -1, 0, -1), (Rows([]), 5, 1, 2)):
        with pytest.raises(ValueError, match=r"features|limit|no such rows"):
            counter.reasons(made, limit, first, last)
    assert not any(numbers)


def test_the_forest_lives_as_long_as_its_counter() -> None:
    """Whoever counts need not keep it."""
    counter = ReasonCounter(Forest(FEATURES, 0.0, [stump(1)]), doubles(2 * FEATURES))
    assert counter.reasons(Rows([[None, 1.0, None]]), 5) == [[(1, 1.375)]]
