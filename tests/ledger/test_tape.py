"""The tape keeps what is appended, over segments and models, and says what it could not keep."""

import asyncio
import logging
import os
from pathlib import Path

import pytest

from leadscoring._engine import Rows
from leadscoring.errors import NotRecorded
from leadscoring.lead import Lead
from leadscoring.ledger import tape as ledger_tape
from leadscoring.ledger.lead_key import LeadKeys
from leadscoring.ledger.objections import replace_keys
from leadscoring.ledger.segments import MOST_MODELS, Record, is_being_written, read, segments_in
from leadscoring.ledger.tape import ERASED, Tape
from leadscoring.ledger.tape_folder import TapeFolder

KEYS = LeadKeys(b"secret")
MODEL = "1a" * 32
SMALL = 1 << 14


def append(tape: Tape, first: int, leads: int, model: str = MODEL) -> None:
    """Appends leads with consecutive numbers in one call."""
    places = range(first, first + leads)
    rows = Rows([[float(place)] * 10 for place in places])
    tape.append(model, rows, list(map(float, places)), [Lead(f"{place}", ()) for place in places], "r", 0, False, None)


def recorded(folder: Path) -> list[Record]:
    """Every record in a folder, segment by segment."""
    found = []
    for path in segments_in(folder):
        part, _, damaged = read(path, 0, 1_000_000)
        assert not damaged
        found += part
    return found


def test_a_batch_may_span_segments(tmp_path: Path) -> None:
    """Each row once, in order; the segments that are full may be moved while the tape goes on."""
    tape = Tape(TapeFolder(tmp_path, 100 * SMALL, SMALL), KEYS)
    append(tape, 0, 1)
    append(tape, 1, 500)
    append(tape, 501, 1)
    assert [record.margin for record in recorded(tmp_path)] == list(map(float, range(502)))
    assert len(segments_in(tmp_path)) > 3
    tape.tend()
    *ended, _current = segments_in(tmp_path)
    assert not any(map(is_being_written, ended[:-1]))
    tape.close()
    assert not any(map(is_being_written, segments_in(tmp_path)))


def test_the_next_segment_is_made_before_it_is_needed(tmp_path: Path) -> None:
    """By the thread that tends the tape, as soon as a part of the current one is used."""
    tape = Tape(TapeFolder(tmp_path, 100 * SMALL, SMALL), KEYS)
    tape.tend()
    assert len(segments_in(tmp_path)) == 1
    append(tape, 0, 100)
    tape.tend()
    assert len(segments_in(tmp_path)) == 2
    append(tape, 100, 100)
    assert len(segments_in(tmp_path)) == 2
    assert [record.margin for record in recorded(tmp_path)] == list(map(float, range(200)))
    tape.close()


@pytest.mark.parametrize("share", [1.0, 0.5])
def test_leads_without_room_are_counted(tmp_path: Path, caplog: pytest.LogCaptureFixture, share: float) -> None:
    """Those that would have been kept, exactly; and the log says so once, and when there is room again."""
    missed: list[float] = []
    tape = Tape(TapeFolder(tmp_path, 2 * SMALL, SMALL), KEYS, share, unrecorded=missed.append)
    with caplog.at_level(logging.INFO):
        append(tape, 0, 1000)
        append(tape, 1000, 5)
    kept = sum(tape.keeps(Lead(f"{place}", ())) for place in range(1005))
    assert len(recorded(tmp_path)) + sum(missed) == kept
    assert sum(missed) > 0
    assert caplog.text.count("tape full") == 1
    segments_in(tmp_path)[0].unlink()
    before = sum(missed)
    with caplog.at_level(logging.INFO):
        tape.tend()
    append(tape, 2000, 5)
    assert sum(missed) == before
    assert caplog.text.count("tape has room again") == 1
    tape.close()


def test_leads_without_room_are_refused_if_they_must_be_kept(tmp_path: Path) -> None:
    """With an error that a client may retry; nothing is counted."""
    missed: list[float] = []
    tape = Tape(TapeFolder(tmp_path, SMALL, SMALL), KEYS, full="refuse", unrecorded=missed.append)
    append(tape, 0, 50)
    with pytest.raises(NotRecorded):
        append(tape, 50, 500)
    with pytest.raises(NotRecorded):
        append(tape, 550, 1)
    assert [record.margin for record in recorded(tmp_path)][:50] == list(map(float, range(50)))
    assert missed == []
    tape.close()


def test_leads_outside_of_the_share_are_never_refused(tmp_path: Path) -> None:
    """Nobody asked to keep them."""
    tape = Tape(TapeFolder(tmp_path, SMALL, SMALL), KEYS, share=1e-12, full="refuse")
    append(tape, 0, 10)
    tape.close()
    append(tape, 10, 10)
    assert recorded(tmp_path) == []


def test_more_models_than_a_header_has_room_for(tmp_path: Path) -> None:
    """The next segment takes them."""
    tape = Tape(TapeFolder(tmp_path, 10 * SMALL, SMALL), KEYS)
    models = [f"{number:064x}" for number in range(MOST_MODELS + 3)]
    for number, model in enumerate(models):
        append(tape, number, 1, model)
    append(tape, len(models), 1, models[0])
    assert [record.model for record in recorded(tmp_path)] == [*models, models[0]]
    assert len(segments_in(tmp_path)) == 2
    tape.close()


def test_a_running_tape_measures_itself_and_ends_with_its_context(tmp_path: Path) -> None:
    """At once at its start, and without waiting for the next second at its end."""
    measured: list[float] = []
    tape = Tape(TapeFolder(tmp_path, 10 * SMALL, SMALL), KEYS, measured=measured.append)

    async def run() -> None:
        async with tape.running():
            append(tape, 0, 10)
            while not measured:
                await asyncio.sleep(0.001)

    asyncio.run(asyncio.wait_for(run(), 60))
    assert measured[0] == SMALL * len(segments_in(tmp_path))
    assert len(recorded(tmp_path)) == 10
    assert not any(map(is_being_written, segments_in(tmp_path)))
    append(tape, 10, 1)  # a request that was answered late is counted, not kept
    assert len(recorded(tmp_path)) == 10


def test_a_segment_is_ended_when_a_lead_is_erased(tmp_path: Path) -> None:
    """One without leads stays; the next one is there before, so that no request waits for it."""
    tape = Tape(TapeFolder(tmp_path, 100 * SMALL, SMALL), KEYS)
    replace_keys(tmp_path / ERASED, b"1")
    tape.tend()
    assert not tape.leave()
    append(tape, 0, 1)
    tape.tend()
    assert not tape.leave()
    replace_keys(tmp_path / ERASED, b"2")
    tape.tend()
    assert tape.leave()
    tape.tend()
    first, *_ = segments_in(tmp_path)
    assert not is_being_written(first)
    append(tape, 1, 1)
    assert [record.margin for record in read(first, 0, 10).records] == [0.0]
    assert [record.margin for record in recorded(tmp_path)] == [0.0, 1.0]
    tape.close()


def test_a_segment_is_ended_by_its_age(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also when no lead comes any more."""
    tape = Tape(TapeFolder(tmp_path, 100 * SMALL, SMALL), KEYS)
    append(tape, 0, 1)
    tape.tend()
    assert not tape.leave()
    monkeypatch.setattr(ledger_tape, "SEGMENT_SECONDS", 0.0)
    tape.tend()
    assert tape.leave()
    tape.tend()
    assert not is_being_written(segments_in(tmp_path)[0])
    tape.close()
    assert len(recorded(tmp_path)) == 1


def test_a_full_folder_keeps_the_segment(tmp_path: Path) -> None:
    """It is ended as soon as there is room for the next one: no lead is lost for an erasure."""
    tape = Tape(TapeFolder(tmp_path, 2 * SMALL, SMALL), KEYS)
    append(tape, 0, 1)
    other = TapeFolder(tmp_path, 2 * SMALL, SMALL).make_segment()
    replace_keys(tmp_path / ERASED, b"1")
    tape.tend()
    assert not tape.leave()
    append(tape, 1, 1)
    assert [record.margin for record in recorded(tmp_path)] == [0.0, 1.0]
    os.close(other)
    segments_in(tmp_path)[-1].unlink()
    tape._retry_at = 0.0  # the second between two attempts is over
    tape.tend()
    assert tape.leave()
    tape.close()
