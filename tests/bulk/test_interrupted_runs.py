"""A run that ends before its end loses nothing, and leaves nothing behind that no other run can go on with."""

import gzip
import os
import subprocess
import tempfile
import zlib
from pathlib import Path
from typing import Any

import factories
import pytest
from bulk_files import content, mixed, planted, rows_of, run
from hypothesis import given, settings
from hypothesis import strategies as st
from killed import SYSTEM, Killed, killed_at
from small_disk import small_disk

from leadscoring.bulk import batches
from leadscoring.errors import ScoringFileError
from leadscoring.model.file import open_model
from leadscoring.model.loaded import LoadedModel

FEW = settings(max_examples=25, deadline=None)


@FEW
@given(
    kills=st.lists(st.tuples(st.integers(1, 90), st.booleans()), min_size=1, max_size=3),
    ending=st.sampled_from(["csv", "parquet"]),
    source=st.sampled_from(["csv", "csv.gz", "parquet", "folder"]),
)
def test_a_run_that_is_killed_anywhere_is_resumed(
    model: LoadedModel, kills: list[tuple[int, bool]], ending: str, source: str
) -> None:
    """Whenever a run ends, going on gives byte for byte what an undisturbed run gives."""
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(batches, "BLOCK", 1500)
        patch.setattr(batches, "ROWS", 40)
        place = Path(folder)
        data = planted(place, source)
        whole, out = place / "one" / f"scores.{ending}", place / "two" / f"scores.{ending}"
        whole.parent.mkdir()
        out.parent.mkdir()
        expected = run(model, data, whole)
        for number, before in kills:
            with killed_at(number, before):
                try:
                    run(model, data, out, resume=True, recorded=0)
                except Killed:
                    continue
        found = run(model, data, out, resume=True, recorded=0)
        assert found.counts == expected.counts
        assert out.read_bytes() == whole.read_bytes()
        rejects = (whole.with_name("scores.rejects.csv"), out.with_name("scores.rejects.csv"))
        assert rejects[0].exists() == rejects[1].exists()
        assert not rejects[0].exists() or rejects[0].read_bytes() == rejects[1].read_bytes()
        assert sorted(path.name for path in out.parent.iterdir()) == sorted(
            path.name for path in whole.parent.iterdir()
        )


def test_resuming_does_not_score_twice(model: LoadedModel, tmp_path: Path, small_blocks: None) -> None:
    """What an interrupted run had recorded is not read again."""
    (tmp_path / "leads.csv").write_text(content(["sound"] * 500))
    with killed_at(40, True), pytest.raises(Killed):
        run(model, tmp_path / "leads.csv", tmp_path / "scores.csv", recorded=0)
    found = run(model, tmp_path / "leads.csv", tmp_path / "scores.csv", recorded=0, resume=True)
    assert 0 < found.resumed < found.counts.rows == 500


@pytest.mark.parametrize("name", [".scores.csv.part", ".scores.rejects.csv.part"])
@pytest.mark.parametrize("change", ["gone", "cut", "changed"])
@pytest.mark.parametrize("is_complete", [False, True])
def test_scores_that_are_not_those_of_the_run_are_not_kept(
    model: LoadedModel, tmp_path: Path, small_blocks: None, name: str, change: str, is_complete: bool
) -> None:
    """Gone, cut or changed, in mid run or when all is written: the error names the file and what to do, which works."""
    data, out, part = tmp_path / "leads.csv", tmp_path / "scores.csv", tmp_path / name
    data.write_text(content(["sound", "text"] * 250))
    with killed_at(1 if is_complete else 40, True, ("replace",) if is_complete else SYSTEM), pytest.raises(Killed):
        run(model, data, out, recorded=0)
    body = part.read_bytes()
    part.unlink()
    if change != "gone":
        part.write_bytes(body[:100] if change == "cut" else body.replace(b"lead ", b"LEAD ", 1))
    with pytest.raises(ScoringFileError, match=rf"{name} (is|was) .*: start again without --resume"):
        run(model, data, out, resume=True)
    assert run(model, data, out).counts.rows == len(rows_of(out)) + 250 == 500


@pytest.mark.parametrize("change", ["source", "options", "model", "removed"])
def test_what_has_changed_cannot_be_resumed(
    model: LoadedModel, tmp_path: Path, small_blocks: None, change: str
) -> None:
    """The error says what has changed, and a run without --resume starts anew."""
    data, out = tmp_path / "leads.csv", tmp_path / "scores.csv"
    data.write_text(content(["sound"] * 500))
    with killed_at(40, True), pytest.raises(Killed):
        run(model, data, out, recorded=0)
    options: dict[str, Any] = {}
    if change == "source":
        data.write_text(content(["sound"] * 501))
        words = "has changed"
    elif change == "removed":
        data = data.rename(tmp_path / "other.csv")
        words = "was not there"
    elif change == "options":
        options, words = {"reasons": 2}, "reasons is 2, not 5"
    else:
        other = factories.card(version="9.9.9")
        model, words = open_model(factories.model_file(tmp_path, other)), "the model is another file"
    with pytest.raises(ScoringFileError, match=words):
        run(model, data, out, resume=True, **options)
    found = run(model, data, out, **options)
    assert found.counts.rows == len(rows_of(out))
    assert any("given up" in note for note in found.notes)


def test_a_file_that_changes_meanwhile_leaves_no_scores(model: LoadedModel, tmp_path: Path, small_blocks: None) -> None:
    """Scores of two states of a file are in no output; the error says what has happened."""
    data, out = tmp_path / "leads.csv", tmp_path / "scores.csv"
    data.write_text(content(["sound"] * 500))
    real = os.write
    grown: list[int] = []

    def growing(descriptor: int, part: Any) -> int:
        if not grown:
            with data.open("a") as file:
                grown.append(file.write("more"))
        return real(descriptor, part)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "write", growing)
        with pytest.raises(ScoringFileError, match="changed while it was scored"):
            run(model, data, out, recorded=0)
    assert not out.exists()
    assert hidden(tmp_path) == []


def hidden(folder: Path) -> list[str]:
    """The files that a run left under temporary names."""
    return sorted(path.name for path in folder.iterdir() if path.name.startswith("."))


@pytest.mark.parametrize("ending", ["csv", "parquet"])
@pytest.mark.parametrize("recorded", [0, 1e9])
def test_damaged_input_leaves_no_files(
    model: LoadedModel, tmp_path: Path, small_blocks: None, ending: str, recorded: float
) -> None:
    """Nothing could go on with them: a file that is mended is another file. The error says where the damage is."""
    packed = gzip.compress(content(["sound"] * 2000).encode())[:-300]
    (tmp_path / "leads.csv.gz").write_bytes(packed)
    there = zlib.decompressobj(31).decompress(packed).count(b"\n")
    with pytest.raises(ScoringFileError, match=rf"is cut off: its compressed data ends after line {there}$"):
        run(model, tmp_path / "leads.csv.gz", tmp_path / f"scores.{ending}", recorded=recorded)
    assert hidden(tmp_path) == []
    good, bad = content(["sound", "text"] * 200), content(["sound"] * 5).replace("revenue", "sales")
    (tmp_path / "a.csv").write_text(good)
    (tmp_path / "b.csv").write_text(bad)
    with pytest.raises(ScoringFileError, match=r"b\.csv lacks 'revenue'"):
        run(model, f"{tmp_path}/?.csv", tmp_path / f"scores.{ending}", recorded=recorded)
    assert hidden(tmp_path) == []


def test_a_damaged_row_group_is_named(model: LoadedModel, tmp_path: Path, small_blocks: None) -> None:
    """With the rows in it, and nothing is left behind."""
    data = planted(tmp_path, "parquet")
    raw = bytearray(data.read_bytes())
    groups = pq_offsets(data)
    raw[groups[1] : groups[1] + 200] = b"\xff" * 200
    data.write_bytes(raw)
    with pytest.raises(ScoringFileError, match=r"row group 2 \(rows 65 to 128\) cannot be read"):
        run(model, data, tmp_path / "scores.csv", recorded=0)
    assert hidden(tmp_path) == []


def pq_offsets(path: Path) -> list[int]:
    """Where the pages of each row group begin: the groups have the same size but for the last."""
    body = path.read_bytes()
    footer = len(body) - 8 - int.from_bytes(body[-8:-4], "little")
    return [4 + footer * number // 3 for number in range(3)]


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_a_full_disk_is_an_error_and_the_run_goes_on_when_there_is_room(
    model: LoadedModel, tmp_path: Path, small_blocks: None, ending: str
) -> None:
    """On a real file system: the error says how much is scored, how to go on, and what to delete to give it up."""
    (tmp_path / "leads.csv").write_text(content(mixed(3000)))
    expected = run(model, tmp_path / "leads.csv", tmp_path / f"whole.{ending}")
    room = (tmp_path / f"whole.{ending}").stat().st_size // 2048
    with small_disk(tmp_path / "disk", room) as disk:
        out = disk / f"scores.{ending}"
        with pytest.raises(ScoringFileError) as raised:
            run(model, tmp_path / "leads.csv", out, recorded=0)
        words = str(raised.value)
        assert "No space left on device" in words
        assert "rows are scored: the same command with --resume goes on after them" in words
        assert f"delete .scores.{ending}.part and .scores.{ending}.journal to give them up" in words
        assert {f".scores.{ending}.part", f".scores.{ending}.journal"} <= set(hidden(disk))
        subprocess.run(["mount", "-o", f"remount,size={room * 8}k", str(disk)], check=True)
        found = run(model, tmp_path / "leads.csv", out, recorded=0, resume=True)
        assert found.resumed > 0
        assert found.counts == expected.counts
        assert out.read_bytes() == (tmp_path / f"whole.{ending}").read_bytes()
        assert hidden(disk) == []


def test_a_disk_without_any_room_leaves_nothing(model: LoadedModel, tmp_path: Path) -> None:
    """No row was recorded, so that there is nothing to go on with."""
    (tmp_path / "leads.csv").write_text(content(["sound"] * 3000))
    with small_disk(tmp_path / "disk", 64) as disk:
        with pytest.raises(ScoringFileError, match=r"No space left on device \(at byte \d+ of [^;]*$"):
            run(model, tmp_path / "leads.csv", disk / "scores.csv")
        assert hidden(disk) == []


def test_what_a_run_was_given_up_for_leaves_no_old_rejects(
    model: LoadedModel, tmp_path: Path, small_blocks: None
) -> None:
    """A new run starts without the temporary files of the one before."""
    data, out = tmp_path / "leads.csv", tmp_path / "scores.csv"
    data.write_text(content(["text"] * 200 + ["sound"] * 300))
    with killed_at(40, True), pytest.raises(Killed):
        run(model, data, out, recorded=0)
    assert ".scores.rejects.csv.part" in hidden(tmp_path)
    data.write_text(content(["sound"] * 300))
    run(model, data, out)
    assert hidden(tmp_path) == []
    assert not (tmp_path / "scores.rejects.csv").exists()
