"""The counter of bins counts every value once, and touches no number that is not its own."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadscoring._engine import BinCounter, Rows

WIDTH = 12
floats = st.floats(-100, 100, width=32)
edges = st.lists(floats, max_size=9, unique=True).map(sorted)
rows = st.lists(st.tuples(*[st.one_of(st.none(), floats)] * 3), max_size=30)


@given(rows, edges, st.lists(st.integers(0, 9), max_size=12), edges, st.data())
def test_each_row_is_counted_once_in_each_column(
    given_rows: list[tuple[float | None, ...]],
    number: list[float],
    codes: list[int],
    margins: list[float],
    data: st.DataObject,
) -> None:
    """A number by its edges, a category by its code, the second column not at all; other numbers stay as they are."""
    scores = data.draw(st.lists(floats, min_size=len(given_rows), max_size=len(given_rows)))
    numbers = memoryview(bytearray((2 * WIDTH + 12) * 8)).cast("d")
    columns = [(1, number, None), None, (1 + WIDTH, None, codes)]
    BinCounter(numbers, columns, margins, 1 + 2 * WIDTH).count(Rows(given_rows), scores)
    expected = [0.0] * len(numbers)
    for (first, _, last), score in zip(given_rows, scores, strict=True):
        expected[1 + (10 if first is None else sum(edge < first for edge in number))] += 1
        code = -1 if last is None else math.floor(last) if last >= 0 else len(codes)
        expected[1 + WIDTH + (10 if code < 0 else codes[code] if code < len(codes) else 11)] += 1
        expected[1 + 2 * WIDTH + sum(edge < score for edge in margins)] += 1
    assert numbers.tolist() == expected


def test_a_counter_never_writes_outside_of_its_numbers() -> None:
    """Whatever it is told; and rows that do not fit are refused before anything is counted."""
    numbers = memoryview(bytearray(80 * 8)).cast("d")
    for columns, margins, score in (
        ([(69, (1.0,), None)], [], 0),
        ([(2**63, (1.0,), None)], [], 0),
        ([(0, (2.0, 1.0), None)], [], 0),
        ([(0, tuple(map(float, range(10))), None)], [], 0),
        ([(0, None, (12,))], [], 0),
        ([], [1.0, 1.0], 0),
        ([], [math.nan, 1.0], 0),
        ([], [], 71),
    ):
        with pytest.raises((ValueError, TypeError, RuntimeError, OverflowError)):
            BinCounter(numbers, columns, margins, score)
    with pytest.raises(ValueError, match="doubles"):
        BinCounter(bytearray(640), [], [], 0)
    counter = BinCounter(numbers, [(10, (1.0,), None)], [], 0)
    for told in ([], [1.0, 2.0]):
        with pytest.raises(ValueError, match="one margin for each row"):
            counter.count(Rows([[1.0]]), told)
    with pytest.raises(ValueError, match="another number of features"):
        counter.count(Rows([[1.0, 2.0]]), [1.0])
    assert not any(numbers)
