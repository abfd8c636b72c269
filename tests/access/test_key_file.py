"""A key file is read strictly, says which entry is wrong, and is added to without a moment of half a file."""

import json
import os
import sys
import threading
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadscoring.access.key_file import (
    LARGEST,
    STRETCH,
    Entry,
    append,
    moment,
    parse,
    parsing,
    read,
    sha256_of,
    written,
)
from leadscoring.errors import KeyFileInvalid

SOUND = {"label": "crm", "sha256": "ab" * 32}


def refusal(value: Any) -> str:
    """Why a file with this content is refused."""
    with pytest.raises(KeyFileInvalid) as refused:
        parse(value if isinstance(value, bytes) else json.dumps(value).encode(), "keys.json")
    return str(refused.value)


def test_an_entry_has_defaults_that_are_safe() -> None:
    """Scoring only."""
    (entry,) = parse(json.dumps([SOUND]).encode(), "keys.json")
    assert (entry.label, entry.scopes, entry.expires, entry.note) == ("crm", ("score",), None, "")
    assert entry.digest == bytes([0xAB]) * 32


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ({"label": "crm"}, "missing required field `sha256`"),
        (SOUND | {"sha256": "ab"}, "sha256 must be the 64 hexadecimal digits"),
        (SOUND | {"sha256": 7}, "Expected `str`, got `int`"),
        (SOUND | {"scopes": []}, "scopes must hold one or more of score, outcomes, admin"),
        (SOUND | {"scopes": ["root"]}, "Invalid enum value 'root'"),
        (SOUND | {"scopes": "score"}, "Expected `array`"),
        (SOUND | {"expires": "soon"}, "expires must be an ISO date or time"),
        (SOUND | {"expires": 5}, "got `int`"),
        (SOUND | {"expire": "2030-01-01"}, "unknown field `expire`"),
    ],
)
def test_a_message_names_the_entry_and_what_is_allowed(entry: dict[str, Any], said: str) -> None:
    """By its place and its label."""
    found = refusal([SOUND | {"label": "first", "sha256": "cd" * 32}, entry])
    assert found.startswith("API key file 'keys.json': entry 2 ('crm'): ")
    assert said in found


@pytest.mark.parametrize("label", ["", "a b", "-x", "x" * 65, "a\nb", "é", None])
def test_a_label_that_logs_cannot_carry_is_refused_and_not_repeated(label: Any) -> None:
    """Who mixes up label and key must not find the key in the log."""
    said = refusal([SOUND | {"label": label}])
    assert "entry 1:" in said
    assert not label or str(label) not in said


@pytest.mark.parametrize(("field", "other"), [("label", {"sha256": "cd" * 32}), ("key", {"label": "web"})])
def test_no_two_entries_share_a_label_or_a_key(field: str, other: dict[str, str]) -> None:
    """Which of them counts could not be known."""
    assert f"has the {field} of entry 'crm'" in refusal([SOUND, SOUND | other])


@pytest.mark.parametrize(
    "content", [b"", b"{}", b"[", b"null", b"[]x", b"\xff\xfe", b"[" * 100_000, b'[{"a":' * 50_000]
)
def test_what_is_no_array_of_entries_is_refused(content: bytes) -> None:
    """Half a file, another encoding, nesting without end."""
    assert "API key file" in refusal(content)


json_like = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=70),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*SOUND, "scopes", "expires", "x"]), inner)
    ),
    max_leaves=12,
)


@given(st.binary() | st.builds(lambda value: json.dumps(value).encode(), st.lists(json_like) | json_like))
def test_no_bytes_make_the_parser_fail_otherwise_than_with_its_error(content: bytes) -> None:
    """Whatever half of an editor's file it meets."""
    try:
        entries = parse(content, "keys.json")
    except KeyFileInvalid:
        return
    assert all(len(entry.digest) == 32 and entry.scopes for entry in entries)


@given(st.text())
def test_no_text_makes_the_reader_of_dates_fail_otherwise(text: str) -> None:
    """It is a moment, or a ``ValueError``."""
    with suppress(ValueError):
        assert isinstance(moment(text), float)


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("2030-12-31", datetime(2031, 1, 1, tzinfo=UTC)),
        ("2030-12-31T12:00:00", datetime(2030, 12, 31, 12, tzinfo=UTC)),
        ("2030-12-31T12:00:00+02:00", datetime(2030, 12, 31, 10, tzinfo=UTC)),
    ],
)
def test_a_date_counts_to_its_end_and_a_time_without_a_zone_is_utc(text: str, at: datetime) -> None:
    """So that nobody is locked out in the morning of the last day."""
    assert moment(text) == at.timestamp()


def test_a_date_beyond_all_clocks_is_refused() -> None:
    """The day after the last one has no name."""
    with pytest.raises(ValueError, match="ISO date"):
        moment("9999-12-31")


def test_what_is_no_file_is_refused_without_waiting(tmp_path: Path) -> None:
    """A pipe would keep the service waiting, a device would never end."""
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", tmp_path, Path("/dev/zero")):
        with pytest.raises(KeyFileInvalid, match=r"not a regular file|directory"):
            read(path)
    (tmp_path / "large").write_bytes(b" " * (LARGEST + 1))
    with pytest.raises(KeyFileInvalid, match="at most"):
        read(tmp_path / "large")


def many(count: int) -> bytes:
    """A file of so many keys."""
    return written(entry(f"key-{number}") for number in range(count))


def test_a_hundred_thousand_keys_are_read_with_a_fixed_amount_of_work_for_each() -> None:
    """Twice as many take twice as much: no key is compared with all others."""
    taken = []
    for count in (2000, 4000):
        content, calls = many(count), 0

        def called(_frame: object, event: str, _argument: object) -> None:
            nonlocal calls
            calls += event in ("call", "c_call")  # called before the loop goes on

        sys.setprofile(called)
        try:
            entries = parse(content, "keys.json")
        finally:
            sys.setprofile(None)
        assert len(entries) == count
        taken.append(calls)
    assert taken[1] < 2.2 * taken[0] < 100 * 4000


def test_a_long_file_is_read_with_pauses() -> None:
    """Half a millisecond's worth of entries between two of them."""
    assert sum(1 for _ in parsing(many(4000), "keys.json")) >= 4000 * 100 // STRETCH


def test_of_a_long_file_the_wrong_entry_is_named() -> None:
    """Wherever it stands."""
    content = many(1000).replace(b'"label":"key-777"', b'"label":"key-777","extra":1')
    assert "entry 778 ('key-777'): Object contains unknown field" in refusal(content)
    content = many(1000).replace(b"key-999", b"key-3")
    assert "entry 1000 ('key-3') has the label of entry 'key-3'" in refusal(content)


def entry(label: str) -> Entry:
    """An entry for a key of its own."""
    return Entry(label=label, sha256=sha256_of(label).hex())


def test_an_entry_is_added_to_the_others_and_the_file_keeps_its_rights(tmp_path: Path) -> None:
    """A new file is for its owner only."""
    file = tmp_path / "keys.json"
    append(file, entry("a"))
    assert file.stat().st_mode & 0o777 == 0o600
    file.chmod(0o640)
    append(file, entry("b"))
    assert [found.label for found in read(file)] == ["a", "b"]
    assert file.stat().st_mode & 0o777 == 0o640
    assert [found.name for found in tmp_path.iterdir()] == ["keys.json"]


def test_a_refused_addition_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    """A label that is there already, or a file that is broken already."""
    file = tmp_path / "keys.json"
    append(file, entry("a"))
    before = file.read_bytes()
    with pytest.raises(KeyFileInvalid, match="has the label"):
        append(file, entry("a"))
    assert file.read_bytes() == before
    file.write_bytes(b"[")
    with pytest.raises(KeyFileInvalid):
        append(file, entry("b"))
    assert file.read_bytes() == b"["
    with pytest.raises(KeyFileInvalid):
        append(tmp_path / "none" / "keys.json", entry("b"))


def test_additions_at_once_are_all_kept_and_readers_never_see_half(tmp_path: Path) -> None:
    """Two operators, one file."""
    file = tmp_path / "keys.json"
    append(file, entry("first"))
    writers = [threading.Thread(target=append, args=(file, entry(f"k{number}"))) for number in range(12)]
    for writer in writers:
        writer.start()
    while any(writer.is_alive() for writer in writers):
        read(file)
    assert len(read(file)) == 13


def test_a_link_is_followed_and_stays_a_link(tmp_path: Path) -> None:
    """Where secrets are mounted, the path is one."""
    append(tmp_path / "real.json", entry("a"))
    (tmp_path / "link.json").symlink_to("real.json")
    append(tmp_path / "link.json", entry("b"))
    assert (tmp_path / "link.json").is_symlink()
    assert len(read(tmp_path / "real.json")) == 2
