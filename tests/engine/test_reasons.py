"""The counter of reasons gives what the forest gives, counts it once, and touches no number that is not its own."""

from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadscoring._engine import Forest, ReasonFinder, Rows

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
    found = ReasonFinder(FOREST, numbers).reasons(made, limit, first, last)
    assert found == FOREST.reasons(made, limit, first, last)
    expected = Counter((feature, share < 0) for lead in found for feature, share in lead)
    assert numbers.tolist() == [expected[feature, lowered] for feature in range(counted) for lowered in (False, True)]


@given(rows, st.integers(0, FEATURES), st.sampled_from([(1, 2), (2, 1), (3,), (1, 1, 1)]))
def test_columns_of_one_feature_are_one_reason(given_rows: list[list[float | None]], limit: int, widths: Any) -> None:
    """What they contribute is added up before the strongest are looked for, and counted as one."""
    made, numbers = Rows(given_rows), doubles(2 * len(widths))
    found = ReasonFinder(FOREST, numbers, widths).reasons(made, limit)
    for lead, each in zip(found, FOREST.explain(made), strict=True):
        columns = iter(each)
        sums = [sum(next(columns) for _ in range(width)) for width in widths]
        strongest = sorted((place for place, share in enumerate(sums) if share), key=lambda place: -abs(sums[place]))
        assert {place: share for place, share, _, _ in lead} == {
            place: pytest.approx(sums[place], abs=1e-6) for place in strongest[:limit]
        }
    assert sum(numbers) == sum(map(len, found))
    assert ReasonFinder(FOREST, None, widths).reasons(made, limit) == found


@given(rows, st.sampled_from([(1, 2), (2, 1), (3,), (1, 1, 1)]))
def test_the_column_that_leads_a_reason_is_known(given_rows: list[list[float | None]], widths: Any) -> None:
    """Of a feature's columns the first of those that contribute most in the direction of the sum, with its value."""
    made = Rows(given_rows)
    for place, (lead, each) in enumerate(
        zip(ReasonFinder(FOREST, None, widths).reasons(made, FEATURES), FOREST.explain(made), strict=True)
    ):
        for feature, share, column, value in lead:
            first = sum(widths[:feature])
            parts = each[first : first + widths[feature]]
            assert column == parts.index(max(parts) if share > 0 else min(parts))
            assert parts[column] * share > 0
            assert value == given_rows[place][first + column]


def test_the_leading_column_of_later_rows_is_theirs() -> None:
    """Its value is that of the row, wherever the rows that are asked for begin."""
    made = Rows([[1.0, 1.0, 1.0], [-1.0, 1.0, None], [-1.0, -1.0, 1.0]])
    finder = ReasonFinder(FOREST, None, (1, 2))
    assert finder.reasons(made, 5, 1, 3) == finder.reasons(made, 5)[1:]
    assert {reason[0]: reason[2:] for reason in finder.reasons(made, 5, 2)[0]} == {0: (0, -1.0), 1: (1, 1.0)}


@pytest.mark.parametrize("widths", [(1, 1), (2, 2), (0, 3), (-1, 4), (1, "a", 1), ()])
def test_widths_must_add_up_to_the_columns(widths: Any) -> None:
    """One column or more a feature."""
    with pytest.raises((ValueError, TypeError, RuntimeError)):
        ReasonFinder(FOREST, None, widths)


def test_numbers_that_are_no_pairs_of_doubles_are_refused() -> None:
    """And so is what is no forest."""
    for numbers, said in ((doubles(3), "two a feature"), (bytearray(16), "doubles")):
        with pytest.raises(ValueError, match=said):
            ReasonFinder(FOREST, numbers)
    with pytest.raises(BufferError):
        ReasonFinder(FOREST, memoryview(bytes(16)).cast("d"))
    with pytest.raises(TypeError):
        ReasonFinder(None, doubles(2))  # type: ignore[arg-type]  # that is what is tested


def test_rows_that_do_not_fit_are_refused_before_anything_is_counted() -> None:
    """As the forest refuses them."""
    numbers = doubles(2 * FEATURES)
    counter = ReasonFinder(FOREST, numbers)
    for made, limit, first, last in ((Rows([[1.0]]), 5, 0, -1), (Rows([[1.0] * 3]), -1, 0, -1), (Rows([]), 5, 1, 2)):
        with pytest.raises(ValueError, match=r"features|limit|no such rows"):
            counter.reasons(made, limit, first, last)
    assert not any(numbers)


def test_the_forest_lives_as_long_as_its_counter() -> None:
    """Whoever counts need not keep it."""
    counter = ReasonFinder(Forest(FEATURES, 0.0, [stump(1)]), doubles(2 * FEATURES))
    assert counter.reasons(Rows([[None, 1.0, None]]), 5) == [[(1, 1.375)]]
