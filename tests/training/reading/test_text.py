import pytest

from leadscoring.errors import TrainingDataError
from leadscoring.training.reading.text import decode

TEXT = "name,Größe\nÄnne,5 €\n"


@pytest.mark.parametrize(
    ("encoding", "words"),
    [
        ("utf-8", []),
        ("utf-8-sig", []),
        ("utf-16", ["read as UTF-16"]),
        ("utf-16-be", ["read as UTF-16 (without a byte order mark)"]),
        ("utf-32", ["read as UTF-32"]),
        ("cp1252", ["not UTF-8: read as Windows-1252; save it as UTF-8 if letters look wrong"]),
    ],
)
def test_encodings_of_spreadsheets_give_the_same_text(encoding: str, words: list[str]) -> None:
    """The euro sign is the euro sign, whatever wrote it, and what was guessed is said."""
    plain = TEXT if encoding != "utf-16-be" else TEXT.replace("€", "$").replace("Ä", "A").replace("ö", "o")
    assert decode(plain.encode(encoding), "leads.csv") == (plain, words)


def test_two_exports_of_different_encodings_are_read_line_by_line() -> None:
    """Neither makes nonsense of the other."""
    text, notes = decode("a,Größe\n".encode() + "b,5 €\n".encode("cp1252"), "leads.csv")
    assert text == "a,Größe\nb,5 €\n"
    assert notes == ["1 lines are not UTF-8 as the others are: read as Windows-1252"]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"a,b\r\n1,2\r\n", "a,b\n1,2\n"),
        (b"a,b\r1,2\r3,4\r", "a,b\n1,2\n3,4\n"),
        ("Größe,b\r1,2\r".encode("mac_roman"), "Größe,b\n1,2\n"),
        (b"a,b\n1,x\ry\n2,z\n", "a,b\n1,x y\n2,z\n"),
        (b"a,b\n1,\x00x\n2,yyyyyyyyyyyyyyyyyy\n\x1a", "a,b\n1,x\n2,yyyyyyyyyyyyyyyyyy\n"),
        ("\ufeffa,b\n1,2\n\ufeffa,b\n3,4\n".encode(), "a,b\n1,2\na,b\n3,4\n"),
    ],
)
def test_what_does_not_belong_into_text_is_gone(content: bytes, expected: str) -> None:
    """Carriage returns, NUL bytes, marks of byte order in the middle and the end mark of DOS."""
    assert decode(content, "leads.csv")[0] == expected


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"\x1f\x8b\x08", "compressed with gzip.*gunzip"),
        (b"PK\x03\x04", "Excel workbook or another ZIP archive.*save the sheet as CSV"),
        (b"\xd0\xcf\x11\xe0", r"\.xls"),
        (b"<html><table>", "HTML or XML"),
        (b'[{"a": 1}]', "is JSON"),
        (b"\x00\x01\x02\x00" * 9, "full of NUL bytes"),
    ],
)
def test_another_kind_of_file_is_named_with_the_way_out(content: bytes, words: str) -> None:
    """Nobody has to guess why a workbook is no CSV."""
    with pytest.raises(TrainingDataError, match=words):
        decode(content, "leads.csv")
