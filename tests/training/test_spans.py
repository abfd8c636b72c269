"""A number that counts the days to a later date was not known when its lead was scored."""

import msgspec
import numpy as np
import polars as pl
from leaky import leads_of

from leadscoring.training.leads import Leads
from leadscoring.training.spans import DAY, spans

ROWS = 400
RANDOM = np.random.default_rng(3)
CREATED = 1.7e15 + np.arange(ROWS) * DAY / 5
DAYS = RANDOM.exponential(40, ROWS)


def of(name: str, days: np.ndarray) -> Leads:
    """Leads with a column of dates so many days after their moment."""
    dates = pl.Series(name, CREATED + days * DAY).cast(pl.Int64).cast(pl.Datetime("us")).dt.strftime("%Y-%m-%d")
    leads = leads_of(pl.DataFrame([dates]), (RANDOM.random(ROWS) < 0.4).astype(float))
    return msgspec.structs.replace(leads, as_of=CREATED)


def test_the_days_to_a_later_date_are_named() -> None:
    """As Salesforce's Age of a closed deal; whatever the name, and not another number."""
    frame = pl.DataFrame({"Age": np.floor(DAYS), "visits": RANDOM.integers(0, 80, ROWS), "source": ["a"] * ROWS})
    assert spans(frame, of("Close Date", DAYS)) == {
        "Age": "it is the number of days until 'Close Date', which came later"
    }


def test_days_to_a_planned_or_an_earlier_date_are_none() -> None:
    """Those are known; and without moments, nothing is."""
    frame = pl.DataFrame({"days": np.floor(DAYS)})
    assert spans(frame, of("Expected Close", DAYS)) == {}
    assert spans(pl.DataFrame({"days": np.floor(-DAYS)}), of("Signed up", -DAYS)) == {}
    assert spans(frame, msgspec.structs.replace(of("Close Date", DAYS), as_of=None)) == {}
    assert spans(frame, of("Close Date", np.full(ROWS, 2.0))) == {}
