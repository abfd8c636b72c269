"""No row of a file is lost or doubled, whatever is in it and whenever a run ends; scores are those of the API."""

import csv
import datetime
import hashlib
import json
import math
import tempfile
from itertools import product
from pathlib import Path
from typing import Any

import bulk_files
import polars as pl
import pytest
from bulk_files import KINDS, NAMES, content, lead_of, rejects_of, row, rows_of, run, value_of
from bulk_oracle import asked
from hypothesis import given, settings
from hypothesis import strategies as st
from killed import Killed, killed_at
from timed import timed_model as timed_file

from leadscoring.bulk import batches
from leadscoring.contract import moment
from leadscoring.errors import ScoringFileError
from leadscoring.model.file import open_model
from leadscoring.model.loaded import LoadedModel

FEW = settings(max_examples=25, deadline=None)


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


def test_scores_with_tabs_are_those_with_commas(model: LoadedModel, tmp_path: Path) -> None:
    """In every cell, whatever stands there; rejects are CSV."""
    (tmp_path / "leads.csv").write_text(content([*KINDS] * 3))
    for ending in ("csv", "tsv"):
        run(model, tmp_path / "leads.csv", tmp_path / f"scores.{ending}", keep=("all",), details=True)
    with (tmp_path / "scores.tsv").open(newline="") as file:
        assert list(csv.DictReader(file, delimiter="\t")) == rows_of(tmp_path / "scores.csv")


def test_details_add_up(model: LoadedModel, tmp_path: Path) -> None:
    """The base value, the contributions and the remainder make the margin."""
    (tmp_path / "leads.csv").write_text(content(["sound"] * 20))
    run(model, tmp_path / "leads.csv", tmp_path / "scores.csv", details=True, reasons=2)
    for one in rows_of(tmp_path / "scores.csv"):
        shares = [float(one[f"reason_{number}_contribution"]) for number in (1, 2)]
        assert math.isclose(float(one["base_value"]) + sum(shares) + float(one["remainder"]), float(one["margin"]))


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


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_scores_can_be_joined_to_what_comes_later(tmp_path: Path, ending: str) -> None:
    """Each row has its id, its moment and the SHA-256 of the model; Parquet also has the model in its metadata."""
    model, data, out = open_model(timed_file(tmp_path)), tmp_path / "leads.csv", tmp_path / f"scores.{ending}"
    rows = [f"{number},{number},2026-01-{1 + number % 28:02},2026-03-0{1 + number % 9}" for number in range(50)]
    data.write_text("\n".join(["lead,amount,created,seen", *rows]))
    run(model, data, out, lead_id="lead", as_of="seen")
    scores = pl.read_csv(out, infer_schema=False) if ending == "csv" else pl.read_parquet(out)
    digest = hashlib.sha256((tmp_path / "timed.json").read_bytes()).hexdigest()
    outcomes = pl.DataFrame(
        {
            "id": [str(number) for number in range(50)],
            "as_of": [f"2026-03-0{1 + number % 9}T00:00:00Z" for number in range(50)],
            "model_digest": digest,
            "won": [number % 3 == 0 for number in range(50)],
        }
    )
    assert scores.join(outcomes, on=["id", "as_of", "model_digest"], validate="1:1").height == 50
    if ending == "parquet":
        facts = pl.read_parquet_metadata(out)
        assert (facts["leadscoring.model"], facts["leadscoring.model_sha256"]) == ("timed", digest)


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


def columns_of_types() -> dict[str, pl.Series]:
    """Columns of three cells of every type that Parquet has."""
    day = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
    cells: dict[str, list[Any]] = {
        "lists": [["a"], None, ["b"]],
        "lists of bytes": [[b"\xff"], None, []],
        "structs": [{"a": 1}] * 3,
        "structs of bytes": [{"a": b"\xff"}] * 3,
        "bytes": [b"\xff\xfe", b"b", None],
        "flags": [True, False, None],
        "days": [day.date()] * 3,
        "times": [day] * 3,
        "hours": [day.time()] * 3,
        "durations": [datetime.timedelta(1)] * 3,
        "nothing": [None] * 3,
        "floats": [1.0, 2.0, None],
    }
    typed: dict[str, Any] = {
        "arrays": pl.Array(pl.Int64, 1),
        "long": pl.UInt64,
        "decimals": pl.Decimal(9, 2),
        "names": pl.Categorical,
    }
    values: dict[str, list[Any]] = {"arrays": [[1]] * 3, "long": [2**63 + 1, 2, 3], "decimals": [1] * 3}
    made = {name: pl.Series(values.get(name, ["a", "b", "a"]), dtype=kind) for name, kind in typed.items()}
    return {name: pl.Series(one) for name, one in cells.items()} | made


@pytest.mark.parametrize("use", ["--id", "--as-of", "--columns", "revenue", "decision_maker", "source"])
def test_a_column_of_any_type_is_used_or_refused_by_its_name(model: LoadedModel, tmp_path: Path, use: str) -> None:
    """Whatever a column of Parquet holds, and whether its rows are rejected: nothing else ends the run."""
    timed = open_model(timed_file(tmp_path))
    sound: dict[str, pl.Series] = {
        name: pl.Series([cell] * 3) for name, cell in zip(NAMES, bulk_files.SOUND, strict=True)
    }
    options: dict[str, dict[str, Any]] = {
        "--id": {"lead_id": "x"},
        "--as-of": {"as_of": "x"},
        "--columns": {"keep": ("x",)},
    }
    for (kind, column), revenue, end in product(columns_of_types().items(), ("5", "many"), ("csv", "parquet")):
        table = {"created": pl.Series([None] * 3), "amount": pl.Series([revenue] * 3)}
        table |= sound | {"revenue": pl.Series([revenue] * 3), use if use in NAMES else "x": column}
        table["crm id"] = pl.Series(["a", "b", "c"])
        pl.DataFrame(table).write_parquet(tmp_path / "leads.parquet")
        chosen = timed if use == "--as-of" else model
        words = refusal(chosen, tmp_path / "leads.parquet", tmp_path / f"s.{end}", options.get(use, {}))
        assert words is None or (use != "--columns" and use.removeprefix("--") in words and "which holds" in words), (
            kind
        )


def refusal(model: LoadedModel, data: Path, out: Path, options: dict[str, Any]) -> str | None:
    """Why three leads are refused; ``None`` if all are in the scores or rejects."""
    try:
        found = run(model, data, out, **options)
    except ScoringFileError as failure:
        return str(failure)
    assert found.counts.rows == found.counts.scored + found.counts.rejected == 3
    return None


def test_an_id_of_lists_says_what_is_allowed(model: LoadedModel, tmp_path: Path) -> None:
    """The error names the option, the column and what it holds; also where no option names the column."""
    sound = {name: [cell] for name, cell in zip(NAMES, bulk_files.SOUND, strict=True)}
    pl.DataFrame({"lead_id": [["a"]]} | sound).write_parquet(tmp_path / "leads.parquet")
    for lead_id, words in (("lead_id", "--id names 'lead_id'"), (None, "the column 'lead_id' is needed")):
        with pytest.raises(ScoringFileError, match=f"{words}, which holds lists .*; allowed: texts or whole numbers"):
            run(model, tmp_path / "leads.parquet", tmp_path / "s.csv", lead_id=lead_id)
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".s.csv")]


@pytest.mark.parametrize(("ids", "found"), [([1.0, None, 7e15], ["1", "7000000000000000"]), ([1.0, math.nan], ["1"])])
def test_whole_numbers_among_floats_are_ids(
    model: LoadedModel, tmp_path: Path, ids: list[float | None], found: list[str]
) -> None:
    """As pandas writes a column of whole numbers in which one is missing; the lead without an id is rejected."""
    path = of_ids(tmp_path, ids)
    result = run(model, path, tmp_path / "s.csv")
    assert (result.counts.scored, result.counts.rejected) == (len(found), 1)
    assert [row["id"] for row in rows_of(tmp_path / "s.csv")] == found


@pytest.mark.parametrize("lead_id", [2.5, 2.0**53, 123456789012345680.0, -math.inf])
def test_floats_that_lost_digits_are_no_ids(model: LoadedModel, tmp_path: Path, lead_id: float) -> None:
    """A score whose id belongs to no lead would be lost in a join, without a word."""
    with pytest.raises(ScoringFileError, match=r"the column 'crm id' of ids holds .* a Float64 has not all"):
        run(model, of_ids(tmp_path, [1.0, lead_id]), tmp_path / "s.csv")


def of_ids(folder: Path, ids: list[float | None]) -> Path:
    """A file of sound leads with these ids."""
    sound = {name: [cell] * len(ids) for name, cell in zip(NAMES, bulk_files.SOUND, strict=True)}
    pl.DataFrame({"crm id": pl.Series(ids, dtype=pl.Float64)} | sound).write_parquet(folder / "leads.parquet")
    return folder / "leads.parquet"
