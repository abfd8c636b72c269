"""Answers that go out one a line lose nothing, whatever stands in a lead's id or in a message."""

import csv
import io
import json
from collections.abc import Sequence

import pytest
from asking import asking
from factories import SMALL
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET
from timed import TIMED

from leadscoring.api.answer_lines import COLUMNS, InCsv, InLines, Place, wants_csv
from leadscoring.lead import Model, Reason, Score, Scored, Warned
from leadscoring.transport.failures import Refusal, Refused

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
SCORES = st.builds(Score, NUMBERS, st.integers(1, 5), st.sampled_from("ABCDE"), st.none() | NUMBERS)
ASPECTS = st.just(UNSET) | TEXT
REASONS = st.lists(st.builds(Reason, TEXT, NUMBERS, NUMBERS, st.just("increases"), ASPECTS), max_size=2)
SCORED = st.builds(
    Scored, st.just("r1"), st.just(Model("m", "1")), TEXT, SCORES, st.none() | REASONS,
    st.lists(st.builds(Warned, st.just("code"), st.none() | TEXT, TEXT), max_size=2), st.just(UNSET) | TEXT,
)  # fmt: skip
PLACES = st.lists(SCORED | st.builds(Refused, st.none() | TEXT, st.builds(Refusal, TEXT, TEXT)), max_size=5)


@given(PLACES)
def test_a_line_of_json_is_the_object_of_the_array(places: Sequence[Place]) -> None:
    """And so many lines, whatever texts are in them."""
    lines = InLines(b"application/x-ndjson").encode(places).split(b"\n")
    assert lines.pop() == b""
    assert [json.loads(line)["lead_id"] for line in lines] == [place.lead_id for place in places]


@given(PLACES)
def test_a_row_of_a_table_has_every_column_and_gives_texts_and_numbers_back(places: Sequence[Place]) -> None:
    """Digit by digit; the columns of what a lead has not are empty."""
    form = InCsv(2, SMALL)
    head, *rows = csv.reader(io.StringIO((form.head + form.encode(places)).decode(), newline=""))
    assert head == [*COLUMNS, "reason_1", "contribution_1", "reason_2", "contribution_2"]
    assert len(rows) == len(places)
    for row, place in zip(rows, places, strict=True):
        assert len(row) == len(head)
        found = dict(zip(head, row, strict=True))
        assert found["lead_id"] == (place.lead_id or "")
        if isinstance(place, Refused):
            assert (found["error_code"], found["error"]) == (place.error.code, place.error.detail)
            assert found["raw_score"] == found["reason_1"] == ""
        else:
            assert float(found["raw_score"]) == place.score.raw_score
            assert found["error_code"] == ""
            for number, reason in enumerate(place.reasons or [], 1):
                assert found[f"reason_{number}"] == reason.feature
                assert float(found[f"contribution_{number}"]) == reason.contribution


@given(PLACES)
def test_by_a_contract_with_dates_and_aspects_a_table_has_them(places: Sequence[Place]) -> None:
    """The moment before the reasons, and the aspect of each; a reason without one has an empty cell."""
    form = InCsv(2, TIMED)
    head, *rows = csv.reader(io.StringIO((form.head + form.encode(places)).decode(), newline=""))
    reasons = ["reason_1", "contribution_1", "aspect_1", "reason_2", "contribution_2", "aspect_2"]
    assert head == [*COLUMNS, "as_of", *reasons]
    for row, place in zip(rows, places, strict=True):
        found = dict(zip(head, row, strict=True))
        given = [] if isinstance(place, Refused) else place.reasons or []
        assert [found[f"aspect_{number}"] for number in (1, 2)] == [*[reason.aspect or "" for reason in given], "", ""][
            :2
        ]
        assert found["as_of"] == ("" if isinstance(place, Refused) else place.as_of or "")


@pytest.mark.parametrize(
    ("asked_in", "given_in"),
    [(b"application/jsonl", b"application/jsonl"), (b"text/csv", b"application/x-ndjson")],
)
def test_lines_are_named_as_they_were_asked_for(asked_in: bytes, given_in: bytes) -> None:
    """By the usual name where leads came as a table."""
    assert InLines(asked_in).media_type == given_in


@pytest.mark.parametrize(
    ("accept", "wanted"),
    [
        (None, False),
        (b"*/*", False),
        (b"text/*", False),
        (b"text/csv", True),
        (b"application/json, Text/CSV ; q=0.5", True),
        (b"text/csv;q=0", False),
        (b"text/csvx", False),
    ],
)
def test_a_table_is_for_who_names_it(accept: bytes | None, wanted: bool) -> None:
    """Who accepts anything gets JSON."""
    assert wants_csv(asking(b"", *([] if accept is None else [(b"accept", accept)]))) is wanted
