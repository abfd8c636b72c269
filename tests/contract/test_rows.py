"""Encoded rows are read as stock XGBoost takes them, and what does not fit the columns is refused."""

import json
import math
from collections.abc import Callable

import pytest
from factories import SMALL
from hypothesis import given
from hypothesis import strategies as st
from stretched import Decoded

from leadscoring._engine import Rows
from leadscoring.contract.features import Contract, Feature
from leadscoring.contract.rows import ANY, STRETCH, RowReader, decoded, pairs
from leadscoring.errors import BatchTooLarge, InvalidRows, RequestError
from leadscoring.stretches import Stretches, at_once

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


def outcome(reading: Stretches[Rows]) -> object:
    """The rows of a reading, or how it refuses."""
    try:
        return held(at_once(reading))
    except RequestError as refusal:
        return type(refusal), str(refusal)


SPOILT = st.sampled_from(
    ["", "x", "]", "[", "}", '"', ",", "[],", "[1],", '"a",', "1e39,", ":", "[[1]],", "\x00", "NaN,"]
)


@given(
    rows=st.lists(ROW, max_size=12),
    spoilt=SPOILT,
    at=st.integers(0, 400),
    stretch=st.integers(1, 200),
    indent=st.sampled_from([None, 0, 3]),
)
def test_rows_of_json_are_the_same_in_any_stretches(
    rows: list[list[float | None]], spoilt: str, at: int, stretch: int, indent: int | None
) -> None:
    """So are their errors and places; only the error for a body that is not an array is shorter."""
    text = json.dumps(rows, indent=indent)
    body = (text[:at] + spoilt + text[at:]).encode()
    at_one_stretch = outcome(READER.json_reading(body, 10, 1 << 30))
    in_many = outcome(READER.json_reading(body, 10, stretch))
    if in_many[0] is InvalidRows and "not one JSON array" in in_many[1]:  # type: ignore[index]  # a refusal
        assert at_one_stretch[0] is InvalidRows  # type: ignore[index]  # as above
    elif not spoilt:
        assert in_many == at_one_stretch
    else:  # with two faults, the one that is found first
        assert (in_many == at_one_stretch) or (isinstance(in_many, tuple) and isinstance(at_one_stretch, tuple))


@given(
    rows=st.lists(st.lists(st.sampled_from(["1", "0", "", "nan", "x", "-2.5e3", "1e39"]), min_size=6, max_size=8)),
    stretch=st.integers(1, 200),
    end=st.sampled_from(["", "\n", "\r\n \n"]),
)
def test_rows_of_csv_are_the_same_in_any_stretches(rows: list[list[str]], stretch: int, end: str) -> None:
    """And so is that something is wrong with them."""
    body = ("\n".join(",".join(row) for row in rows) + end).encode()
    found, expected = outcome(READER.csv_reading(body, 10, stretch)), outcome(READER.csv_reading(body, 10, 1 << 30))
    assert found == expected or (isinstance(found, tuple) and isinstance(expected, tuple))


@pytest.mark.parametrize(
    "row", [b"[1,1,1,1,1,1,1]", b"[0.12345678901234567,1,1,1,1,1,1]", b"[[[1]]]", b'{"a":[1]}', b"1"]
)
@pytest.mark.parametrize("count", [10, 100_000])
def test_a_matrix_is_decoded_a_stretch_at_a_time(row: bytes, count: int) -> None:
    """Whatever is in it, and however many rows there are."""
    body = b"[" + b", ".join([row] * count) + b"]"
    with Decoded() as decoded_bytes:
        outcome(READER.json_reading(body, ANY))
    assert 0 < decoded_bytes.most <= STRETCH + 2 + len(row)


@pytest.mark.parametrize(
    ("read", "body"),
    [
        (READER.json_reading, b"[[" + b"1," * 2_000_000 + b"1]]"),
        (READER.json_reading, b"[[" + b"1" * 4_000_000 + b",1,1,1,1,1,1]]"),
        (READER.csv_reading, b"1" * 4_000_000 + b",1,1,1,1,1,1"),
    ],
)
def test_a_row_that_is_very_long_is_refused_unread(read: Callable[[bytes, int], Stretches[Rows]], body: bytes) -> None:
    """It has far more values than columns, or values with far more digits than a number has."""
    with Decoded() as decoded_bytes, pytest.raises(InvalidRows, match="row 1 has more than 65536 bytes"):
        at_once(read(body, ANY))
    assert decoded_bytes.most == 0


@pytest.mark.parametrize("stretch", [1, 1 << 30])
def test_more_rows_than_a_batch_may_hold_are_refused(stretch: int) -> None:
    """However they are read."""
    row = "1,1,1,1,1,1,1"
    with pytest.raises(BatchTooLarge):
        at_once(READER.json_reading(f"[{','.join([f'[{row}]'] * 11)}]".encode(), 10, stretch))
    with pytest.raises(BatchTooLarge):
        at_once(READER.csv_reading("\n".join([row] * 11).encode(), 10, stretch))
    assert len(at_once(READER.csv_reading(("\n".join([row] * 10) + "\n\n\n").encode(), 10, stretch))) == 10


@given(st.dictionaries(st.text(max_size=5), st.recursive(st.none() | st.text(max_size=3) | st.integers(), st.lists)))
def test_the_values_of_an_object_are_found_by_their_keys(sent: dict[str, object]) -> None:
    """However the keys are written; of what is no object, nothing."""
    for text in (json.dumps(sent), json.dumps(sent, ensure_ascii=False, indent=1)):
        body = text.encode("utf-8", "surrogatepass")
        found = at_once(pairs(body, 1000))
        if found is not None:
            assert {key: json.loads(body[begin:end]) for key, (begin, end) in found.items()} == sent
        else:
            assert any("\ud800" <= character <= "\udfff" for key in sent for character in key)
    for text in ("[]", "{", "{1:2}", '{"a" 1}', "", '{"a":1}}', "x"):
        assert at_once(pairs(text.encode(), 1000)) is None
