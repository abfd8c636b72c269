"""Conversions are counted by calendar period; what was never predicted has no verdict."""

from datetime import UTC, datetime

import msgspec
import numpy as np
import polars as pl
import pytest

from leadscoring.quality.figures import measure
from leadscoring.training.leads import Leads
from leadscoring.training.measured import Measured
from leadscoring.training.outcome import Outcome
from leadscoring.training.report.periods import leads_per_month, over_time

START = datetime(2024, 1, 1, tzinfo=UTC).timestamp() * 1e6
DAY = 86_400e6


def leads(days: np.ndarray, y: np.ndarray, **more: object) -> Leads:
    """Leads that arrived on some days."""
    outcome = Outcome(pl.Series(y), ("yes",), ())
    return msgspec.structs.replace(Leads(pl.DataFrame({"y": y}), y, outcome, {}), **{"time": START + days * DAY} | more)


def some(rows: int, seed: int, shift: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """Outcomes with their probabilities, which are off by ``shift``."""
    random = np.random.default_rng(seed)
    p = random.uniform(0.1, 0.5, rows)
    return (random.random(rows) < p + shift).astype(float), p


def measured(held: Leads, p: np.ndarray) -> Measured:
    """Leads with their probabilities."""
    return Measured(held, np.zeros((len(p), 1), np.float32), p, measure(held.y, p, resamples=2))


def test_every_lead_is_in_one_period() -> None:
    """Of the months of a year, with the first and last day of its leads."""
    y, p = some(1200, 0)
    days = np.sort(np.random.default_rng(0).uniform(0, 365, 1200))
    found = over_time(None, measured(leads(days, y), p))
    assert len(found) == 12
    assert sum(one["leads"] for one in found) == 1200
    assert (found[1]["from"][:7], found[1]["to"][:7]) == ("2024-02", "2024-02")
    assert {one["verdict"] for one in found} == {"as predicted"}


def test_what_came_before_is_observed_but_not_predicted() -> None:
    """And the month in which the held-out leads begin is not split into a sliver."""
    y, p = some(2000, 1)
    days = np.sort(np.random.default_rng(1).uniform(0, 365, 2000))
    every = leads(days, y)
    found = over_time(every, measured(every.take(np.arange(1600, 2000)), p[1600:]))
    before = [one for one in found if one["predicted"] is None]
    assert sum(one["leads"] for one in before) == 1600
    assert found[: len(before)] == before
    assert {one["verdict"] for one in before} == {None}
    assert min(one["leads"] for one in before) > 100


def test_a_period_that_is_off_is_found() -> None:
    """With its direction."""
    y, p = some(3000, 2, shift=0.2)
    found = over_time(None, measured(leads(np.linspace(0, 300, 3000), y), p))
    assert "more than predicted" in {one["verdict"] for one in found}


def test_leads_a_month_are_those_of_the_data() -> None:
    """Unknown where times are unknown, are no times, or span no half month."""
    y = some(1000, 3)[0]
    assert leads_per_month(leads(np.linspace(0, 304.375, 1000), y)) == pytest.approx(100.0)
    assert leads_per_month(leads(np.linspace(0, 10, 1000), y)) is None
    for none in (None, np.arange(1000.0)):
        assert leads_per_month(leads(np.arange(1000.0), y, time=none)) is None
    unordered = leads(np.arange(1000.0), y, time=None, as_of=START + np.linspace(0, 304.375, 1000) * DAY)
    assert leads_per_month(unordered) == pytest.approx(100.0)
    assert over_time(None, measured(leads(np.arange(1000.0), y, time=None), some(1000, 3)[1])) == []
