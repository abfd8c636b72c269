"""Only a key that is ours opens, as long as it may and what it may; the keys themselves are not kept."""

import asyncio
import logging
import os
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from factories import key_file
from hypothesis import given
from hypothesis import strategies as st

from leadscoring.access.key_file import Entry, sha256_of, written
from leadscoring.access.keys import NAMED, KeyCopy, KeyRing, only_in
from leadscoring.errors import ExpiredKey, KeyFileInvalid, KeyScope, MissingKey, UnknownKey
from leadscoring.settings import DEMO_KEY, read_settings
from leadscoring.stretches import at_once

ring = KeyRing(["first", "second"])
DEADLINE = 10


def in_(seconds: float) -> str:
    """A moment from now, as the file has it."""
    return (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat()


def opens(ring: KeyRing, key: str) -> bool:
    """Whether a key is taken now."""
    try:
        ring.check(key.encode())
    except (UnknownKey, ExpiredKey):
        return False
    return True


def becomes(ring: KeyRing, key: str, opened: bool) -> bool:
    """Whether a key comes to be taken, or not to be, within the deadline."""
    deadline = time.monotonic() + DEADLINE
    while opens(ring, key) is not opened:
        if time.monotonic() > deadline:
            return False
    return True


@pytest.mark.parametrize("key", [b"first", b"second"])
def test_each_of_several_keys_opens_and_has_a_fingerprint(key: bytes) -> None:
    """So that a rotation can overlap."""
    assert len(ring.check(key).label) == 8
    assert ring.check(key) == KeyRing([key.decode()]).check(key)


@pytest.mark.parametrize("key", [None, b""])
def test_no_key_is_missing(key: bytes | None) -> None:
    """A client that forgot the header is told so."""
    with pytest.raises(MissingKey):
        ring.check(key)


@given(st.binary(min_size=1).filter(lambda key: key not in (b"first", b"second")))
def test_any_other_key_is_unknown_and_not_repeated(key: bytes) -> None:
    """Not in the message; what logs call it is made of its hash."""
    with pytest.raises(UnknownKey) as refusal:
        ring.check(key)
    assert str(refusal.value) == "the API key is unknown"
    assert refusal.value.key is not None
    assert len(refusal.value.key) == len("unknown-") + 8


def test_the_ring_holds_no_key_that_was_not_presented() -> None:
    """Only digests are in memory until a caller comes."""
    assert "first" not in repr(vars(KeyRing(["first"])))


def test_a_key_is_judged_alike_however_often_and_in_whatever_order_it_comes() -> None:
    """What was accepted last changes nothing for the next caller."""
    for key in (b"first", b"first", b"second", b"first"):
        assert ring.check(key) == KeyRing([key.decode()]).check(key)
        with pytest.raises(UnknownKey):
            ring.check(key + b"x")


def test_a_key_of_the_environment_opens_scoring_only() -> None:
    """It is what clients hold."""
    with pytest.raises(KeyScope) as refusal:
        ring.check(b"first", "admin")
    assert refusal.value.key == ring.check(b"first").label


def test_keys_of_a_file_have_their_label_and_scopes(tmp_path: Path) -> None:
    """The scope admin opens everything."""
    filed = KeyRing([], key_file(tmp_path, {"label": "crm"}, {"label": "ops", "scopes": ["admin"]}))
    assert filed.check(b"key of crm").label == "crm"
    assert filed.check(b"key of ops", "admin").label == filed.check(b"key of ops").label == "ops"
    with pytest.raises(KeyScope):
        filed.check(b"key of crm", "admin")


def test_a_key_whose_time_is_over_is_told_apart_from_an_unknown_one(tmp_path: Path) -> None:
    """By its label too, so that an operator knows whom to ask."""
    filed = KeyRing([], key_file(tmp_path, {"label": "crm", "expires": "2020-01-01"}))
    with pytest.raises(ExpiredKey) as refusal:
        filed.check(b"key of crm")
    assert refusal.value.key == "crm"


def test_a_key_expires_at_its_moment_though_its_file_does_not_change(tmp_path: Path) -> None:
    """Nobody has to restart anything."""
    until = time.time() + 0.4
    filed = KeyRing([], key_file(tmp_path, {"label": "crm", "expires": in_(0.4)}))
    taken = opens(filed, "key of crm")
    assert taken or time.time() >= until
    assert becomes(filed, "key of crm", opened=False)
    assert until - 0.01 <= time.time() < until + 1
    assert filed.next_expiry == float("inf")


def test_where_the_file_and_the_environment_know_a_key_the_file_counts(tmp_path: Path) -> None:
    """It knows more: here, that the key is over."""
    file = key_file(tmp_path, {"label": "crm", "expires": "2020-01-01"})
    with pytest.raises(ExpiredKey):
        KeyRing(["key of crm"], file).check(b"key of crm")


def test_a_replaced_file_counts_within_a_moment(tmp_path: Path) -> None:
    """The rotation: both keys, then only the new one."""
    filed = KeyRing([], key_file(tmp_path, {"label": "old"}))
    key_file(tmp_path, {"label": "old"}, {"label": "new"})
    assert becomes(filed, "key of new", opened=True)
    assert opens(filed, "key of old")
    key_file(tmp_path, {"label": "new"})
    assert becomes(filed, "key of old", opened=False)
    assert opens(filed, "key of new")


def test_a_change_that_keeps_the_size_and_comes_at_once_is_seen(tmp_path: Path) -> None:
    """The file is written in place, within one tick of its clock."""
    file = key_file(tmp_path, {"label": "a"})
    filed = KeyRing([], file)
    stamp = file.stat().st_mtime_ns
    content = key_file(tmp_path, {"label": "b"}, name="other.json").read_bytes()
    file.write_bytes(content)
    os.utime(file, ns=(stamp, stamp))
    assert becomes(filed, "key of b", opened=True)


@pytest.mark.parametrize("broken", [b"", b"[", b"{}", b"\xff", b'[{"label": "old"}]', b"[" * 100_000])
def test_a_file_that_became_invalid_changes_nothing(tmp_path: Path, broken: bytes) -> None:
    """The last good keys go on to count, until the file is sound again."""
    file = key_file(tmp_path, {"label": "old"})
    filed = KeyRing([], file)
    file.write_bytes(broken)
    filed.refresh()
    assert opens(filed, "key of old")
    file.unlink()
    filed.refresh()
    assert opens(filed, "key of old")
    key_file(tmp_path, {"label": "new"})
    filed.refresh()
    assert opens(filed, "key of new")
    assert not opens(filed, "key of old")


def test_to_read_a_broken_file_again_says_again_that_it_is_refused(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Whoever asked for it would otherwise believe that it was taken."""
    file = key_file(tmp_path, {"label": "old"})
    filed = KeyRing([], file)
    file.write_bytes(b"[")
    filed.refresh()
    filed.refresh()
    assert caplog.messages.count("key file refused") == 1
    filed.reread()
    assert caplog.messages.count("key file refused") == 2
    assert filed.refused
    assert opens(filed, "key of old")


def test_a_file_that_is_invalid_at_the_start_stops_it(tmp_path: Path) -> None:
    """Nothing good is known that could count instead."""
    with pytest.raises(KeyFileInvalid, match=r"none\.json': No such file"):
        KeyRing([], tmp_path / "none.json")


def test_the_demo_key_is_found_wherever_it_stands(tmp_path: Path) -> None:
    """In the environment or, by its hash, in the file; and refused where it must be."""
    file = key_file(tmp_path, {"label": "try"}, key=DEMO_KEY)
    assert KeyRing([DEMO_KEY]).demo_active
    assert KeyRing([], file).demo_active
    assert not ring.demo_active
    with pytest.raises(KeyFileInvalid, match="entry 'try' is the demo key"):
        KeyRing([], file, refuse_demo=True)


def test_the_next_expiry_is_that_of_a_key_that_still_works(tmp_path: Path) -> None:
    """One that is over needs no warning any more."""
    file = key_file(
        tmp_path,
        {"label": "over", "expires": "2020-01-01"},
        {"label": "a", "expires": "2999-01-01T00:00:00Z"},
        {"label": "b"},
    )
    assert KeyRing([], file).next_expiry == datetime(2999, 1, 1, tzinfo=UTC).timestamp()


def long_file(folder: Path, name: str, count: int = 5000) -> Path:
    """A key file that is read in several stretches."""
    made = folder / f"{name}.new"
    made.write_bytes(written(Entry(label=f"{name}-{n}", sha256=sha256_of(f"{name}{n}").hex()) for n in range(count)))
    return made.replace(folder / "keys.json")


def test_a_long_file_is_read_beside_everything_else(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The event loop goes on turning; the keys from before count until all of the new ones are there."""
    caplog.set_level(logging.INFO)
    filed = KeyRing([], long_file(tmp_path, "old"))
    long_file(tmp_path, "new")

    async def scenario() -> int:
        filed.refresh()
        turns = 0
        while not opens(filed, "new7"):
            assert opens(filed, "old7")
            await asyncio.sleep(0)
            turns += 1
        assert not opens(filed, "old7")
        while "key file read" not in caplog.messages:
            await asyncio.sleep(0)
        return turns

    assert asyncio.run(asyncio.wait_for(scenario(), 60)) > 20


def test_of_very_many_labels_a_line_of_the_log_names_some() -> None:
    """And says how many more there are."""
    assert at_once(only_in({"a", "b", "c"}, {"b"})) == ["a", "c"]
    told = at_once(only_in({f"key-{number}" for number in range(100)}, {"key-1"}))
    assert (len(told), told[-1]) == (NAMED + 1, "and 49 more")


def test_a_long_file_is_read_at_once_where_nobody_waits(tmp_path: Path) -> None:
    """On the command line there is no event loop."""
    filed = KeyRing([], long_file(tmp_path, "old"))
    long_file(tmp_path, "new")
    filed.refresh()
    assert opens(filed, "new7")
    assert not opens(filed, "old7")


def test_a_key_is_found_without_looking_at_the_others(tmp_path: Path) -> None:
    """A hundred thousand cost no more than one."""
    filed, calls = KeyRing([], long_file(tmp_path, "old")), 0

    def called(_frame: object, event: str, _argument: object) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    sys.setprofile(called)
    try:
        for key in ("old7", "old4999", "none"):
            opens(filed, key)
    finally:
        sys.setprofile(None)
    assert calls < 200


def test_the_copy_of_a_long_file_is_made_a_little_at_a_time(tmp_path: Path) -> None:
    """And holds what the file holds."""
    file, copy = long_file(tmp_path, "old"), tmp_path / "copy.json"
    kept = KeyCopy(read_settings({"API_KEYS_FILE": str(file)}), copy)
    for _ in range(1000):
        kept.follow()
        if copy.exists():
            break
    assert copy.read_bytes() == file.read_bytes()


def test_a_ring_that_nobody_asks_follows_its_file(tmp_path: Path) -> None:
    """A worker without requests would else hold revoked keys once the file is broken."""
    file = key_file(tmp_path, {"label": "revoked"})
    ring = KeyRing([], file)

    async def idle() -> None:
        deadline = time.monotonic() + DEADLINE
        async with ring.following():
            key_file(tmp_path, {"label": "crm"})
            while [key.label for key in ring.keys] != ["crm"]:
                assert time.monotonic() < deadline
                await asyncio.sleep(0.01)

    asyncio.run(idle())
    file.write_bytes(b"[")
    assert not opens(ring, "key of revoked")
    assert opens(ring, "key of crm")
