"""The segments of a run appear whole, once its place is recorded."""

from pathlib import Path

from leadscoring._engine import tape_table
from leadscoring.ledger.run_tape import RunTape, new_run
from leadscoring.ledger.segments import read, segments_in
from leadscoring.ledger.tape_folder import HELD, TapeFolder

MODEL = "1a" * 32


def records(name: str) -> bytearray:
    """The record of one lead."""
    import numpy as np

    content, _ = tape_table(np.ones((1, 3), np.float32), np.ones(1), [name], None, {}, b"secret", 1.0, "", 4 | 16)
    return content


def names(folder: Path) -> list[str | None]:
    """The leads that the keeper sees."""
    return [record.name for path in segments_in(folder) for record in read(path, 0, 100).records]


def test_nothing_is_seen_before_it_is_published(tmp_path: Path) -> None:
    """Then all of it is, with the model; a run without records leaves nothing."""
    tape = RunTape(TapeFolder(tmp_path, 1 << 20), new_run(), MODEL)
    assert tape.seal() == 0
    tape.publish()
    tape.add(b"")
    tape.add(records("ann"))
    tape.add(records("bob"))
    assert tape.seal() == 1
    assert names(tmp_path) == []
    tape.publish()
    assert names(tmp_path) == ["ann", "bob"]
    (segment,) = tape.published()
    assert read(segment, 0, 1).records[0].model == MODEL


def test_a_run_that_goes_on_decides_by_its_place(tmp_path: Path) -> None:
    """What was sealed until there is published, if it is not yet; what is behind is removed."""
    run = new_run()
    first = RunTape(TapeFolder(tmp_path, 1 << 20), run, MODEL)
    for name in ("ann", "bob"):
        first.add(records(name))
        first.seal()
        first.publish()
    first.add(records("eve"))
    first.close()
    RunTape(TapeFolder(tmp_path, 1 << 20), run, MODEL, 2)
    assert names(tmp_path) == ["ann", "bob"]
    assert not list(tmp_path.glob(f"*{HELD}"))
    second = RunTape(TapeFolder(tmp_path, 1 << 20), run, MODEL, 2)
    second.add(records("eve"))
    assert second.seal() == 3
    second.close()  # killed after its place was recorded
    third = RunTape(TapeFolder(tmp_path, 1 << 20), run, MODEL, 3)
    assert names(tmp_path) == ["ann", "bob", "eve"]
    third.add(records("zoe"))
    third.seal()
    third.publish()
    assert names(tmp_path) == ["ann", "bob", "eve", "zoe"]


def test_another_run_in_the_folder_is_left_alone(tmp_path: Path) -> None:
    """Its segment in hand stays, and counts for the size of the folder."""
    folder = TapeFolder(tmp_path, 1 << 20)
    one = RunTape(folder, new_run(), MODEL)
    one.add(records("ann"))
    RunTape(folder, new_run(), MODEL).discard()
    one.seal()
    one.publish()
    assert names(tmp_path) == ["ann"]
    one.add(records("bob"))
    assert not folder.has_room((1 << 20) - folder.size() + 1)
    one.discard()
    assert not list(tmp_path.glob(f"*{HELD}"))
