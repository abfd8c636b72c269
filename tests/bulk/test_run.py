"""No row of a file is lost or doubled, whatever is in it and whenever a run ends; scores are those of the API."""

import gzip
import json
import math
import os
import subprocess
import tempfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import bulk_files
import factories
import polars as pl
import pytest
from bulk_files import KINDS, NAMES, content, lead_of, rejects_of, row, rows_of, run, value_of
from bulk_oracle import asked
from hypothesis import given, settings
from hypothesis import strategies as st
from small_disk import small_disk
from timed import timed_model as timed_file

from leadscoring.bulk import batches
from leadscoring.contract import moment
from leadscoring.errors import ScoringFileError
from leadscoring.model.file import open_model
from leadscoring.model.loaded import LoadedModel

FEW = settings(max_examples=25, deadline=None)


@pytest.fixture(scope="module")
def model() -> Iterator[LoadedModel]:
    """The small model, opened as the service opens it."""
    with tempfile.TemporaryDirectory() as folder:
        yield open_model(factories.model_file(Path(folder)))


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files are read in small parts, so that small files have many."""
    monkeypatch.setattr(batches, "BLOCK", 1500)
    monkeypatch.setattr(batches, "ROWS", 40)


def mixed(rows: int, every: int = 7) -> list[str]:
    """The kinds of many rows, most of them sound."""
    return [KINDS[(number // every) % len(KINDS)] if number % every == 0 else "sound" for number in range(rows)]


@FEW
@given(kinds=st.lists(st.sampled_from(KINDS), min_size=1, max_size=40), block=st.sampled_from([120, 400, 1 << 20]))
def test_no_row_is_lost(model: LoadedModel, kinds: list[str], block: int) -> None:
    """Every row is in the scores or, with its line and content, in the rejects; the counts add up."""
    rows = [row(kind, number) for number, kind in enumerate(kinds)]
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(batches, "BLOCK", block)
        data, out = Path(folder) / "leads.csv", Path(folder) / "scores.csv"
        data.write_text(content(kinds), newline="")
        found = run(model, data, out)
        comes = [one.comes for one in rows]
        counts = found.counts
        assert (counts.scored, counts.rejected) == (comes.count("scored"), comes.count("rejected"))
        assert counts.rows == counts.scored + counts.rejected
        assert counts.empty + counts.headers == comes.count("nothing")
        assert len(rows_of(out)) == counts.scored
        rejects = rejects_of(Path(folder) / "scores.rejects.csv")
        texts = [one.text.replace("\0", "\\0") for one in rows if one.comes == "rejected"]
        assert [one["content"] for one in rejects] == texts
        lines = data.read_bytes().decode().split("\n")
        for one in rejects:
            assert lines[int(one["line"]) - 1].replace("\0", "\\0") == one["content"]
            assert one["faults"]


@FEW
@given(kinds=st.lists(st.sampled_from(("sound", "unknown", "unseen", "text", "outside", "lacking")), min_size=1))
def test_a_row_gets_the_bits_of_the_api(model: LoadedModel, kinds: list[str]) -> None:
    """Probability, tier, bucket, percentile, reasons, warnings and faults of each row are those of the API."""
    with tempfile.TemporaryDirectory() as folder:
        data, out = Path(folder) / "leads.csv", Path(folder) / "scores.csv"
        data.write_text(content(kinds))
        run(model, data, out, reasons=3)
        scores = {one["id"]: one for one in rows_of(out)}
        rejects = {one["id"]: one for one in rejects_of(Path(folder) / "scores.rejects.csv")}
    assert len(scores) + len(rejects) == len(kinds)
    for number, kind in enumerate(kinds):
        lead = lead_of(kind, number)
        answer = asked(model, lead, 3)
        if lead["lead_id"] in rejects:
            wire = json.loads(json.dumps([{"path": fault.path, "message": fault.message} for fault in answer]))
            found = rejects[lead["lead_id"]]["faults"]
            assert [{"path": fault["path"], "message": fault["message"]} for fault in found] == wire
        else:
            assert_same(scores[lead["lead_id"]], answer[1])


def assert_same(scores: dict[str, str], answer: Any) -> None:
    """A row of scores has everything that an answer of the API has."""
    score = answer.score
    assert float(scores["probability"]) == score.raw_score
    assert (scores["tier"], int(scores["bucket"])) == (score.tier, score.bucket)
    assert (float(scores["percentile"]) if scores["percentile"] else None) == score.percentile
    for number, reason in enumerate(answer.reasons, start=1):
        assert scores[f"reason_{number}_feature"] == reason.feature
        assert float(scores[f"reason_{number}_contribution"]) == reason.contribution
        value = scores[f"reason_{number}_value"]
        assert value_of(value) == (reason.value if not isinstance(reason.value, bool) else int(reason.value))
    assert scores["warnings"] == "; ".join(f"{one.code}: {one.message}" for one in answer.warnings)


def test_parquet_has_the_scores_of_csv(model: LoadedModel, tmp_path: Path, small_blocks: None) -> None:
    """Parquet in and out, and CSV in and out, agree in every column."""
    kinds = [("sound", "unknown", "unseen")[number % 3] for number in range(300)]
    (tmp_path / "leads.csv").write_text(content(kinds))
    table = pl.read_csv(tmp_path / "leads.csv", null_values=["n/a", "unknown"])
    table.write_parquet(tmp_path / "leads.parquet", row_group_size=70)
    run(model, tmp_path / "leads.csv", tmp_path / "one.csv", details=True)
    run(model, tmp_path / "leads.parquet", tmp_path / "two.csv", details=True)
    run(model, tmp_path / "leads.parquet", tmp_path / "three.parquet", details=True)
    assert (tmp_path / "one.csv").read_bytes() == (tmp_path / "two.csv").read_bytes()
    plain, nested = pl.read_csv(tmp_path / "one.csv"), pl.read_parquet(tmp_path / "three.parquet")
    texts = pl.read_csv(tmp_path / "one.csv", infer_schema=False)
    same = ["id", "probability", "tier", "bucket", "percentile", "model_version", "model_digest", "margin", "remainder"]
    assert plain.select(same).rows() == nested.select(same).rows()
    for number in range(5):
        reason = nested["reasons"].list.get(number).struct
        assert reason.field("feature").to_list() == plain[f"reason_{number + 1}_feature"].to_list()
        assert reason.field("value").to_list() == texts[f"reason_{number + 1}_value"].to_list()
        assert reason.field("contribution").to_list() == plain[f"reason_{number + 1}_contribution"].to_list()
    assert [bool(one) for one in nested["warnings"].to_list()] == [one is not None for one in plain["warnings"]]


def test_details_add_up(model: LoadedModel, tmp_path: Path) -> None:
    """The base value, the contributions and the remainder make the margin."""
    (tmp_path / "leads.csv").write_text(content(["sound"] * 20))
    run(model, tmp_path / "leads.csv", tmp_path / "scores.csv", details=True, reasons=2)
    for one in rows_of(tmp_path / "scores.csv"):
        shares = [float(one[f"reason_{number}_contribution"]) for number in (1, 2)]
        assert math.isclose(float(one["base_value"]) + sum(shares) + float(one["remainder"]), float(one["margin"]))


class Killed(BaseException):
    """Stands for the end of the process: nothing of the run handles it."""


SYSTEM = ("write", "fsync", "replace", "ftruncate", "open")
"""What a run calls to change files."""


@contextmanager
def killed_at(number: int, before: bool) -> Iterator[list[int]]:
    """Ends whatever runs at one of its calls of the system, before it or, for writes, when half is written."""
    count = [0]

    def ending(real: Callable[..., Any], name: str) -> Callable[..., Any]:
        def called(*arguments: Any, **options: Any) -> Any:
            count[0] += 1
            if count[0] != number:
                return real(*arguments, **options)
            if not before and name == "write":
                real(arguments[0], bytes(arguments[1])[: max(1, len(arguments[1]) // 2)])
            elif not before:
                real(*arguments, **options)
            raise Killed

        return called

    with pytest.MonkeyPatch.context() as patch:
        for name in SYSTEM:
            patch.setattr(os, name, ending(getattr(os, name), name))
        yield count


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


def planted(place: Path, source: str) -> Path:
    """Leads with faults as a file of a kind, or as a folder of files."""
    text = content(mixed(150))
    if source == "parquet":
        table = pl.DataFrame(
            [bulk_files.cells(f"lead {number}", visits=str(number % 9)) for number in range(150)],
            schema=["crm id", *NAMES],
            orient="row",
        )
        table.write_parquet(place / "leads.parquet", row_group_size=64)
        return place / "leads.parquet"
    if source == "csv":
        (place / "leads.csv").write_text(text)
        return place / "leads.csv"
    if source == "csv.gz":
        (place / "leads.csv.gz").write_bytes(gzip.compress(text.encode()))
        return place / "leads.csv.gz"
    folder = place / "folder"
    folder.mkdir()
    for name in ("a.csv", "b.csv", "c.csv"):
        (folder / name).write_text(content(mixed(50, 11)))
    return folder


def test_resuming_does_not_score_twice(model: LoadedModel, tmp_path: Path, small_blocks: None) -> None:
    """What an interrupted run had recorded is not read again."""
    (tmp_path / "leads.csv").write_text(content(["sound"] * 500))
    with killed_at(40, True), pytest.raises(Killed):
        run(model, tmp_path / "leads.csv", tmp_path / "scores.csv", recorded=0)
    found = run(model, tmp_path / "leads.csv", tmp_path / "scores.csv", recorded=0, resume=True)
    assert 0 < found.resumed < found.counts.rows == 500


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


def test_moments_come_from_a_column_or_are_those_of_the_first_run(tmp_path: Path, small_blocks: None) -> None:
    """By a contract with dates, scores have the moment as of which they hold; a resumed run keeps it."""
    model, data, out = open_model(timed_file(tmp_path)), tmp_path / "leads.csv", tmp_path / "scores.csv"
    rows = [f"{number},{number},2026-01-{1 + number % 28:02},2026-03-0{1 + number % 9}" for number in range(200)]
    data.write_text("\n".join(["lead,amount,created,seen", *rows]))
    run(model, data, out, lead_id="lead", as_of="seen")
    assert {one["as_of"] for one in rows_of(out)} == {f"2026-03-0{day}T00:00:00Z" for day in range(1, 10)}
    run(model, data, out, lead_id="lead", as_of="2026-03-05")
    assert {one["as_of"] for one in rows_of(out)} == {"2026-03-05T00:00:00Z"}
    with killed_at(16, True), pytest.raises(Killed):
        run(model, data, out, lead_id="lead", recorded=0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(moment, "now", lambda: 1_900_000_000_000_000)
        found = run(model, data, out, lead_id="lead", recorded=0, resume=True)
    assert found.resumed
    assert len({one["as_of"] for one in rows_of(out)}) == 1


def test_columns_of_the_input_are_repeated(model: LoadedModel, tmp_path: Path) -> None:
    """Texts stand as they stood, with an apostrophe where a spreadsheet would run them; names do not collide."""
    text = content(["sound", "formula", "sound"]).replace("crm id", "id").replace("growth", "tier", 1)
    (tmp_path / "leads.csv").write_text(text)
    found = run(model, tmp_path / "leads.csv", tmp_path / "scores.csv", lead_id="id", keep=("id", "visits", "tier"))
    rows = rows_of(tmp_path / "scores.csv")
    assert [one["input_id"] for one in rows] == ["lead 0", "'=1+1", "lead 2"]
    assert [one["visits"] for one in rows] == ["0", "1", "2"]
    assert {"tier", "input_tier"} <= set(rows[0])
    assert found.counts.marked == 2


def test_leads_without_an_id_have_the_number_of_their_line(model: LoadedModel, tmp_path: Path) -> None:
    """With several files, the file comes first; the summary says so."""
    for name in ("a.csv", "b.csv"):
        (tmp_path / name).write_text(content(["sound", "blank", "sound"]))
    found = run(model, tmp_path / "a.csv", tmp_path / "scores.parquet", lead_id=None)
    assert found.id is None
    assert pl.read_parquet(tmp_path / "scores.parquet")["id"].to_list() == ["2", "4"]
    run(model, f"{tmp_path}/?.csv", tmp_path / "scores.parquet", lead_id=None)
    assert pl.read_parquet(tmp_path / "scores.parquet")["id"].to_list() == [
        f"{tmp_path}/{place}" for place in ("a.csv:2", "a.csv:4", "b.csv:2", "b.csv:4")
    ]


@pytest.mark.parametrize("ends", ["\n", "\r\n"])
def test_a_bad_byte_changes_only_its_own_line(
    model: LoadedModel, tmp_path: Path, small_blocks: None, ends: str
) -> None:
    """A line that is not UTF-8 is read as Windows-1252, and named, wherever it is; all others stay UTF-8."""
    lines = content(["umlaut", *["sound"] * 300, "umlaut", "umlaut"]).removesuffix("\n").split("\n")
    raw = [line.encode() for line in lines]
    raw[302] = lines[302].encode("cp1252")
    for name in ("a.csv", "b.csv"):
        (tmp_path / name).write_bytes(ends.encode().join(raw) + ends.encode())
    found = run(model, tmp_path / "a.csv", tmp_path / "scores.csv")
    assert (found.counts.foreign, found.counts.foreign_lines) == (1, ("303",))
    assert not [note for note in found.notes if "UTF-8" in note]
    ids = [one["id"] for one in rows_of(tmp_path / "scores.csv")]
    assert [ids[0], *ids[-2:]] == ["lead 0 ü", "lead 301 ü", "lead 302 ü"]
    both = run(model, f"{tmp_path}/?.csv", tmp_path / "scores.csv").counts
    assert both.foreign_lines == (f"{tmp_path}/a.csv:303", f"{tmp_path}/b.csv:303")


def test_a_file_without_rows_has_a_header_of_scores(model: LoadedModel, tmp_path: Path) -> None:
    """An empty export is no error: its scores are empty, too."""
    (tmp_path / "leads.csv").write_text(bulk_files.HEADER + "\n")
    for ending in ("csv", "parquet"):
        found = run(model, tmp_path / "leads.csv", tmp_path / f"scores.{ending}")
        assert found.counts.rows == 0
    assert "probability" in (tmp_path / "scores.csv").read_text()
    assert pl.read_parquet(tmp_path / "scores.parquet").height == 0


def test_old_rejects_do_not_stay(model: LoadedModel, tmp_path: Path) -> None:
    """The file of rejects of an earlier run goes when nothing is rejected any more."""
    (tmp_path / "leads.csv").write_text(content(["sound", "text"]))
    assert run(model, tmp_path / "leads.csv", tmp_path / "scores.csv").rejects is not None
    (tmp_path / "leads.csv").write_text(content(["sound", "sound"]))
    assert run(model, tmp_path / "leads.csv", tmp_path / "scores.csv").rejects is None
    assert not (tmp_path / "scores.rejects.csv").exists()
