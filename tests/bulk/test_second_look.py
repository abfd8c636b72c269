"""Doubtful leads are written as a client would send them."""

import json
from typing import Any

import polars as pl

from leadscoring.bulk.cells import Reader
from leadscoring.bulk.second_look import Table, cleared, lead_json
from leadscoring.contract.features import Contract, Feature
from leadscoring.errors import Fault
from leadscoring.model.reading import Reading

CONTRACT = Contract(
    (
        Feature("amount", "number"),
        Feature("open", "flag"),
        Feature("source", "category", values=("web",)),
        Feature("due", "date"),
        Feature("tags", "set"),
        Feature("left out", "number"),
    )
)


def written(**columns: Any) -> str:
    """The only row of a table as JSON."""
    frame = pl.DataFrame({name: [value] for name, value in columns.items()}, strict=False)
    return lead_json(CONTRACT, Table(Reader(CONTRACT.features, Reading()).read(frame)), 0)


def test_values_are_written_as_they_are_in_the_table() -> None:
    """A number with all its digits, what is not of its kind as it is, and unknown values as null."""
    assert '"amount":12345678901234567890.10' in written(amount="12345678901234567890.10")
    lead = json.loads(written(amount="ten", open="TRUE", source="Web \u00fc", due="31 Jan 2026", tags="a; b"))
    assert lead == {
        "lead_id": "lead",
        "features": {
            "amount": "ten",
            "open": 1.0,
            "source": "Web \u00fc",
            "due": "2026-01-31T00:00:00Z",
            "tags": "a; b",
        },
    }
    assert json.loads(written(amount=float("nan"), source="unknown", due="soon")) == {
        "lead_id": "lead",
        "features": {"amount": None, "source": None, "due": "soon"},
    }


def test_ids_and_moments_are_those_of_the_table() -> None:
    """They are beside the features, and an id of a wrong type is written, too."""
    frame = pl.DataFrame({"amount": [1, 2]})
    table = Table(Reader(CONTRACT.features, Reading()).read(frame), pl.Series(["x", None]))
    assert json.loads(lead_json(CONTRACT, table, 0)) == {"lead_id": "x", "features": {"amount": 1}}
    assert json.loads(lead_json(CONTRACT, table, 1))["lead_id"] is None


def test_a_date_in_which_day_and_month_may_be_exchanged_says_so() -> None:
    """With both dates that it may be; any other text has the words of the API alone."""
    allowed = "a date, such as 2026-01-31 or 2026-01-31T10:00:00Z"
    for value, more in (
        ("02.01.2024 14:03", ": which is the month is not clear; write 2024-01-02 or 2024-02-01"),
        (" 3/4/26", ": which is the month is not clear; write 2026-04-03 or 2026-03-04"),
        ("01/01/2026", ""),
        ("31/02/2026", ""),
        ("02.01.20245", ""),
        ("soon", ""),
    ):
        assert cleared(Fault("/as_of", "no date", value, allowed)).message == f"no date{more}"
        assert cleared(Fault("/features/source", "no", value, "a text")).message == "no"
