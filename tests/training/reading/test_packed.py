"""Compressed files are read like others, by their content."""

import bz2
import gzip
import lzma
from collections.abc import Callable
from pathlib import Path

import pytest
from past_leads import csv_of, leads

from leadscoring.errors import TrainingDataError
from leadscoring.training.inspected import inspect
from leadscoring.training.large.file import opened
from leadscoring.training.options import TrainOptions
from leadscoring.training.reading.packed import is_packed, plain_name, unpacked
from leadscoring.training.reading.table import read_table
from leadscoring.training.versions import model_name

PACK: dict[str, Callable[[bytes], bytes]] = {"gz": gzip.compress, "bz2": bz2.compress, "xz": lzma.compress}


@pytest.mark.parametrize("ending", PACK)
def test_a_compressed_file_is_the_table_that_it_holds(tmp_path: Path, ending: str) -> None:
    """With the same hash of the data, under any name."""
    plain = csv_of(leads(100), tmp_path / "leads.csv")
    for name in (f"leads.csv.{ending}", "export"):
        path = tmp_path / name
        path.write_bytes(PACK[ending](plain.read_bytes()))
        table = read_table(path)
        assert table.frame.equals(read_table(plain).frame)
        assert table.data_hash == read_table(plain).data_hash
        with opened(path, most=1) as parts:
            assert parts is None


def test_zstandard_is_read_too(tmp_path: Path) -> None:
    """And a file of leads is inspected as it is."""
    leads(100).lazy().sink_csv(tmp_path / "leads.csv.zst", compression="zstd")
    assert is_packed((tmp_path / "leads.csv.zst").read_bytes())
    assert read_table(tmp_path / "leads.csv.zst").frame.shape == leads(100).shape
    assert inspect(tmp_path / "leads.csv.zst", TrainOptions(target="won"))["rows"] == 100


@pytest.mark.parametrize("ending", PACK)
def test_a_damaged_file_is_named(ending: str) -> None:
    """Also one that was cut off."""
    content = PACK[ending](b"a,b\n1,2\n" * 500)
    for broken in (content[:-9], content[:8] + b"?" * 40):
        with pytest.raises(TrainingDataError, match=r"x\.csv is compressed with .*, and damaged or cut off"):
            unpacked(broken, "x.csv")


def test_a_file_that_holds_too_much_is_refused() -> None:
    """Before the memory is full; unpacked, such a file is read in parts."""
    with pytest.raises(TrainingDataError, match=r"x holds more than 1 MB: unpack it"):
        unpacked(gzip.compress(bytes(3 << 20)), "x", most=1 << 20)


def test_the_name_of_the_compression_is_not_part_of_the_name() -> None:
    """Of a model that is called like its file."""
    assert plain_name("leads.csv.GZ") == "leads.csv"
    assert plain_name("leads.csv") == "leads.csv"
    assert model_name(None, "leads.csv.gz") == model_name(None, "leads.csv") == "leads"
