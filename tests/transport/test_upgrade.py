"""Offers of another protocol are not taken; the head that made one is read as if it had not."""

import pytest

from leadscoring.transport.upgrade import without_offer


@pytest.mark.parametrize("other", [b"upgrade-insecure-requests", b"x-upgrade", b"upgraded"])
def test_the_offer_alone_is_left_out(other: bytes) -> None:
    """Every other header stays, in its order, also one that looks like it."""
    headers = [(b"host", b"a"), (b"upgrade", b"h2c"), (other, b"1"), (b"connection", b"Upgrade, close")]
    assert without_offer(b"POST", b"/x?y=1", "1.0", headers) == (
        b"POST /x?y=1 HTTP/1.0\r\nhost: a\r\n" + other + b": 1\r\nconnection: Upgrade, close\r\n\r\n"
    )
