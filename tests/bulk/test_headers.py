"""All files of a run fit together, which is known before a lead is scored."""

from pathlib import Path
from typing import Any

import bulk_files
import polars as pl
import pytest
from bulk_files import content, rows_of, run
from killed import Killed, killed_at

from leadscoring.bulk import batches
from leadscoring.errors import LeadScoringError, ScoringFileError
from leadscoring.model.loaded import LoadedModel

SOUND = content(["sound"] * 5)


def changed(old: str, new: str) -> str:
    """The leads with another header."""
    header, _, rest = SOUND.partition("\n")
    return header.replace(old, new) + "\n" + rest


@pytest.mark.parametrize(
    ("last", "options", "words"),
    [
        (changed("revenue", "sales"), {}, r"c\.csv lacks 'revenue'"),
        ("", {}, r"c\.csv is empty"),
        ("PAR1", {}, r"c\.csv is not a readable Parquet file"),
        (changed("crm id", "key"), {"lead_id": "crm id"}, r"but .*c\.csv has no such column"),
        (changed("crm id", "lead_id"), {"lead_id": None}, r"c\.csv has the column 'lead_id', which .*a\.csv has not"),
        (changed("crm id", "key"), {"lead_id": None, "keep": ("all",)}, r"c\.csv has the column 'key', which .*a\.csv"),
    ],
)
def test_the_last_file_is_refused_before_the_first_is_scored(
    model: LoadedModel, tmp_path: Path, last: str, options: dict[str, Any], words: str
) -> None:
    """Nothing is written, and an interrupted run into the same output is not given up."""
    for name, text in (("a", SOUND), ("b", SOUND)):
        (tmp_path / f"{name}.csv").write_text(text)
    with killed_at(12, True), pytest.raises(Killed):
        run(model, f"{tmp_path}/?.csv", tmp_path / "scores.csv", recorded=0)
    left = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert ".scores.csv.journal" in left
    (tmp_path / "c.csv").write_text(last)
    with pytest.raises(LeadScoringError, match=words):
        run(model, f"{tmp_path}/?.csv", tmp_path / "scores.csv", **options)
    (tmp_path / "c.csv").unlink()
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == left


def test_columns_stand_in_the_order_of_the_first_file(model: LoadedModel, tmp_path: Path, small_blocks: None) -> None:
    """In whatever order other files have them: no value is in the column of another."""
    (tmp_path / "a.csv").write_text(SOUND)
    table = pl.read_csv(tmp_path / "a.csv", infer_schema=False)
    table.select(reversed(table.columns)).write_csv(tmp_path / "b.csv")
    run(model, f"{tmp_path}/?.csv", tmp_path / "scores.csv", keep=("all",))
    rows = rows_of(tmp_path / "scores.csv")
    assert rows[:5] == [one | {"id": other["id"]} for one, other in zip(rows[5:], rows[:5], strict=True)]


def test_a_column_of_parquet_has_one_type(model: LoadedModel, tmp_path: Path) -> None:
    """Another one of the same name is refused; CSV has no types."""
    sound = {name: [cell] for name, cell in zip(bulk_files.NAMES, bulk_files.SOUND, strict=True)}
    for name, value in (("a", 1), ("b", "one")):
        pl.DataFrame({"crm id": ["x"], "own": [value]} | sound).write_parquet(tmp_path / f"{name}.parquet")
    with pytest.raises(
        ScoringFileError, match=r"b\.parquet: the column 'own' holds String, where .*a\.parquet has Int64"
    ):
        run(model, f"{tmp_path}/?.parquet", tmp_path / "scores.parquet", keep=("own",))
    run(model, f"{tmp_path}/?.parquet", tmp_path / "scores.csv", keep=("own",))
    assert [one["own"] for one in rows_of(tmp_path / "scores.csv")] == ["1", "one"]


def test_headers_alone_are_read(model: LoadedModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However large the files are."""
    monkeypatch.setattr(batches, "HEAD", 4096)
    (tmp_path / "a.csv").write_text(SOUND)
    with (tmp_path / "b.csv").open("w") as file:
        file.write(content(["sound"] * 100))
        file.truncate(1 << 40)  # which nobody could read
    (tmp_path / "c.csv").write_text(changed("revenue", "sales"))
    with pytest.raises(ScoringFileError, match=r"c\.csv lacks"):
        run(model, f"{tmp_path}/?.csv", tmp_path / "scores.csv")
