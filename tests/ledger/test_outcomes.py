"""Outcomes are recorded once, in any order, and the latest one counts."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from factories import lead as a_lead
from factories import model_file
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ledgers import DAY, KEYS, NEW_YEAR, add_score, days, new_ledger
from sqlalchemy import delete, func, insert, select

from leadscoring.errors import LeadErased, OutcomeConflict
from leadscoring.ledger.database import Ledger
from leadscoring.ledger.outcome import Kind, Outcome, Place
from leadscoring.ledger.outcomes import check, contradicts, current, outcomes_of, record
from leadscoring.ledger.tables import erased, lead, outcome

KINDS: tuple[Kind, ...] = ("won", "lost", "open")


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def shared(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ledger]:
    """A ledger for the tests of this file, in each database."""
    url = request.getfixturevalue("cluster").url() if request.param == "postgresql" else None
    opened = new_ledger(tmp_path_factory.mktemp("ledger"), url)
    yield opened
    opened.close()


@pytest.fixture
def ledger(shared: Ledger) -> Ledger:
    """The same, without outcomes and leads."""
    emptied(shared)
    return shared


def emptied(ledger: Ledger) -> None:
    """Removes what other tests recorded."""
    with ledger.writing() as connection:
        for table in (outcome, lead, erased):
            connection.execute(delete(table))


def states(ledger: Ledger) -> dict[bytes, tuple[str, int]]:
    """The outcome that counts of each lead, by the lead's key."""
    with ledger.reading() as connection:
        counts = current().subquery()
        rows = connection.execute(
            select(lead.c.key, counts.c.kind, counts.c.occurred_at).join(lead, lead.c.number == counts.c.lead)
        )
        return {row.key: (row.kind, row.occurred_at) for row in rows}


def told(places: object) -> list[str]:
    """The status of each place, or the code of its error."""
    assert isinstance(places, list)
    return [place.status if isinstance(place, Place) else place.code for place in places]


sent = st.builds(
    Outcome,
    st.sampled_from(("a", "b", "c")),
    st.sampled_from(KINDS),
    st.integers(0, 5).map(lambda hours: NEW_YEAR + hours * DAY // 24),
    st.none() | st.sampled_from(("1", "2", "3")),
    st.none() | st.sampled_from((10.0, 20.0)),
)
slow = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@slow
@given(st.lists(sent, max_size=12), st.randoms(use_true_random=False))
def test_the_order_of_arrival_does_not_matter(ledger: Ledger, outcomes: list[Outcome], chance: object) -> None:
    """Where no two outcomes of a lead have the same moment: of those, the one received later counts."""
    unique = list({(one.lead_id, one.at): Outcome(one.lead_id, one.outcome, one.at) for one in outcomes}.values())
    shuffled = sorted(unique, key=lambda one: hash((one, str(chance))))
    found = []
    for order in (unique, shuffled):
        emptied(ledger)
        for one in order:
            record(ledger, KEYS, [one], "crm")
        found.append(states(ledger))
    assert found[0] == found[1]
    latest = {one.lead_id: one for one in sorted(unique, key=lambda one: one.at)}
    assert found[0] == {KEYS.key(one.lead_id): (one.outcome, one.at) for one in latest.values()}


@slow
@given(st.lists(sent, max_size=12), st.integers(1, 12))
def test_sending_again_is_harmless(ledger: Ledger, outcomes: list[Outcome], size: int) -> None:
    """In batches of any size, whatever else was sent in between: nothing is doubled, moved or changed."""
    emptied(ledger)
    first = [record(ledger, KEYS, outcomes[start : start + size], "crm") for start in range(0, len(outcomes), size)]
    with ledger.reading() as connection:
        before = connection.execute(select(outcome).order_by(outcome.c.number)).all()
    again = told(record(ledger, KEYS, outcomes, "other"))
    with ledger.reading() as connection:
        assert connection.execute(select(outcome).order_by(outcome.c.number)).all() == before
    expected = ["repeated" if state == "recorded" else state for part in first for state in told(part)]
    assert again == expected


def test_the_outcome_that_occurred_last_counts_and_of_equals_the_one_received_later(ledger: Ledger) -> None:
    """An earlier one that arrives late changes nothing."""
    one, two = days(1, 2)
    record(ledger, KEYS, [Outcome("a", "lost", two)], "crm")
    record(ledger, KEYS, [Outcome("a", "won", one)], "crm")
    assert states(ledger) == {KEYS.key("a"): ("lost", two)}
    record(ledger, KEYS, [Outcome("a", "won", two)], "crm")
    assert states(ledger) == {KEYS.key("a"): ("won", two)}
    assert told(record(ledger, KEYS, [Outcome("a", "lost", two)], "crm")) == ["repeated"]
    assert states(ledger) == {KEYS.key("a"): ("won", two)}


@pytest.mark.parametrize("kinds", [("won", "lost"), ("lost", "won"), ("lost", "won", "open")])
def test_in_one_batch_the_place_says_what_was_received_later(ledger: Ledger, kinds: tuple[Kind, ...]) -> None:
    """Of outcomes with the same moment the last one counts."""
    record(ledger, KEYS, [Outcome("a", kind, NEW_YEAR) for kind in kinds], "crm")
    assert states(ledger) == {KEYS.key("a"): (kinds[-1], NEW_YEAR)}


def test_open_takes_back_what_came_before(ledger: Ledger) -> None:
    """And what comes later counts again; all of it stays in the history."""
    reopened: tuple[Kind, ...] = ("won", "open", "lost")
    for kind, at in zip(reopened, days(1, 2, 3), strict=True):
        record(ledger, KEYS, [Outcome("a", kind, at)], "crm")
        assert states(ledger)[KEYS.key("a")] == (kind, at)
    with ledger.reading() as connection:
        number = connection.scalar(select(lead.c.number))
        assert [row.kind for row in outcomes_of(connection, number or 0)] == ["won", "open", "lost"]


@pytest.mark.parametrize(
    ("again", "said"),
    [
        ({"outcome": "lost"}, "outcome"),
        ({"lead_id": "b"}, "lead_id"),
        ({"at": NEW_YEAR + 1}, "at"),
        ({"value": 7.0}, "value"),
        ({"outcome": "open", "value": 7.0}, "outcome, value"),
    ],
)
def test_the_same_id_with_other_content_is_a_conflict(ledger: Ledger, again: dict[str, object], said: str) -> None:
    """In one batch too; the first one stays, and the error says what differs."""
    first = {"lead_id": "a", "outcome": "won", "at": NEW_YEAR, "id": "event-1", "value": None}
    other = Outcome(**(first | again))  # type: ignore[arg-type]  # as typed above
    for batches in ([[Outcome(**first), other]], [[Outcome(**first)], [other]]):  # type: ignore[arg-type]  # the same
        emptied(ledger)
        found = [place for batch in batches for place in record(ledger, KEYS, batch, "crm")]
        assert told(found) == ["recorded", "outcome_conflict"]
        assert f"other values of {said}: send a correction with another id" in str(found[1])
        with ledger.reading() as connection:
            assert connection.scalar(select(func.count()).select_from(outcome)) == 1


def test_without_an_id_another_value_is_a_conflict_and_not_lost(ledger: Ledger) -> None:
    """Since the event is that of the lead, the kind and the moment."""
    (first,) = record(ledger, KEYS, [Outcome("a", "won", NEW_YEAR, None, 10.0)], "crm")
    (second,) = record(ledger, KEYS, [Outcome("a", "won", NEW_YEAR, None, 11.0)], "crm")
    assert isinstance(first, Place)
    assert isinstance(second, OutcomeConflict)
    assert "give it an id of its own" in str(second)
    assert told(record(ledger, KEYS, [Outcome("a", "won", NEW_YEAR, "2", 11.0)], "crm")) == ["recorded"]


def test_outcomes_of_leads_that_were_never_scored_are_kept(ledger: Ledger, tmp_path: Path) -> None:
    """And the answer says so."""
    add_score(ledger, model_file(tmp_path), a_lead("known"))
    places = record(ledger, KEYS, [Outcome(name, "won", NEW_YEAR + DAY) for name in ("known", "new")], "crm")
    assert places == [Place("known", "recorded", True), Place("new", "recorded", False)]


def test_ids_are_kept_only_if_asked_for(ledger: Ledger) -> None:
    """Else a lead has nothing but its key."""
    record(ledger, KEYS, [Outcome("a", "won", NEW_YEAR)], "crm")
    record(ledger, KEYS, [Outcome("b", "won", NEW_YEAR)], "crm", plain=True)
    with ledger.reading() as connection:
        assert list(connection.scalars(select(lead.c.name).order_by(lead.c.number))) == [None, "b"]


def test_an_outcome_from_before_its_lead_was_erased_is_not_kept(ledger: Ledger) -> None:
    """A nightly export would bring the lead back else; what occurs later is of somebody who came back."""
    before, at, after = days(1, 2, 3)
    with ledger.writing() as connection:
        connection.execute(insert(erased).values(key=KEYS.key("a"), at=at))
    places = record(ledger, KEYS, [Outcome("a", "won", one) for one in (before, at, after)], "crm")
    assert told(places) == ["lead_erased", "lead_erased", "recorded"]
    assert isinstance(places[0], LeadErased)
    emptied(ledger)
    with ledger.writing() as connection:
        connection.execute(insert(erased).values(key=KEYS.key("a"), at=at))
    assert told(record(ledger, KEYS, [Outcome("a", "won", before)], "crm")) == ["lead_erased"]
    assert states(ledger) == {}


def test_of_callers_at_the_same_time_one_records_and_the_others_repeat(ledger: Ledger) -> None:
    """The database decides, not what each of them has seen."""
    outcomes = [Outcome(f"lead-{number}", "won", NEW_YEAR) for number in range(600)]
    found: list[list[str]] = []
    threads = [
        threading.Thread(target=lambda: found.append(told(record(ledger, KEYS, outcomes, "crm")))) for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(sum(status == "recorded" for status in one) for one in found) == [0, 0, 600]


@pytest.mark.parametrize(
    ("kinds", "does"),
    [
        ((), False), (("won",), False), (("won", "won"), False), (("won", "open", "lost"), False),
        (("won", "lost"), True), (("lost", "open", "lost", "won"), True),
    ],
)  # fmt: skip
def test_won_and_lost_contradict_each_other_unless_the_lead_was_reopened(kinds: tuple[str, ...], does: bool) -> None:
    """In either order."""
    assert contradicts(kinds) is does


def test_the_check_counts_what_a_team_should_know(ledger: Ledger, tmp_path: Path) -> None:
    """Leads by outcome, those never scored, contradictions, outcomes before the first score, and delays."""
    path = model_file(tmp_path)
    for name in ("a", "b", "c", "d"):
        add_score(ledger, path, a_lead(name), NEW_YEAR)
        add_score(ledger, path, a_lead(name), NEW_YEAR + 5 * DAY)
    early, one, two, three = days(-1, 1, 2, 3)
    events = [("a", "won", one), ("b", "won", one), ("b", "lost", three), ("c", "won", one), ("c", "open", two)]
    events += [("d", "lost", early), ("new", "won", two)]
    record(ledger, KEYS, [Outcome(*event) for event in events], "crm")  # type: ignore[arg-type]  # as listed
    with ledger.reading() as connection:
        found = check(connection)
    assert (found.outcomes, found.leads, found.kinds) == (7, 5, {"won": 2, "lost": 2, "open": 1})
    assert (found.unmatched, found.contradictions, found.early, found.delays) == (1, 1, 1, [1.0, 3.0])
