"""Erasures and objections outlive a ledger that is restored from a backup: the file beside the tape knows them."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from factories import lead as a_lead
from factories import model_file
from ledgers import DAY, KEYS, NEW_YEAR, add_score, new_ledger
from sqlalchemy import func, select

from leadscoring.ledger.database import Ledger
from leadscoring.ledger.outcome import Outcome
from leadscoring.ledger.outcomes import record
from leadscoring.ledger.persons import erase, put_objection, withdraw_objection
from leadscoring.ledger.rights import FILE, KeptRights, Mark, Respected, Right, read_rights, respect, rights_of
from leadscoring.ledger.tables import act, erased, lead, outcome, score


@pytest.fixture
def ledger(url: str, tmp_path: Path) -> Iterator[Ledger]:
    """A ledger with two leads, each with two scores and an outcome."""
    made = new_ledger(tmp_path, url)
    for name in ("ann", "bob"):
        for day in range(2):
            add_score(made, model_file(tmp_path), a_lead(name), NEW_YEAR + day * DAY)
        record(made, KEYS, [Outcome(name, "won", NEW_YEAR + DAY)], "crm")
    yield made
    made.close()


def counts(ledger: Ledger) -> list[int]:
    """The rows of each table."""
    with ledger.reading() as connection:
        return [
            connection.scalar(select(func.count()).select_from(table)) or 0 for table in (lead, score, outcome, erased)
        ]


def objected(ledger: Ledger) -> set[bytes]:
    """The keys of leads with an objection."""
    with ledger.reading() as connection:
        return set(connection.scalars(select(lead.c.key).where(lead.c.objected_at.is_not(None))))


def test_a_lead_is_erased_again_in_a_ledger_that_does_not_know_it(ledger: Ledger) -> None:
    """With all that is from before; another lead stays whole, and a second time changes nothing."""
    wanted = [
        Right(KEYS.key("ann").hex(), erased_at=NEW_YEAR * 2),
        Right(KEYS.key("eve").hex(), erased_at=NEW_YEAR * 2),
    ]
    assert respect(ledger, wanted, "ops") == Respected(erased=2, deleted=3)
    assert counts(ledger) == [1, 2, 1, 2]
    assert respect(ledger, wanted, "ops") == Respected()
    with ledger.reading() as connection:
        assert connection.scalars(select(act.c.act)).all() == ["respect"]


def test_what_came_after_an_erasure_stays(ledger: Ledger) -> None:
    """A lead that was scored again is a lead like any other, with the tombstone of its first life."""
    wanted = [Right(KEYS.key("ann").hex(), erased_at=NEW_YEAR)]
    assert respect(ledger, wanted, "ops") == Respected(erased=1, deleted=1)
    assert counts(ledger) == [2, 3, 2, 1]
    with ledger.reading() as connection:
        last = select(lead.c.last_score).where(lead.c.key == KEYS.key("ann"))
        assert (
            connection.scalar(select(score.c.first_at).where(score.c.number == last.scalar_subquery()))
            == NEW_YEAR + DAY
        )


def test_the_file_follows_the_ledger(ledger: Ledger, tmp_path: Path) -> None:
    """It is written when something was done, and holds keys and moments alone."""
    kept = KeptRights(tmp_path / "tape")
    kept.follow(ledger)
    file = tmp_path / "tape" / FILE
    assert read_rights(file) == (Mark(), [])
    erase(ledger, KEYS, "ann", "ops")
    put_objection(ledger, KEYS, "bob", "ops")
    assert kept.follow(ledger) == Respected()
    assert read_rights(file) == rights_of(ledger)
    assert [set(json.loads(line)) for line in file.read_text().splitlines()] == [
        {"act", "at"}, {"key", "erased_at"}, {"key", "objected_at"},
    ]  # fmt: skip
    assert file.stat().st_mode & 0o077 == 0
    withdraw_objection(ledger, KEYS, "bob", "ops")
    kept.follow(ledger)
    assert len(read_rights(file).every) == 1


def test_an_older_ledger_gets_what_the_file_knows(ledger: Ledger, tmp_path: Path) -> None:
    """As after a restore: it lacks the last act, and so everything since the backup may be missing."""
    newer = new_ledger(tmp_path, f"sqlite:///{tmp_path}/newer.db")
    for name in ("ann", "bob"):
        put_objection(newer, KEYS, name, "ops")
    withdraw_objection(newer, KEYS, "ann", "ops")
    erase_after(newer, tmp_path, "ann")
    KeptRights(tmp_path / "tape").follow(newer)
    newer.close()
    assert KeptRights(tmp_path / "tape").follow(ledger) == Respected(erased=1, objected=1, deleted=3)
    assert counts(ledger) == [1, 2, 1, 1]
    assert objected(ledger) == {KEYS.key("bob")}
    assert read_rights(tmp_path / "tape" / FILE) == rights_of(ledger)
    assert KeptRights(tmp_path / "tape").follow(ledger) == Respected()


def erase_after(ledger: Ledger, folder: Path, name: str) -> None:
    """Erases a lead that has a score."""
    add_score(ledger, model_file(folder), a_lead(name))
    erase(ledger, KEYS, name, "ops")


def test_a_ledger_that_went_on_gets_nothing_back(ledger: Ledger, tmp_path: Path) -> None:
    """Another instance took an objection back meanwhile: the file is the older one then."""
    put_objection(ledger, KEYS, "bob", "ops")
    KeptRights(tmp_path / "tape").follow(ledger)
    withdraw_objection(ledger, KEYS, "bob", "ops")
    assert KeptRights(tmp_path / "tape").follow(ledger) == Respected()
    assert objected(ledger) == set()


@pytest.mark.parametrize("content", ["", "nothing\n", '{"act":1,"at":2}\n{"key":"xyz"}\n'])
def test_a_file_that_holds_something_else_stays(ledger: Ledger, tmp_path: Path, content: str) -> None:
    """Nothing is known of what it held, and nothing is written over it; scoring goes on."""
    file = tmp_path / "tape" / FILE
    file.parent.mkdir()
    file.write_text(content)
    put_objection(ledger, KEYS, "bob", "ops")
    assert KeptRights(tmp_path / "tape").follow(ledger) == Respected()
    assert file.read_text() == content
    with pytest.raises(ValueError, match="holds no rights of persons"):
        read_rights(file)
