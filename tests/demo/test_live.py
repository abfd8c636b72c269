"""A year of leads whose truth is known: what is drawn is what is said."""

from datetime import timedelta

import pytest

from leadscoring.demo.live import CHANGES, HORIZON, START, live_events


def test_events_repeat_and_are_in_order() -> None:
    """The same arguments give the same events, another seed others."""
    one, again, other = ([*live_events(60, 10, seed)] for seed in (1, 1, 2))
    assert one == again != other
    assert [event.at for event in one] == sorted(event.at for event in one)
    assert one[0].name == "course"
    assert one[-1].at < START + timedelta(days=60)


def test_every_lead_is_scored_when_it_comes_and_each_week_until_it_is_decided() -> None:
    """Then nothing more is heard of it, but for a lead that is opened again."""
    seen: dict[str, list[tuple[str, str]]] = {}
    for event in live_events(120, 5, 3):
        if event.name != "course":
            seen.setdefault(event.fields["lead_id"], []).append((event.name, event.fields.get("outcome", "")))
    assert len(seen) == 600
    for course in seen.values():
        assert course[0] == ("scored", "")
        rest = [kind for name, kind in course if name == "outcome"]
        assert rest in ([], ["won"], ["lost"], ["lost", "open"])
        assert [name for name, _ in course] == ["scored"] * (len(course) - len(rest)) + ["outcome"] * len(rest)
    assert max(map(len, seen.values())) > HORIZON // 7


def test_as_many_convert_as_the_probabilities_say() -> None:
    """Before and after the changes, which are in the first event."""
    probabilities: dict[str, tuple[float, bool]] = {}
    won: set[str] = set()
    events = live_events(400, 20, 4, rescore_days=0)
    changes = next(events).fields["changes"]
    for event in events:
        if event.name == "scored":
            early = event.at < START + timedelta(days=200)
            probabilities[event.fields["lead_id"]] = (event.fields["true_probability"], early)
        elif event.fields["outcome"] == "won":
            won.add(event.fields["lead_id"])
    mature = [*probabilities][: 300 * 20]
    expected, observed = sum(probabilities[one][0] for one in mature), sum(one in won for one in mature)
    assert observed == pytest.approx(expected, abs=3.5 * expected**0.5)
    before, after = (
        sum(probabilities[one][0] for one in mature if probabilities[one][1] is early)
        / sum(probabilities[one][1] is early for one in mature)
        for early in (True, False)
    )
    assert after < 0.75 * before
    assert [(change["odds"], change["among"]) for change in changes] == [
        (one.odds, one.flag or None) for one in CHANGES
    ]


def test_nothing_changes_if_nothing_is_to() -> None:
    """A steady year, to hold against false alarms."""
    steady = next(iter(live_events(30, 2, changes=())))
    assert steady.fields["changes"] == []
