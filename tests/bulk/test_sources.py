"""Files are found by name, folder or pattern; their bytes come decompressed, from any place on."""

import bz2
import gzip
import lzma
import os
import sys
import tempfile
import zlib
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadscoring.bulk.sources import Source, identity_of, opened, read, refuse_changed, source_of, sources_of
from leadscoring.errors import ScoringFileError

TEXT = "".join(f"line {number}, ü\n" for number in range(3000)).encode()


def test_a_folder_and_a_pattern_give_their_files_in_order(tmp_path: Path) -> None:
    """Hidden files, markers and other kinds are not read; an empty folder is an error."""
    for name in ("b.csv", "a.csv.gz", ".c.csv", "_SUCCESS", "notes.md", "c.parquet"):
        (tmp_path / name).write_bytes(b"a,b\n")
    assert [Path(one.path).name for one in sources_of(str(tmp_path))] == ["a.csv.gz", "b.csv", "c.parquet"]
    assert [Path(one.path).name for one in sources_of(f"{tmp_path}/*.csv")] == ["b.csv"]
    (tmp_path / "empty").mkdir()
    for data, words in (
        (tmp_path / "empty", "has no file"),
        (tmp_path / "*.tsv", "no file"),
        (tmp_path / "x", "cannot"),
    ):
        with pytest.raises(ScoringFileError, match=words):
            sources_of(str(data))


@pytest.mark.parametrize("skip", [0, 1, 4096, 20_000])
@pytest.mark.parametrize("pack", [bytes, gzip.compress, bz2.compress, lzma.compress])
def test_bytes_come_decompressed_from_any_place(tmp_path: Path, pack: type[bytes], skip: int) -> None:
    """The offset counts the text, not what the file has of it."""
    (tmp_path / "leads").write_bytes(pack(TEXT))
    source = source_of(str(tmp_path / "leads"))
    stream = opened(source, skip)
    assert read(stream, 1 << 20, source, 0) == TEXT[skip:]
    stream.close()


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-32"])
def test_utf_16_becomes_utf_8(tmp_path: Path, encoding: str) -> None:
    """With its byte order mark or without; spreadsheets write it as 'Unicode text'."""
    (tmp_path / "leads").write_bytes(TEXT.decode().encode(encoding))
    source = source_of(str(tmp_path / "leads"))
    stream = opened(source)
    assert read(stream, 1 << 20, source, 0).decode().removeprefix("\ufeff") == TEXT.decode()
    stream.close()


@given(st.integers(20, 400))
def test_a_file_that_is_cut_off_is_an_error(cut: int) -> None:
    """The error has the last line whose bytes are there, however much was to be read at once."""
    packed = gzip.compress(TEXT)[:-cut]
    there = zlib.decompressobj(31).decompress(packed).count(b"\n")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "leads.csv.gz"
        path.write_bytes(packed)
        source = source_of(str(path))
        stream = opened(source)
        with pytest.raises(ScoringFileError, match=rf"cut off.*after line {7 + 2 + there}$"):
            read(stream, 1 << 20, source, 7, b"a\nb\n")
        stream.close()


def test_a_cut_of_zstandard_is_named_as_others_are(tmp_path: Path) -> None:
    """Polars hands lines on in large parts, so that the place is the end of the last part."""
    table = pl.LazyFrame({"line": [f"{number} {os.urandom(30).hex()}" for number in range(200_000)]})
    table.sink_csv(tmp_path / "leads.zst", compression="zstd", include_header=False)
    content = (tmp_path / "leads.zst").read_bytes()
    (tmp_path / "leads.zst").write_bytes(content[: len(content) * 2 // 3])
    source = source_of(str(tmp_path / "leads.zst"))
    stream = opened(source)
    with pytest.raises(ScoringFileError, match=r"is cut off: its compressed data ends after line \d+$"):
        read(stream, 1 << 30, source, 0)
    stream.close()


def test_standard_input_that_is_closed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """As of a process that a shell started without one."""
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(ScoringFileError, match="standard input cannot be read: it is closed"):
        opened(Source("-"))


def test_a_damaged_file_is_an_error(tmp_path: Path) -> None:
    """So is one that ends before the place from which to go on."""
    packed = bytearray(gzip.compress(os.urandom(50_000)))
    packed[20_000] ^= 255
    (tmp_path / "leads.gz").write_bytes(packed)
    source = source_of(str(tmp_path / "leads.gz"))
    stream = opened(source)
    with pytest.raises(ScoringFileError, match="cannot be read"):
        read(stream, 1 << 20, source, 3)
    stream.close()
    (tmp_path / "short.gz").write_bytes(gzip.compress(b"a,b\n"))
    with pytest.raises(ScoringFileError, match="ends before the place"):
        opened(source_of(str(tmp_path / "short.gz")), 100)


def test_a_change_is_noticed(tmp_path: Path) -> None:
    """By size, time or content; a file that is gone, too."""
    path = tmp_path / "leads.csv"
    path.write_text("a,b\n1,2\n")
    source = source_of(str(path))
    refuse_changed(source)
    assert source.identity == identity_of(str(path))
    os.utime(path, (1_700_000_000, 1_700_000_000))
    with pytest.raises(
        ScoringFileError, match=r"as many bytes, but was written to again: at 20.*Z and 2023-11-14T22:13:20Z"
    ):
        refuse_changed(source)
    path.write_text("a,b\n3,2\n")
    with pytest.raises(ScoringFileError, match="its content was changed"):
        refuse_changed(source)
    path.write_text("a,b\n1,2\n3,4\n")
    with pytest.raises(ScoringFileError, match="from 8 to 12 bytes"):
        refuse_changed(source)
    path.unlink()
    with pytest.raises(ScoringFileError, match="was removed"):
        refuse_changed(source)


def test_a_link_that_leads_nowhere_is_reported(tmp_path: Path) -> None:
    """Its leads would be missing in the scores, and nobody would know."""
    (tmp_path / "a.csv").write_text("a,b\n1,2\n")
    (tmp_path / "b.csv").symlink_to(tmp_path / "gone.csv")
    for data in (str(tmp_path), f"{tmp_path}/*.csv"):
        with pytest.raises(ScoringFileError, match=r"b\.csv cannot be read: No such file"):
            sources_of(data)
