"""Scores are written piece by piece, and the file is one that is read at once."""

from pathlib import Path

import polars as pl

from leadscoring.bulk.appended import Appended
from leadscoring.bulk.outputs import CsvOutput, ParquetOutput

PARTS = [pl.DataFrame({"id": ["a", "=b"], "p": [0.5, 1e-300]}), pl.DataFrame({"id": ['c, "d"'], "p": [None]})]
PARTS[1] = PARTS[1].cast({"p": pl.Float64})


def test_csv_has_one_header_and_harmless_cells(tmp_path: Path) -> None:
    """Numbers have all their digits."""
    file = Appended(tmp_path / "s.csv")
    output = CsvOutput(file)
    output.begin(PARTS[0].clear())
    pieces = [output.piece(part) for part in PARTS]
    assert [output.append(piece) for piece in pieces] == [(), ()]
    output.end(PARTS[0].clear(), [])
    file.finish()
    assert [piece.marked for piece in pieces] == [1, 0]
    found = pl.read_csv(tmp_path / "s.csv")
    assert found.rows() == [("a", 0.5), ("'=b", 1e-300), ('c, "d"', None)]


def test_parquet_has_a_row_group_for_each_piece(tmp_path: Path) -> None:
    """Also for one that another run had written; texts stand as they are."""
    file = Appended(tmp_path / "s.parquet")
    output = ParquetOutput(file, {"made by": "a test"})
    output.begin(PARTS[0].clear())
    groups = [*output.append(output.piece(PARTS[0]))]
    later = ParquetOutput(file, {"made by": "a test"})
    later.resume(len(groups))
    groups += later.append(later.piece(PARTS[1]))
    groups += later.append(later.piece(PARTS[0].clear()))
    later.end(PARTS[0].clear(), groups)
    file.finish()
    assert [rows for rows, _ in groups] == [2, 1]
    assert pl.read_parquet(tmp_path / "s.parquet").equals(pl.concat(PARTS))
    assert pl.read_parquet_metadata(tmp_path / "s.parquet")["made by"] == "a test"


def test_tabs_are_written_where_the_name_promises_them(tmp_path: Path) -> None:
    """With the cells of CSV: harmless, and in quotation marks where a cell has a tab."""
    file = Appended(tmp_path / "s.tsv")
    output, table = CsvOutput(file, separator="\t"), pl.DataFrame({"id": ["a\tb", "=c, d"], "p": [0.1, 1e-300]})
    output.begin(table.clear())
    piece = output.piece(table)
    output.append(piece)
    file.finish()
    assert piece.marked == 1
    assert (tmp_path / "s.tsv").read_text() == 'id\tp\n"a\tb"\t0.1\n\'=c, d\t1e-300\n'
