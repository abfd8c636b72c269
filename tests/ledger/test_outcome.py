"""One outcome as it is sent: its time has a zone, its texts can be kept, and all of its faults are listed."""

from datetime import UTC, datetime, timedelta, timezone

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadscoring.errors import Fault, InvalidOutcome
from leadscoring.ledger.outcome import AHEAD, Outcome, outcome_of, zoned_moment

NOW = 1_770_000_000_000_000
SOUND = {"lead_id": "a", "outcome": "won", "at": "2026-02-01T10:00:00Z"}
ZERO = datetime(1970, 1, 1, tzinfo=UTC)

FIRST, LAST = ZERO.replace(year=1900, tzinfo=None), ZERO.replace(year=2100, tzinfo=None)
zones = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))


@given(st.datetimes(FIRST, LAST, timezones=zones))
def test_a_time_in_any_zone_is_the_moment_that_it_names(at: datetime) -> None:
    """To the microsecond."""
    assert zoned_moment(at.isoformat()) == (at - ZERO) // timedelta(microseconds=1)


@pytest.mark.parametrize(
    "text",
    ["2026-02-01", "2026-02-01T10:00:00", "2026-02-01T10:00", "soon", "", "Z", "1769940000", "2026-02-30T00:00:00Z"],
)
def test_a_time_without_a_zone_is_none(text: str) -> None:
    """A date is none either: its day begins at another moment in each zone."""
    assert zoned_moment(text) is None


def test_an_outcome_may_lie_a_day_ahead_and_no_more() -> None:
    """By the microsecond."""
    edge = ZERO + timedelta(microseconds=NOW + AHEAD)
    assert outcome_of(SOUND | {"at": edge.isoformat()}, NOW).at == NOW + AHEAD
    with pytest.raises(InvalidOutcome, match="at most a day ahead"):
        outcome_of(SOUND | {"at": (edge + timedelta(microseconds=1)).isoformat()}, NOW)


def test_numbers_are_ids_as_they_are_of_scores() -> None:
    """The same number in each notation."""
    assert {outcome_of(SOUND | {"lead_id": one}, NOW).lead_id for one in (7, 7.0, "7")} == {"7"}
    assert outcome_of(SOUND | {"id": "e", "value": 3}, NOW) == Outcome("a", "won", 1769940000000000, "e", 3.0)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@given(st.dictionaries(st.sampled_from(("lead_id", "outcome", "at", "id", "value", "more")), json_values) | json_values)
def test_whatever_is_sent_is_an_outcome_or_refused_with_its_faults(sent: object) -> None:
    """By no other error; each fault names its place, and nothing that JSON cannot hold is repeated."""
    found = outcome_or_faults(sent)
    if isinstance(found, Outcome):
        assert found.lead_id.encode()
    else:
        assert found
        assert msgspec.json.encode(found)
        assert all(len(fault.message) < 400 for fault in found)


def outcome_or_faults(sent: object) -> Outcome | tuple[Fault, ...]:
    """What comes of something that is sent."""
    try:
        return outcome_of(sent, NOW)
    except InvalidOutcome as failure:
        return failure.faults
