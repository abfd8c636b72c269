"""Leads that come one a line become the JSON of one lead each, or say why not and where."""

import csv
import io
import json
from typing import Any

import pytest
from factories import SMALL
from fuzzing import examples
from hypothesis import given, settings
from hypothesis import strategies as st
from timed import TIMED

from leadscoring.contract.features import Contract, Feature
from leadscoring.contract.lead_lines import LONGEST_LINE, MOST_LINES, PAUSE, LeadTable, Line, json_lines
from leadscoring.errors import MalformedJson, ValidationError

HEADER = "lead_id,revenue,visits,growth,decision_maker,source,region / city (ü),open_rate\n"


def read(body: bytes, kind: str = "csv") -> list[Line]:
    """What stands in the lines of a body, without the places to pause at."""
    found = LeadTable(body, SMALL) if kind == "csv" else json_lines(body)
    return [line for line in found if line is not None]


def table(text: str, header: str = HEADER) -> list[Any]:
    """The leads of a CSV, or the errors in their place."""
    return [line.fault or json.loads(line.lead) for line in read((header + text).encode())]


def test_a_cell_means_what_its_text_means_in_json() -> None:
    """By the kind of its feature; an empty one is left out."""
    (lead,) = table('a,1e6,3.0,-0.35,TRUE,"we""b, ü",south,\n')
    assert lead == {
        "lead_id": "a",
        "features": {
            "revenue": 1e6, "visits": 3.0, "growth": -0.35, "decision_maker": True,
            "source": 'we"b, ü', "region / city (ü)": "south",
        },
    }  # fmt: skip


def test_categories_by_number_and_by_code_are_numbers() -> None:
    """As the JSON of such a lead has them."""
    contract = Contract(
        (Feature("zone", "category", values=("1", "2.5"), numbers=True), Feature("source", "category", codes=3))
    )
    (line,) = [line for line in LeadTable(b"lead_id,zone,source\na,2.5,7\n", contract) if line is not None]
    assert json.loads(line.lead)["features"] == {"zone": 2.5, "source": 7}


@pytest.mark.parametrize(
    "cell", ["1000000000000000000000001", "0.1000000000000000055511151231257827", "-0", "1E+5", "0"]
)
def test_a_number_is_passed_on_digit_by_digit(cell: str) -> None:
    """So that it means the same as in JSON, to the last bit."""
    (line,) = read(f"{HEADER}a,{cell},,,1,,north,\n".encode())
    assert f'"revenue":{cell},' in line.lead.decode()


@pytest.mark.parametrize(
    "cell", ["1,5", "1.000.000", "+5", ".5", "5.", "05", "nan", "inf", "0x10", "1_000", "$5", "five", "٣", "true"]
)
def test_what_json_would_not_take_for_a_number_is_text(cell: str) -> None:
    """Which the decoder refuses in its own words: nothing is guessed."""
    (lead,) = table(f'a,"{cell}",,,1,,north,\n')
    assert lead["features"]["revenue"] == cell


@pytest.mark.parametrize(
    ("cell", "value"), [("1", 1), ("0", 0), ("true", True), ("False", False), (" TRUE ", True), ("yes", "yes")]
)
def test_a_flag_is_read_as_spreadsheets_write_it(cell: str, value: object) -> None:
    """And nothing else is."""
    (lead,) = table(f"a,1,,,{cell},,north,\n")
    assert lead["features"]["decision_maker"] is value or lead["features"]["decision_maker"] == value


def test_columns_may_come_in_any_order_and_a_mark_of_order_may_stand_before_them() -> None:
    """As Excel writes it; optional columns may be missing, spaces around their names do not count."""
    text = "\ufeffregion / city (ü), decision_maker ,lead_id,revenue\r\nnorth,1,a,5\r\n\r\nsouth,0,b,6"
    assert table("", text) == [
        {"lead_id": "a", "features": {"region / city (ü)": "north", "decision_maker": 1, "revenue": 5}},
        {"lead_id": "b", "features": {"region / city (ü)": "south", "decision_maker": 0, "revenue": 6}},
    ]


@pytest.mark.parametrize(
    ("header", "said"),
    [
        (
            "lead_id,revenu,decision_maker,region / city (ü)",
            "the column 'revenu' is not known; did you mean 'revenue'?",
        ),
        (
            "leadid,revenue,decision_maker,region / city (ü)",
            "the column 'leadid' is not known; did you mean 'lead_id'?",
        ),
        (
            "lead_id,lead_id,revenue,decision_maker,region / city (ü)",
            "the header names the column 'lead_id' more than once",
        ),
        ("revenue,decision_maker,region / city (ü)", "the header must name the column lead_id"),
        (
            "lead_id,decision_maker,region / city (ü)",
            "revenue is required and must be a number of 0 or more, but is left out",
        ),
        ("lead_id;revenue;visits", "the columns must be separated by commas, not semicolons"),
        ("lead_id\trevenue", "the columns must be separated by commas, not tabs"),
        ('"lead_id', "line 1 is not CSV: unexpected end of data"),
        ("", "the first line is empty; it must name lead_id and features"),
        ("x" * LONGEST_LINE * 2, f"it has more than {LONGEST_LINE} characters"),
    ],
)
def test_a_header_is_refused_once_with_a_guess(header: str, said: str) -> None:
    """Before any lead is looked at."""
    with pytest.raises(ValidationError) as refusal:
        LeadTable(f"{header}\na,1\n".encode(), SMALL)
    assert said in "; ".join(fault.message for fault in refusal.value.faults)


def test_a_header_of_countless_columns_is_refused_without_guessing_at_each() -> None:
    """A hundred faults say enough."""
    with pytest.raises(ValidationError) as refusal:
        LeadTable((",".join(f"c{place}" for place in range(30_000)) + "\n").encode(), SMALL)
    assert len(refusal.value.faults) == 100
    assert refusal.value.more == 30_000 - 100 + 4  # those of lead_id and of what is required are counted too


@pytest.mark.parametrize("sent", [b"", b"\n", b"\xef\xbb\xbf", b"\na,1\n"])
def test_a_table_without_a_header_says_that_and_nothing_else(sent: bytes) -> None:
    """Not every feature that it lacks."""
    with pytest.raises(ValidationError, match=r"^the first line is empty; it must name lead_id and features"):
        LeadTable(sent, SMALL)


def test_a_line_that_is_no_row_is_refused_at_its_place() -> None:
    """With its number, which counts what stands in quotes; those after it are read on."""
    found = table(
        f'a,1,,,1,,"no\nrth",\nb,1\n\nc,1,,,1,,north,,\nd,1,,,1,"x"y,north,\n{"e" * LONGEST_LINE}e,1\nf,1,,,1,,north,\ng\n'
    )
    said = [str(one) if isinstance(one, ValidationError) else one["lead_id"] for one in found]
    assert said == [
        "a",
        "line 4 has 2 cells, but the header 8 columns",
        "line 6 has 9 cells, but the header 8 columns",
        "line 7 is not CSV: ',' expected after '\"'",
        f"line 8 is not CSV: it has more than {LONGEST_LINE} characters",
        "f",
        "line 10 has 1 cell, but the header 8 columns",
    ]


def test_a_fault_says_in_which_line_and_column_it_is() -> None:
    """Names with slashes too."""
    (line,) = read(f"{HEADER}a,1,,,1,,north,\n".encode())
    refusal = ValidationError([*SMALL_FAULTS])
    assert [fault.message for fault in line.located(refusal).faults] == [  # type: ignore[attr-defined]  # it is one
        "line 2, column 2: no", "line 2, column 7: no", "line 2: no",
    ]  # fmt: skip


def test_faults_that_are_not_listed_are_counted_on_a_line_too() -> None:
    """As they are of a lead alone."""
    located = Line(3, b"").located(ValidationError([*SMALL_FAULTS], "a", 150))
    assert isinstance(located, ValidationError)
    assert (len(located.faults), located.more, located.lead_id) == (3, 147, "a")


def faults() -> Any:
    """Faults of a feature, of one whose name needs care, and of none."""
    from leadscoring.errors import Fault

    return [Fault(path, "no", None, "") for path in ("/features/revenue", "/features/region ~1 city (ü)", "")]


SMALL_FAULTS = faults()


def test_json_lines_are_numbered_and_empty_ones_passed_over() -> None:
    """Whatever ends them."""
    body = b'{"a":1}\r\n\n  \n[2]\n' + b"x" * (LONGEST_LINE + 1) + b"\n3"
    found = [(line.number, line.lead, line.fault) for line in read(body, "jsonl")]
    assert [(number, lead) for number, lead, fault in found if fault is None] == [
        (1, b'{"a":1}'),
        (4, b"[2]"),
        (6, b"3"),
    ]
    assert [(number, type(fault)) for number, _, fault in found if fault] == [(5, MalformedJson)]


@settings(max_examples=examples(300), deadline=None)
@given(st.binary(max_size=300) | st.text(',"\n\rab1\t;ü\0', max_size=120).map(str.encode))
def test_no_table_breaks_the_reader(text: bytes) -> None:
    """Every row is the JSON of something, or has a fault."""
    for line in read(HEADER.encode() + text):
        assert line.fault is not None or isinstance(json.loads(line.lead), dict)


@settings(max_examples=examples(200), deadline=None)
@given(st.lists(st.lists(st.text(max_size=8), min_size=2, max_size=2), max_size=5))
def test_text_is_what_it_was_when_a_table_is_written_and_read(rows: list[list[str]]) -> None:
    """Quotes, commas, ends of lines and all; as Python's own writer has it."""
    text = io.StringIO()
    csv.writer(text).writerows([["lead_id", "source", "revenue", "decision_maker", "region / city (ü)"]])
    for lead_id, source in rows:
        csv.writer(text).writerow([lead_id, source, "1", "0", "north"])
    try:
        body = text.getvalue().encode()
    except UnicodeEncodeError:
        return
    found = [json.loads(line.lead) for line in read(body)]
    assert [(one.get("lead_id", ""), one["features"].get("source", "")) for one in found] == [
        tuple(row) for row in rows
    ]


@pytest.mark.parametrize(("kind", "begin"), [("csv", HEADER.encode()), ("jsonl", b"")])
@pytest.mark.parametrize("empty", [b"\n", b"\r\n"])
def test_empty_lines_are_no_reason_to_stop_for_long(kind: str, begin: bytes, empty: bytes) -> None:
    """Five million of them fit into a body, and into five thousand bytes of gzip: there are places to pause at."""
    body = begin + empty * 10 * PAUSE
    assert list(LeadTable(body, SMALL) if kind == "csv" else json_lines(body)) == [None] * 10


@pytest.mark.parametrize(
    "long", ["\n" * 5 * MOST_LINES, ("x" * 1000 + "\n") * 300, (("x" * 999 + "\n") * 100 + chr(34) + "," + chr(34)) * 4]
)
def test_a_row_ends_somewhere(long: str) -> None:
    """However many lines stand within quotation marks: one row is read at one stretch."""
    first, *_ = read(f'{HEADER}a,1,,,1,"{long}",north,\n'.encode())
    assert isinstance(first.fault, ValidationError)
    assert "more than" in str(first.fault) or "larger than" in str(first.fault)
    assert first.number == 2


def timed_table(text: str, contract: Contract = TIMED) -> list[Any]:
    """The leads of a CSV by a contract with dates."""
    return [line.fault or json.loads(line.lead) for line in LeadTable(text.encode(), contract) if line is not None]


def test_a_column_may_have_the_moment_of_each_lead() -> None:
    """Where its cell is blank, the lead has none of its own; dates, texts and sets are texts, dates without spaces."""
    rows = "a, 2026-01-02 , 2026-01-31 ,5,a;b\nb, ,2026-02-01,,\n"
    first, second = timed_table(f"lead_id,as_of,created,title,interests\n{rows}")
    features = {"created": "2026-01-31", "title": "5", "interests": "a;b"}
    assert first == {"lead_id": "a", "as_of": "2026-01-02", "features": features}
    assert second == {"lead_id": "b", "features": {"created": "2026-02-01"}}


def test_a_feature_of_the_same_name_keeps_its_column() -> None:
    """It is what the contract says."""
    contract = Contract((Feature("as_of", "number"),))
    assert timed_table("lead_id,as_of\na,5\n", contract) == [{"lead_id": "a", "features": {"as_of": 5}}]


def test_a_moment_twice_is_refused() -> None:
    """As every column."""
    with pytest.raises(ValidationError, match="'as_of' more than once"):
        timed_table("lead_id,as_of,created,as_of\n")
