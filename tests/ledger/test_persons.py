"""Objections and erasure in the ledger: nothing of another lead changes, and readers do not keep bytes alive."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from factories import lead as a_lead
from factories import model_file
from ledgers import DAY, KEYS, NEW_YEAR, add_score, bytes_in, new_ledger
from sqlalchemy import func, insert, select, update

from leadscoring.errors import LeadUnknown
from leadscoring.ledger.database import Ledger
from leadscoring.ledger.objections import FILE
from leadscoring.ledger.outcome import Outcome
from leadscoring.ledger.outcomes import record
from leadscoring.ledger.persons import erase, publish_objections, put_objection, scrub, withdraw_objection
from leadscoring.ledger.tables import erased, lead, outcome, score, shadow


@pytest.fixture
def ledger(url: str, tmp_path: Path) -> Iterator[Ledger]:
    """A ledger with two leads, each with scores, shadows and outcomes."""
    made = new_ledger(tmp_path, url)
    for name in ("ann", "bob"):
        for day in range(3):
            number = add_score(made, model_file(tmp_path), a_lead(name), NEW_YEAR + day * DAY, request=f"of-{name}")
            with made.writing() as connection:
                connection.execute(insert(shadow).values(score=number, model=9, margin=0.5))
        record(made, KEYS, [Outcome(name, "won", NEW_YEAR + DAY)], f"source-{name}", plain=True)
    yield made
    made.close()


def counts(ledger: Ledger) -> list[int]:
    """The rows of each table."""
    with ledger.reading() as connection:
        tables = (lead, score, shadow, outcome, erased)
        return [connection.scalar(select(func.count()).select_from(table)) or 0 for table in tables]


def test_erasure_takes_all_of_one_lead_and_nothing_of_another(ledger: Ledger, tmp_path: Path) -> None:
    """With its shadows; a tombstone stays."""
    assert counts(ledger) == [2, 6, 6, 2, 0]
    done = erase(ledger, KEYS, "ann", "ops")
    assert (done.lead_id, done.scores, done.outcomes) == ("ann", 3, 1)
    assert counts(ledger) == [1, 3, 3, 1, 1]
    for left in (b"of-ann", b"source-ann"):
        assert bytes_in(tmp_path, left) == []
    assert bytes_in(tmp_path, b"of-bob") or not ledger.is_sqlite
    with pytest.raises(LeadUnknown):
        erase(ledger, KEYS, "ann", "ops")


def test_erased_again_the_tombstone_is_of_the_later_time(ledger: Ledger) -> None:
    """A lead that came back in between is erased like any other."""
    erase(ledger, KEYS, "ann", "ops")
    with ledger.writing() as connection:
        connection.execute(update(erased).values(at=NEW_YEAR))
    record(ledger, KEYS, [Outcome("ann", "won", NEW_YEAR + DAY)], "crm")
    assert erase(ledger, KEYS, "ann", "ops").outcomes == 1
    with ledger.reading() as connection:
        assert (connection.scalar(select(erased.c.at)) or 0) > NEW_YEAR


def test_a_reader_delays_the_checkpoint_and_does_not_prevent_erasure(ledger: Ledger, tmp_path: Path) -> None:
    """What it still reads is in the log until it ends; the next checkpoint takes it away."""
    with ledger.reading() as connection:
        connection.execute(select(score)).all()
        erase(ledger, KEYS, "ann", "ops")
        assert counts(ledger)[1] == 3
    assert scrub(ledger)
    assert bytes_in(tmp_path, b"of-ann") == []


def test_objections_are_published_as_keys(ledger: Ledger, tmp_path: Path) -> None:
    """In a file that changes only when they do, for its owner alone."""
    folder = tmp_path / "tape"
    assert publish_objections(ledger, folder) is False
    assert not (folder / FILE).exists()
    put_objection(ledger, KEYS, "ann", "ops")
    put_objection(ledger, KEYS, "carl", "ops", plain=True)
    assert publish_objections(ledger, folder) is True
    assert publish_objections(ledger, folder) is False
    assert (folder / FILE).read_bytes() == b"".join(sorted(map(KEYS.key, ("ann", "carl"))))
    assert (folder / FILE).stat().st_mode & 0o777 == 0o600
    withdraw_objection(ledger, KEYS, "ann", "ops")
    assert publish_objections(ledger, folder) is True
    assert (folder / FILE).read_bytes() == KEYS.key("carl")


def test_an_objection_keeps_its_time(ledger: Ledger) -> None:
    """Objecting twice is objecting once; taking back what nobody objected to changes nothing."""
    first = put_objection(ledger, KEYS, "ann", "ops")
    assert put_objection(ledger, KEYS, "ann", "ops") == first
    assert withdraw_objection(ledger, KEYS, "bob", "ops").objected_at is None
    with pytest.raises(LeadUnknown):
        withdraw_objection(ledger, KEYS, "nobody", "ops")
