"""Offers of another protocol are not heard; everything else stays as it was sent."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadscoring.api.upgrade import without_offer


@pytest.mark.parametrize("name", [b"Upgrade", b"upgrade", b"UPGRADE"])
def test_an_offer_is_hidden_and_no_byte_is_moved(name: bytes) -> None:
    """Whatever is said beside it."""
    head, rest = b"POST / HTTP/1.1\r\nHost: x\r\n", b": h2c\r\nContent-Length: 2\r\n\r\n{}"
    assert without_offer(head + name + rest) == head + b"ignored" + rest


@pytest.mark.parametrize("name", [b"Upgrade-Insecure-Requests", b"X-Upgrade", b"Upgraded"])
def test_other_headers_are_left_alone(name: bytes) -> None:
    """They only look like it."""
    sent = b"GET / HTTP/1.1\r\n" + name + b": 1\r\n\r\n"
    assert without_offer(sent) == sent


@given(
    st.text().map(
        lambda text: ('{"lead_id": "' + text.replace("\r", "") + ' upgrade: h2c"}').encode("utf-8", "replace")
    )
)
def test_a_body_is_left_alone(sent: bytes) -> None:
    """What a lead says of upgrades is the lead's."""
    assert without_offer(sent) == sent
    head = b"POST / HTTP/1.1\r\nUpgrade: h2c\r\n\r\n"
    assert without_offer(head + sent).endswith(sent)
