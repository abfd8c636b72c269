"""The card says when its data ends, to the microsecond."""

from typing import Any

import numpy as np
import polars as pl
import pytest
from msgspec import UNSET

from leadscoring.training.leads import Leads
from leadscoring.training.options import TrainOptions
from leadscoring.training.until import as_of_column, trained_until

NOON = 1_769_860_800_000_001.0


def leads(time: list[float] | None, as_of: list[float] | None = None) -> Leads:
    """Leads of which only the moments matter."""
    vectors: dict[str, Any] = {
        name: None if values is None else np.array(values) for name, values in (("time", time), ("as_of", as_of))
    }
    return Leads(pl.DataFrame(), np.zeros(2), None, {}, **vectors)  # type: ignore[arg-type]  # no outcome is asked for


@pytest.mark.parametrize(
    ("of", "until"),
    [
        (leads([NOON - 5, NOON]), "2026-01-31T12:00:00.000001Z"),
        (leads([1.0, 2.0], [np.nan, NOON]), "2026-01-31T12:00:00.000001Z"),
        (leads([1.0, 2.0]), UNSET),
        (leads(None), UNSET),
    ],
)
def test_the_latest_moment_ends_the_data(of: Leads, until: object) -> None:
    """An order of leads that has no dates says nothing."""
    assert trained_until(of) == until


def test_the_column_of_the_moment_is_kept() -> None:
    """That of --as-of, else that of --time if it has dates."""
    named = TrainOptions(target="won", time="at", as_of="seen")
    by_time = TrainOptions(target="won", time="at")
    assert as_of_column(leads([NOON, NOON]), named) == "seen"
    assert as_of_column(leads([NOON, NOON]), by_time) == "at"
    assert as_of_column(leads([1.0, 2.0]), by_time) is UNSET
