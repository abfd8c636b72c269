"""What a card keeps of how its leads were read."""

import polars as pl

from leadscoring.training.infer import infer
from leadscoring.training.options import TrainOptions
from leadscoring.training.prepared import by_names, read_leads
from leadscoring.training.read_as import reading_of
from leadscoring.training.reading.table import Table


def test_the_moment_of_leads_is_kept_with_the_order_of_its_day_and_month() -> None:
    """A later file may not show which number is the day, so the column of --time is kept with what it showed."""
    rows = range(100)
    frame = pl.DataFrame(
        {
            "Lead ID": [f"L{row}" for row in rows],
            "created": [f"{1 + row % 28}/{1 + row % 12}/2025" for row in rows],
            "amount": [f"{row % 9}.{100 + row},5" for row in rows],
            "won": [("yes", "no", "maybe")[row % 3] for row in rows],
        }
    )
    options = TrainOptions(target="won", positive="yes,maybe", time="created", missing=("keine",), id="Lead ID")
    table = Table(frame)
    leads, asked, tokens = read_leads(table, by_names(options, table))
    inferred = infer(leads.frame, leads.y, leads.named, asked, tokens, leads.as_of)
    reading = reading_of(options, leads, inferred)
    assert reading.dated.as_of == "created"
    assert reading.dates == {"created": "day-first"}
    assert reading.positive == ("yes", "maybe")
    assert reading.id == "Lead ID"
    assert reading.missing == ("keine",)
    assert reading.numbers["amount"].decimal == ","
