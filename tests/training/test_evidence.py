"""Each column shows by itself when it was probably written."""

import numpy as np
import polars as pl
import pytest

from leadscoring.training.evidence import Evidence, When, evidence, is_pure
from leadscoring.training.later import with_time
from leadscoring.training.quick import quick_models

ROWS = 1000
DAY = 86_400e6
RANDOM = np.random.default_rng(4)
Y = (RANDOM.random(ROWS) < 0.3).astype(float)
AS_OF = RANDOM.uniform(0, 1000, ROWS) * DAY
DECIDED = AS_OF + RANDOM.uniform(1, 90, ROWS) * DAY


def evidence_of(column: pl.Series) -> Evidence:
    """The evidence on one column."""
    frame = pl.DataFrame([column])
    (found,) = evidence(frame, Y, quick_models(frame, Y, 1), When(AS_OF, DECIDED))
    return found


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ([1.0 if y and k % 4 else None for k, y in enumerate(Y)], "leads for which it has a value, 100.0% converted"),
        ([1.0 if not y and k % 2 else None for k, y in enumerate(Y)], "has a value, 100.0% did not convert"),
        ([None if y and k % 2 else 1.0 for k, y in enumerate(Y)], "has no value, 100.0% converted"),
        ([("x" if k % 2 else "z") if y else "u" for k, y in enumerate(Y)], "leads with 'x', 'z', 100.0% converted"),
    ],
)
def test_what_is_known_only_with_one_outcome_is_seen(values: list[object], words: str) -> None:
    """By where there is a value, where there is none, or by which."""
    assert any(words in sign for sign in evidence_of(pl.Series("c", values)).given)


def test_an_honest_column_gives_no_sign() -> None:
    """Also a strong one, and one whose gaps say much."""
    strong = evidence_of(pl.Series("c", Y * 1.5 + RANDOM.normal(size=ROWS)))
    assert strong.given == ()
    assert 0.8 < strong.alone < 0.9
    gaps = RANDOM.random(ROWS) < np.where(Y == 1.0, 0.9, 0.5)
    found = evidence_of(pl.Series("c", np.where(gaps, 1.0, np.nan)).fill_nan(None))
    assert found.given == ()
    assert found.filled == pytest.approx((0.9, 0.5), abs=0.05)


def test_few_leads_are_no_sign() -> None:
    """A pure value that hardly any lead has happens by chance."""
    part = np.zeros(ROWS, dtype=bool)
    part[np.flatnonzero(Y == 1.0)[:20]] = True
    assert not is_pure(part, Y, 1.0)


def test_dates_after_the_outcome_are_seen() -> None:
    """Those before it are fine."""
    late = evidence_of(pl.Series("c", (DECIDED + DAY).astype(np.int64)))
    assert "100% of its dates lie after the outcome" in late.given
    assert evidence_of(pl.Series("c", (AS_OF - DAY).astype(np.int64))).given == ()


def test_what_moves_with_the_time_since_the_outcome_is_seen() -> None:
    """A number that grew after it; not one that follows the moment of the lead."""
    since = (1100 * DAY - DECIDED) / DAY
    assert with_time(pl.Series(since + RANDOM.normal(size=ROWS)), AS_OF, DECIDED) < -0.9
    assert abs(with_time(pl.Series(AS_OF / DAY + RANDOM.normal(size=ROWS) * 30), AS_OF, DECIDED)) < 0.15
    assert with_time(pl.Series([1.0] * ROWS), AS_OF, DECIDED) == 0.0
