"""What all connections share begins empty and open, with the limits of the settings."""

import pytest

from leadscoring.settings import read_settings
from leadscoring.transport.gate import Limits


@pytest.mark.parametrize(
    ("setting", "value", "field"),
    [
        ("MAX_HEADER_BYTES", 1234, "header_bytes"),
        ("HEADER_TIMEOUT_SECONDS", 3, "header_seconds"),
        ("BODY_TIMEOUT_SECONDS", 3, "body_seconds"),
        ("KEEP_ALIVE_SECONDS", 99, "idle_seconds"),
        ("MAX_CONNECTIONS", 1234, "connections"),
    ],
)
def test_each_limit_is_that_of_its_setting(setting: str, value: int, field: str) -> None:
    """And no other's."""
    usual, changed = Limits.of(read_settings({})), Limits.of(read_settings({setting: str(value)}))
    assert {name for name in Limits._fields if getattr(usual, name) != getattr(changed, name)} == {field}
    assert getattr(changed, field) == value
