"""The keeper moves scores from the tape into the ledger, each exactly once."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from project import ROOT
from sqlalchemy import delete, func, insert, select
from tapes import Segment, keep_model, key_of

from leadscoring.errors import LedgerUnavailable
from leadscoring.ledger.database import Ledger, open_ledger
from leadscoring.ledger.keeper import DAMAGED, LEAST, MOST, PACE_SECONDS, Keeper, Moved, named, paced
from leadscoring.ledger.segments import PAGE, segments_in
from leadscoring.ledger.tables import erased, lead, model, score, segment
from leadscoring.model.file import model_of

CONTENT = (ROOT / "models" / "model.json").read_bytes()
NOON = 1_780_000_000_000_000


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of a tape, with the file of a model."""
    keep_model(tmp_path / "tape", CONTENT)
    return tmp_path / "tape"


@pytest.fixture
def digest(folder: Path) -> str:
    """The SHA-256 of that model."""
    return next((folder / "models").iterdir()).name


@pytest.fixture
def tape(folder: Path, digest: str) -> Iterator[Segment]:
    """A segment that is being written."""
    made = Segment(folder, (digest,))
    yield made
    made.close()


def scores(ledger: Ledger, *columns: Any) -> list[Any]:
    """The scores of a ledger in the order of their times."""
    with ledger.reading() as connection:
        rows = connection.execute(select(*columns or (score,)).order_by(score.c.first_at, score.c.number))
        return list(rows.scalars() if len(columns) == 1 else map(tuple, rows))


def count(ledger: Ledger, table: Any) -> int:
    """The number of rows of a table."""
    with ledger.reading() as connection:
        return connection.execute(select(func.count()).select_from(table)).scalar_one()


def test_an_id_with_a_nul_is_moved_in_plain(ledger: Ledger, folder: Path, tape: Segment) -> None:
    """PostgreSQL has none in texts: one such id must not keep every later score on the tape."""
    tape.write(NOON, "n\0ul", plain=True)
    tape.write(NOON + 1, "another", plain=True)
    assert Keeper(ledger, folder).move()[:3] == (2, 0, 0)
    with ledger.reading() as connection:
        assert connection.scalars(select(lead.c.name).order_by(lead.c.name)).all() == ["another", "n\ufffdul"]


def test_what_the_database_refuses_keeps_nothing_else_on_the_tape(
    ledger: Ledger, folder: Path, tape: Segment, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is left out and reported; scores before and behind it are moved, each once."""
    for number in range(5):
        tape.write(NOON + number, f"lead {number}")
    tape.write(2**63 + 1, "a time that no database has")
    for number in range(5, 8):
        tape.write(NOON + number, f"lead {number}")
    keeper = Keeper(ledger, folder)
    moved = keeper.move()
    assert (moved.leads, moved.damaged, keeper.move()) == (8, 1, Moved())
    assert scores(ledger, score.c.first_at) == [NOON + number for number in range(8)]
    tape.write(NOON + 8, "later")
    assert keeper.move().leads == 1
    assert "no database has" not in capsys.readouterr().out


def test_a_score_is_moved_with_all_that_is_known_of_it(ledger: Ledger, folder: Path, tape: Segment) -> None:
    """Probability and tier are those that its model gave."""
    tape.write(
        NOON, "a lead", (1.5, float("nan")), -0.25, request="r-1", unseen='{"city":"Ur"}', as_of=NOON - 1, plain=True
    )
    assert Keeper(ledger, folder).move()[:3] == (1, 0, 0)
    said = model_of(CONTENT, "model").score(-0.25)
    (found,) = scores(ledger)
    with ledger.reading() as connection:
        (kept,) = connection.execute(select(lead)).all()
        (made,) = connection.execute(select(model)).all()
    assert found[1:] == (
        kept.number, NOON, NOON, 1, NOON - 1, made.number, -0.25, said.raw_score, said.tier,
        b"\0\0\xc0\x3f\0\0\xc0\x7f", '{"city":"Ur"}', "r-1", 24,
    )  # fmt: skip
    assert (kept.key, kept.name, kept.last_score, kept.last_first_at) == (key_of("a lead"), "a lead", found[0], NOON)
    assert (made.file, made.how, made.name) == (CONTENT, "registered", model_of(CONTENT, "model").card.name)


def test_transactions_become_smaller_where_they_take_long() -> None:
    """And larger again: by half or double at once, between bounds."""
    assert paced(600, PACE_SECONDS) == 600
    assert paced(600, 4 * PACE_SECONDS) == 300
    assert paced(400, PACE_SECONDS / 4) == 800
    assert paced(LEAST, 1.0) == LEAST
    assert paced(MOST, 0.0) == MOST


def test_what_is_moved_is_not_moved_again(ledger: Ledger, folder: Path, tape: Segment) -> None:
    """Neither by the same keeper nor by the next, and what is written meanwhile follows."""
    keeper = Keeper(ledger, folder)
    for moment in range(3):
        tape.write(NOON + moment, f"lead {moment}")
        assert keeper.move().leads == 1
        assert keeper.move().leads == 0
    assert Keeper(ledger, folder).move().leads == 0
    assert scores(ledger, score.c.first_at) == [NOON, NOON + 1, NOON + 2]


def test_the_same_score_again_stretches_the_last_one(ledger: Ledger, folder: Path, tape: Segment) -> None:
    """In one move, in the next, and with another row between: then there are three."""
    keeper = Keeper(ledger, folder)
    for moment in range(3):
        tape.write(NOON + moment, "a", (1.0,))
    assert keeper.move()[:2] == (3, 2)
    tape.write(NOON + 3, "a", (1.0,))
    assert keeper.move()[:2] == (1, 1)
    assert scores(ledger, score.c.first_at, score.c.last_at, score.c.times) == [(NOON, NOON + 3, 4)]
    tape.write(NOON + 4, "a", (2.0,))
    tape.write(NOON + 5, "a", (1.0,))
    tape.write(NOON + 6, "a", (1.0,))
    keeper.move()
    expected = [(NOON, NOON + 3, 4), (NOON + 4, NOON + 4, 1), (NOON + 5, NOON + 6, 2)]
    assert scores(ledger, score.c.first_at, score.c.last_at, score.c.times) == expected


@pytest.mark.parametrize(
    "change", [{"margin": 0.5}, {"fallback": True}, {"unseen": '{"a":"b"}'}, {"row": (3.0,)}, {"model": 1}]
)
def test_a_score_that_differs_is_kept_apart(ledger: Ledger, folder: Path, digest: str, change: dict[str, Any]) -> None:
    """By its row, its model, who scored it, and what of it training had not seen."""
    other = keep_model(folder, CONTENT.replace(b" ", b"  ", 1) if b" " in CONTENT else CONTENT + b"\n")
    tape = Segment(folder, (digest, other))
    tape.write(NOON, "a", row=(1.0,))
    tape.write(NOON + 1, "a", **{"row": (1.0,)} | change)
    tape.close()
    Keeper(ledger, folder).move()
    assert scores(ledger, score.c.times) == [1, 1]


def test_rows_without_an_id_never_fold(ledger: Ledger, folder: Path, tape: Segment) -> None:
    """They are of nobody that is known, and can be replayed."""
    for moment in range(3):
        tape.write(NOON + moment)
    assert Keeper(ledger, folder).move()[:2] == (3, 0)
    assert scores(ledger, score.c.lead) == [None, None, None]
    assert count(ledger, lead) == 0


def test_a_score_that_comes_late_is_not_the_last(ledger: Ledger, folder: Path, digest: str) -> None:
    """Another worker's tape may be moved later."""
    keeper, first, second = Keeper(ledger, folder), Segment(folder, (digest,)), Segment(folder, (digest,))
    first.write(NOON + 10, "a", (1.0,))
    keeper.move()
    second.write(NOON + 5, "a", (2.0,))
    keeper.move()
    first.write(NOON + 11, "a", (1.0,))
    keeper.move()
    assert scores(ledger, score.c.first_at, score.c.times) == [(NOON + 5, 1), (NOON + 10, 2)]
    first.close()
    second.close()


def test_workers_tapes_are_moved_in_the_order_of_time(ledger: Ledger, folder: Path, digest: str) -> None:
    """A lead that two workers score in turn folds as if one had."""
    segments = [Segment(folder, (digest,)) for _ in range(2)]
    for moment in range(10):
        segments[moment % 2].write(NOON + moment, "a", (float(moment // 5),))
    assert Keeper(ledger, folder).move()[:2] == (10, 8)
    assert scores(ledger, score.c.first_at, score.c.last_at) == [(NOON, NOON + 4), (NOON + 5, NOON + 9)]
    for made in segments:
        made.close()


def test_a_segment_goes_when_its_owner_is_dead_and_it_is_moved(ledger: Ledger, folder: Path, tape: Segment) -> None:
    """Not before, and its place in the ledger goes as well."""
    keeper = Keeper(ledger, folder)
    tape.write(NOON, "a")
    keeper.move()
    assert keeper.move().removed == 0
    tape.write(NOON + 1, "b")
    tape.close()
    assert keeper.move()[:4] == (1, 0, 0, 0)
    assert keeper.move().removed == 1
    assert segments_in(folder) == []
    assert count(ledger, segment) == 0
    assert count(ledger, score) == 2


def test_a_transaction_moves_a_bounded_number(ledger: Ledger, folder: Path, tape: Segment) -> None:
    """Whoever records an outcome meanwhile waits for a short one."""
    for moment in range(25):
        tape.write(NOON + moment, f"lead {moment}")
    keeper = Keeper(ledger, folder)
    assert [keeper.move(most=10).leads for _ in range(4)] == [10, 10, 5, 0]


def test_a_damaged_segment_is_moved_to_its_damage_and_set_aside(ledger: Ledger, folder: Path, tape: Segment) -> None:
    """Other segments go on; the one set aside is not touched again."""
    tape.write(NOON, "a")
    second = tape.end
    tape.write(NOON + 1, "b")
    tape.damage(second + 40)
    keeper = Keeper(ledger, folder)
    assert keeper.move().leads == 1
    assert keeper.move().damaged == 0  # its owner lives
    tape.close()
    assert keeper.move().damaged == 1
    assert [path.name for path in folder.glob("*tape*")] == [tape.path.name + DAMAGED]
    assert Keeper(ledger, folder).move().leads == 0
    assert count(ledger, segment) == 1  # somebody may mend it, and put it back
    assert scores(ledger, score.c.first_at) == [NOON]


def test_a_segment_that_is_none_is_set_aside(ledger: Ledger, folder: Path) -> None:
    """Whatever has its name."""
    (folder / "x-1.tape").write_bytes(b"nothing")
    (folder / "y-1.tape").write_bytes(b"n" * (PAGE + 100))
    assert Keeper(ledger, folder).move().damaged == 2


def test_scores_of_a_model_whose_file_is_gone_are_set_aside(ledger: Ledger, folder: Path, digest: str) -> None:
    """Nobody can say what they were; but once the ledger has the file, the folder's is not needed."""
    lost = Segment(folder, ("ab" * 32,))
    lost.write(NOON, "a")
    lost.close()
    keeper = Keeper(ledger, folder)
    assert keeper.move()[:5] == (0, 0, 0, 0, 1)
    tape = Segment(folder, (digest,))
    tape.write(NOON, "a")
    assert keeper.move().leads == 1
    (folder / "models" / digest).unlink()
    tape.write(NOON + 1, "b")
    assert Keeper(ledger, folder).move().leads == 1
    tape.close()


def test_who_was_erased_stays_so(ledger: Ledger, folder: Path, tape: Segment) -> None:
    """Scores that were on the tape by then are dropped; a lead that comes back later is a new one."""
    with ledger.writing() as connection:
        connection.execute(insert(erased).values(key=key_of("a"), at=NOON + 5))
    for moment in (NOON, NOON + 5, NOON + 6):
        tape.write(moment, "a", (float(moment),))
    tape.write(NOON, "b")
    moved = Keeper(ledger, folder).move()
    assert (moved.leads, moved.erased) == (4, 2)
    assert scores(ledger, score.c.first_at) == [NOON, NOON + 6]


def test_a_lead_of_which_an_outcome_came_first_is_the_same(ledger: Ledger, folder: Path, tape: Segment) -> None:
    """Its row has only the key."""
    with ledger.writing() as connection:
        number = connection.execute(insert(lead).values(key=key_of("a")).returning(lead.c.number)).scalar_one()
    tape.write(NOON, "a", plain=True)
    Keeper(ledger, folder).move()
    assert scores(ledger, score.c.lead) == [number]
    with ledger.reading() as connection:
        assert connection.execute(select(lead.c.name)).scalars().all() == ["a"]


def test_segments_of_the_same_name_in_two_folders_are_two(ledger: Ledger, tmp_path: Path) -> None:
    """Machines of a fleet share one ledger."""
    for place in "ab":
        digest = keep_model(tmp_path / place, CONTENT)
        made = Segment(tmp_path / place, (digest,))
        made.write(NOON, place)
        made.path.rename(tmp_path / place / "same-1.tape")
        made.close()
        assert Keeper(ledger, tmp_path / place).move().leads == 1
    assert count(ledger, score) == 2
    assert named(tmp_path / "a") != named(tmp_path / "b")


def test_two_keepers_of_one_folder_move_nothing_twice(ledger: Ledger, folder: Path, tape: Segment) -> None:
    """Also if the lock on the folder does not keep them apart: each sees what the other has stored."""
    first, second = Keeper(ledger, folder), Keeper(ledger, folder)
    assert first.move() == second.move()
    tape.write(NOON, "a")
    assert first.move().leads == 1
    assert second.move().leads == 0
    tape.write(NOON + 1, "b")
    assert second.move().leads == 1
    assert count(ledger, score) == 2


def test_while_the_database_is_down_the_tape_waits(folder: Path, tape: Segment) -> None:
    """What waits is known without it."""
    keeper = Keeper(open_ledger("postgresql://nobody@127.0.0.1:1/nothing"), folder)
    tape.write(NOON, "a")
    with pytest.raises(LedgerUnavailable):
        keeper.move()
    assert keeper.waiting() == (NOON, tape.path.stat().st_size)
    assert [path.name for path in segments_in(folder)] == [tape.path.name]


def test_what_waits_is_what_is_not_moved(ledger: Ledger, folder: Path, tape: Segment) -> None:
    """Its earliest score says how far the ledger is behind."""
    keeper = Keeper(ledger, folder)
    tape.write(NOON, "a")
    tape.write(NOON + 1, "a")
    assert keeper.waiting()[0] == NOON
    keeper.move()
    assert keeper.waiting()[0] is None


def test_a_lead_that_was_deleted_between_two_moves_is_made_anew(ledger: Ledger, folder: Path, tape: Segment) -> None:
    """The keeper remembers no lead from one transaction to the next."""
    keeper = Keeper(ledger, folder)
    tape.write(NOON, "a")
    keeper.move()
    with ledger.writing() as connection:
        connection.execute(delete(score))
        connection.execute(delete(lead))
    tape.write(NOON + 1, "a")
    assert keeper.move()[:2] == (1, 0)
    assert scores(ledger, score.c.times) == [1]
