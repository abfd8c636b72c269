"""Doubtful leads are written as a client would send them."""

import json
from typing import Any

import polars as pl

from leadscoring.bulk.cells import Reader
from leadscoring.bulk.second_look import Table, lead_json
from leadscoring.contract.features import Contract, Feature
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
