"""The groups that are off are named, and while nothing is wrong none is."""

import struct
from math import nan

import numpy as np
import pytest
from benchmarks.live import SHARES

from leadscoring.contract.features import Contract, Feature
from leadscoring.ledger.judged import Judged
from leadscoring.quality.cohorts import ENOUGH_MONTH
from leadscoring.quality.delays import Delays
from leadscoring.quality.groups import SHOWN, Groups, Reader, gathered, where_off

CONTRACT = Contract(
    (
        Feature("visits", "integer", minimum=0.0),
        Feature("paid", "flag"),
        Feature("source", "category", values=("web", "fair", "partner"), other=True),
    )
)
HORIZON, DAYS, FIRST = 90, 365, 20_000
DELAYS = Delays(tuple(min(1.0, float(share)) for share in np.cumsum(SHARES)), 1000)


def row(visits: float, paid: float, source: float) -> bytes:
    """A row as the ledger has it."""
    return struct.pack("<3f", visits, paid, source)


def year(odds: float, seed: int = 1) -> list[tuple[Judged, bytes]]:
    """A year of 50 leads a day: after half of it, the odds of the leads of the fair are multiplied."""
    random = np.random.default_rng(seed)
    found = []
    for day in range(DAYS):
        for _ in range(50):
            p, source = float(random.beta(0.6, 3.0)) * 0.98 + 0.01, int(random.integers(0, 3))
            true = p / (1.0 - p) * (odds if source == 1 and day >= DAYS // 2 else 1.0)
            won = random.random() < true / (1.0 + true)
            after = int(random.choice(len(SHARES), p=SHARES)) if won else None
            known = after is not None and day + after < DAYS
            one = Judged(FIRST + day, 1, "C", p, 1, "won" if known else "open", after if known else None)
            found.append((one, row(3.0, float(random.integers(0, 2)), float(source))))
    return found


def off(leads: list[tuple[Judged, bytes]], delays: Delays | None = DELAYS) -> Groups:
    """The groups that are off at the end of the year."""
    sums = gathered(leads, CONTRACT, HORIZON, FIRST + DAYS, "lost")
    return where_off(sums, delays, range(FIRST + 92, FIRST + DAYS), FIRST + DAYS)


def test_a_source_that_goes_bad_is_the_first() -> None:
    """By its mature leads, and by its daily evidence, which says since when."""
    found = off(year(0.25))
    first = found.shown[0]
    assert (first.feature, first.value, first.direction) == ("source", "fair", "fewer")
    assert first.verdict == "fewer than predicted"
    assert first.since is not None
    assert "2025-04-05" < first.since < "2025-06-30"
    assert first.observed is not None
    assert first.predicted is not None
    assert first.observed.high < first.predicted
    assert found.judged == 5


def test_none_is_off_while_nothing_is_wrong() -> None:
    """Of five groups, in eight years."""
    assert [off(year(1.0, seed)).off for seed in range(8)] == [0] * 8


def test_without_delays_and_mature_leads_nothing_is_judged() -> None:
    """Rather than that all is well."""
    young = [(Judged(FIRST + DAYS - 3, 1, "C", 0.2, 200, "open"), row(1.0, 1.0, 0.0))]
    assert off(young, None) == Groups(0, 0, ())


def test_few_leads_are_no_group() -> None:
    """Nor are rows of another size, which another contract has encoded."""
    few = [(Judged(FIRST, 1, "C", 0.9, ENOUGH_MONTH - 1, "open"), row(1.0, nan, 9.0)), (few_of(500), b"")]
    assert off(few).judged == 0


def few_of(leads: int) -> Judged:
    """Mature leads without a conversion."""
    return Judged(FIRST, 1, "C", 0.9, leads, "open")


@pytest.mark.parametrize(
    ("values", "groups"),
    [
        ((3.0, 1.0, 2.0), [("paid", "yes"), ("source", "partner")]),
        ((3.0, 0.0, 3.0), [("paid", "no"), ("source", "other values")]),
        ((nan, nan, nan), [("paid", "missing"), ("source", "missing")]),
    ],
)
def test_groups_have_the_names_of_their_values(
    values: tuple[float, float, float], groups: list[tuple[str, str]]
) -> None:
    """Numbers are no groups."""
    assert list(Reader(CONTRACT).groups(row(*values))) == groups


def test_the_strongest_are_shown() -> None:
    """A hundred sources that all go wrong are counted, and some of them shown."""
    names = tuple(f"source {k}" for k in range(100))
    contract = Contract((Feature("source", "category", values=names),))
    leads = [(few_of(60 + k), struct.pack("<f", k)) for k in range(100)]
    found = where_off(gathered(leads, contract, HORIZON, FIRST + DAYS, "lost"), None, (), FIRST + DAYS)
    assert (found.judged, found.off, len(found.shown)) == (100, 100, SHOWN)
    assert found.shown[0].value == "source 99"
