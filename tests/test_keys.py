"""Only a key that is ours opens, and the keys themselves are not kept."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadscoring.errors import MissingKey, UnknownKey
from leadscoring.keys import KeyRing

ring = KeyRing(["first", "second"])


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
    """Not even in the message."""
    with pytest.raises(UnknownKey) as refusal:
        ring.check(key)
    assert str(refusal.value) == "the API key is not known to this service"


def test_the_ring_holds_no_key_that_was_not_presented() -> None:
    """Only digests are in memory until a caller comes."""
    assert "first" not in repr(vars(KeyRing(["first"])))


def test_a_key_is_judged_alike_however_often_and_in_whatever_order_it_comes() -> None:
    """What was accepted last changes nothing for the next caller."""
    for key in (b"first", b"first", b"second", b"first"):
        assert ring.check(key) == KeyRing([key.decode()]).check(key)
        with pytest.raises(UnknownKey):
            ring.check(key + b"x")
