"""Encoded rows are read as stock XGBoost takes them, and what does not fit the columns is refused."""

import math

import pytest
from factories import SMALL
from hypothesis import given
from hypothesis import strategies as st

from leadscoring._engine import Rows
from leadscoring.contract.features import Contract, Feature
from leadscoring.contract.rows import RowReader, decoded
from leadscoring.errors import InvalidRows

READER = RowReader(SMALL)


def cell(low: float = -1e30, high: float = 1e30) -> st.SearchStrategy[float | None]:
    """A number that a column may hold, or nothing."""
    return st.none() | st.floats(low, high)


ROW = st.tuples(
    cell(),
    cell(),
    cell(),
    st.sampled_from([None, 0.0, 1.0]),
    st.sampled_from([None, 0.0, 1.0, 2.0, 3.0]),
    st.sampled_from([None, 0.0, 1.0]),
    cell(),
).map(list)


def held(rows: Rows) -> list[list[float | None]]:
    """What rows hold."""
    return [rows.row(place) for place in range(len(rows))]


@given(
    rows=st.lists(ROW, min_size=1, max_size=5),
    end=st.sampled_from(["", "\n", "\r\n"]),
    missing=st.sampled_from(["", "nan", " NaN"]),
)
def test_csv_holds_the_same_rows_as_a_matrix(rows: list[list[float | None]], end: str, missing: str) -> None:
    """Whatever ends a line, and however missing is written."""
    text = (end or "\n").join(
        ",".join(missing if value is None else repr(value) for value in row) for row in rows
    ) + end
    assert held(READER.csv(text.encode())) == held(READER.matrix(rows))


@pytest.mark.parametrize("end", ["\n", "\n\n", "\r\n\r\n", "\n \t\r\n  ", "\n" * 50])
@pytest.mark.parametrize("columns", [1, 2])
def test_blank_lines_at_the_end_are_no_rows(end: str, columns: int) -> None:
    """However they end; before another row an empty line is a missing value where there is one column only."""
    reader = RowReader(Contract(tuple(Feature(f"f{place}", "number") for place in range(columns))))
    rows: list[list[float | None]] = [[1.5] * columns, [None] * columns, [2.5] * columns]
    text = "\n".join(",".join("" if value is None else str(value) for value in row) for row in rows)
    assert held(reader.csv((text + end).encode())) == held(reader.matrix(rows))
    with pytest.raises(InvalidRows, match="there are no rows"):
        reader.csv(end.encode())


@given(rows=st.lists(ROW, min_size=1, max_size=3), order=st.permutations(range(len(SMALL))))
def test_named_columns_are_put_in_order(rows: list[list[float | None]], order: list[int]) -> None:
    """By their names."""
    columns = [SMALL.names[place] for place in order]
    assert held(READER.frame(columns, [[row[place] for place in order] for row in rows])) == held(READER.matrix(rows))


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        (b"", "there are no rows"),
        (b"1,2\n", "row 1 has 2 values; the model takes 7 columns"),
        (b"1" + b",x" * 2_000_000, "row 1 has 2000001 values; the model takes 7 columns"),
        (b"1,1,1,1,1,1,1\n\n1,1,1,1,1,1,1", "row 2 has 1 values"),
        (
            b"revenue,1,1,1,1,1,1",
            "row 1, column 'revenue': a cell must be a number or empty; send rows without a header",
        ),
        (b"1,1,1,1,1,1,1,text", "row 1 has 8 values"),
        (b"1_000,1,1,1,1,1,1", "underscore"),
        (b"1;1;1;1;1;1;1", "column 'revenue'"),
        (b"inf,1,1,1,1,1,1", "row 1, column 'revenue' must be a number within float32"),
        (b"1,1,1,1,1,1,-1e39", "row 1, column 'open_rate' must be a number within float32"),
        (b"1,1,1,1,1.5,1,1", "column 'source' must be a code from 0 to 3"),
        (b"1,1,1,1,inf,1,1", "column 'source' must be a code from 0 to 3"),
        (b"1,1,1,2,1,1,1", "column 'decision_maker' must be a code from 0 to 1"),
        (b"1,1,1,1,1,2,1", "column 'region / city (ü)' must be a code from 0 to 1"),
    ],
)
def test_csv_that_does_not_fit_says_where_and_what_is_allowed(sent: bytes, said: str) -> None:
    """Rows count from 1, columns have their names."""
    with pytest.raises(InvalidRows) as refusal:
        READER.csv(sent)
    assert said in str(refusal.value)


@pytest.mark.parametrize(
    "columns", [SMALL.names[1:], [*SMALL.names, "x"], [*SMALL.names[1:], "x"], [*SMALL.names[:6], SMALL.names[0]], []]
)
def test_columns_must_be_the_contracts_each_once(columns: list[str]) -> None:
    """None left out, none beside them, none twice."""
    with pytest.raises(InvalidRows, match="columns must name each of the model's 7 once"):
        READER.frame(columns, [[1.0] * len(columns)])


@given(body=st.binary())
def test_any_bytes_are_rows_or_refused(body: bytes) -> None:
    """With one kind of error."""
    for read in (READER.csv, READER.json):
        try:
            assert len(read(body)) > 0
        except InvalidRows:
            continue


def test_a_row_turns_back_into_the_values_of_a_lead() -> None:
    """A code that is no known text, and a missing one, have no value."""
    back = decoded(SMALL)
    assert back([1.0, None, 0.5, 1.0, 1.0, 0.0, None]) == (1.0, None, 0.5, 1.0, "event", "north", None)
    assert back([1.0, None, math.pi, 1.0, 3.0, None, None])[4:] == (None, None, None)
