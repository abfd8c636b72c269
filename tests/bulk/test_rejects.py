"""The file of rejects is one that any program reads back, and no spreadsheet runs."""

import csv
import io
import json

from hypothesis import given
from hypothesis import strategies as st

from leadscoring.bulk.rejects import HEADER, Reject, header, lines_of
from leadscoring.errors import Fault

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)


@given(st.lists(st.tuples(TEXTS, st.integers(1, 10**9), st.none() | TEXTS.filter(bool)), min_size=1, max_size=5))
def test_rejects_are_read_back(rows: list[tuple[str, int, str | None]]) -> None:
    """Content, id and faults come back, without the apostrophe that keeps spreadsheets from running them."""
    faults = (Fault("/features/a", "a must be a number, not 'x'", "x", "a number"), Fault("", "and more"))
    made = [Reject("leads.csv", line, lead_id, content, faults) for content, line, lead_id in rows]
    text = (header() + lines_of(made)).decode()
    found = list(csv.DictReader(io.StringIO(text, newline="")))
    assert tuple(found[0]) == HEADER
    for one, reject in zip(found, made, strict=True):
        assert int(one["line"]) == reject.line
        assert plain(one["content"]) == reject.content
        assert (plain(one["id"]) or None) == reject.lead_id
        assert [fault["message"] for fault in json.loads(one["faults"])] == [fault.message for fault in faults]
        assert one["message"] == "a must be a number, not 'x'; and more"
        assert one["content"][:1] not in {"=", "@", "\t", "\r"}


def plain(cell: str) -> str:
    """A cell without the apostrophe in front."""
    return cell.removeprefix("'")
