"""Decodes files to text, in whichever encoding a spreadsheet or CRM uses."""

import codecs
from collections.abc import Callable

from leadscoring.errors import TrainingDataError

CURE = "export it as CSV (UTF-8) or Parquet"

FOREIGN: tuple[tuple[bytes, str, str], ...] = (
    (b"\x1f\x8b", "compressed with gzip", "decompress it first (gunzip)"),
    (b"BZh", "compressed with bzip2", "decompress it first (bunzip2)"),
    (b"\xfd7zXZ", "compressed with xz", "decompress it first (unxz)"),
    (b"\x28\xb5\x2f\xfd", "compressed with Zstandard", "decompress it first (unzstd)"),
    (
        b"PK\x03\x04",
        "an Excel workbook or another ZIP archive",
        "save the sheet as CSV (UTF-8), or unzip the CSV in it",
    ),
    (b"\xd0\xcf\x11\xe0", "an Excel workbook of the old kind (.xls)", "save the sheet as CSV (UTF-8)"),
    (b"%PDF", "a PDF document", CURE),
    (b"SQLite format 3", "an SQLite database", CURE),
    (b"ORC", "an ORC file", CURE),
    (b"ARROW1", "an Arrow (Feather) file", "write it as Parquet or CSV"),
)
"""Magic bytes of other formats, what they are, and advice for the user."""

MARKS = (
    (codecs.BOM_UTF8, "utf-8", "UTF-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le", "UTF-32"),
    (codecs.BOM_UTF32_BE, "utf-32-be", "UTF-32"),
    (codecs.BOM_UTF16_LE, "utf-16-le", "UTF-16"),
    (codecs.BOM_UTF16_BE, "utf-16-be", "UTF-16"),
)
"""Byte order marks; UTF-32 precedes UTF-16, whose marks are a prefix of its own."""

SAMPLE = 4096
MOST_NULS = 0.1
"""Maximum share of NUL bytes at the beginning of a text file."""


def decode(content: bytes, path: object) -> tuple[str, list[str]]:
    """Decodes a file to text with line feeds; also returns notes on what was changed.

    Raises ``TrainingDataError``, with advice, if the file is not text.
    """
    refuse_foreign(content, path)
    text, notes = plain(content, path)
    refuse_markup(text, path)
    return text, notes


def plain(content: bytes, path: object) -> tuple[str, list[str]]:
    """The text of a file, or of some lines of it, with line feeds; also returns notes on what was changed."""
    text, notes = in_encoding(content, path)
    if "\0" in text:
        notes.append(f"{text.count(chr(0))} NUL characters were removed")
        text = text.replace("\0", "")
    text = text.replace("\ufeff", "").removesuffix("\x1a")
    text, ends = line_feeds(text)
    if ends:
        notes.append(ends)
    return text, notes


def refuse_foreign(content: bytes, path: object) -> None:
    """Raises ``TrainingDataError`` for a file with the magic bytes of another format."""
    for start, what, cure in FOREIGN:
        if content.startswith(start):
            raise TrainingDataError(f"{path} is {what}, neither Parquet nor text: {cure}")


def refuse_markup(text: str, path: object) -> None:
    """Raises ``TrainingDataError`` for HTML (which some CRMs export as .xls), XML and JSON."""
    start = text.lstrip()[:200].lower()
    if start.startswith(("<html", "<!doctype html", "<table", "<?xml", "<head", "<meta")):
        raise TrainingDataError(
            f"{path} is HTML or XML, not a table of text: open it in a spreadsheet and save it as CSV"
        )
    if start.startswith(("[{", '{"', "[\n", "{\n")):
        raise TrainingDataError(f"{path} is JSON, not a table of text: {CURE}")


def in_encoding(content: bytes, path: object) -> tuple[str, list[str]]:
    """Decodes by the byte order mark, else as UTF-8 if that is valid, else line by line."""
    for mark, encoding, name in MARKS:
        if content.startswith(mark):
            try:
                text = content[len(mark) :].decode(encoding)
            except UnicodeDecodeError:
                if encoding == "utf-8":
                    break
                text = content[len(mark) :].decode(encoding, errors="replace")
            return text, [] if encoding == "utf-8" else [f"read as {name}"]
    start = content[:SAMPLE]
    if start.count(0) > MOST_NULS * len(start):
        return without_mark(content, path)
    try:
        return content.decode(), []
    except UnicodeDecodeError:
        return by_line(content.removeprefix(codecs.BOM_UTF8))


def without_mark(content: bytes, path: object) -> tuple[str, list[str]]:
    """Decodes UTF-16 without a byte order mark, in which every other byte is NUL.

    Raises ``TrainingDataError`` if the NUL bytes have no such pattern.
    """
    start = content[:SAMPLE]
    for first, encoding in ((1, "utf-16-le"), (0, "utf-16-be")):
        zeros, others = start[first::2].count(0), start[1 - first :: 2].count(0)
        if zeros > 0.7 * len(start[first::2]) and others == 0:
            return content.decode(encoding, errors="replace"), ["read as UTF-16 (without a byte order mark)"]
    raise TrainingDataError(f"{path} is neither Parquet nor text (it is full of NUL bytes): {CURE}")


def by_line(content: bytes) -> tuple[str, list[str]]:
    """Decodes lines that are not valid UTF-8 as Windows-1252, or as Mac Roman in files with old Mac line ends."""
    mac = b"\r" in content and b"\n" not in content
    end, read, name = (b"\r", mac_roman, "Mac Roman") if mac else (b"\n", windows, "Windows-1252")
    lines, other, unicode = [], 0, 0
    for line in content.split(end):
        try:
            lines.append(line.decode())
            unicode += not line.isascii()
        except UnicodeDecodeError:
            lines.append(read(line))
            other += 1
    note = f"not UTF-8: read as {name}; save it as UTF-8 if letters look wrong"
    if unicode:
        note = f"{other} lines are not UTF-8 as the others are: read as {name}"
    return end.decode().join(lines), [note]


def windows(line: bytes) -> str:
    """Decodes Windows-1252, with its five undefined bytes as in Latin-1."""
    return line.decode("cp1252", errors="latin1_rest")


def mac_roman(line: bytes) -> str:
    """Decodes Mac OS Roman, which defines every byte."""
    return line.decode("mac_roman")


def latin1_rest(failure: UnicodeError) -> tuple[str, int]:
    """Error handler for ``windows``: decodes bytes that Windows-1252 does not define as Latin-1."""
    if not isinstance(failure, UnicodeDecodeError):
        raise failure
    return failure.object[failure.start : failure.end].decode("latin-1"), failure.end


handler: Callable[[UnicodeError], tuple[str | bytes, int]] = latin1_rest
codecs.register_error("latin1_rest", handler)


def line_feeds(text: str) -> tuple[str, str]:
    """Converts line ends to line feeds; also returns a note if they are unusual."""
    if "\r" not in text:
        return text, ""
    text = text.replace("\r\n", "\n")
    alone = text.count("\r")
    if alone == 0:
        return text, ""
    if alone > text.count("\n"):
        return text.replace("\r", "\n"), "carriage returns end the lines"
    return text.replace("\r", " "), f"{alone} carriage returns inside of lines were read as spaces"
