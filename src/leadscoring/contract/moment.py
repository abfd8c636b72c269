"""The moment as of which a lead is scored: what a caller may state, and how it is reported."""

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from time import time

from leadscoring._engine import parse_moment

SECOND = 1_000_000
"""Microseconds of a second: moments are whole numbers of microseconds since 1970, in UTC."""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

UNCLEAR = re.compile(r"\s*(\d{1,2})[./-](\d{1,2})[./-](\d{4}|\d{2})(?!\d)")
"""A date in which day and month may be exchanged."""

AS_OF_ALLOWED = "a time, such as 2026-01-31T10:00:00Z or 2026-01-31"


def now() -> int:
    """Returns the current moment, in whole seconds: an answer states it, and the same text gives the same score."""
    return int(time()) * SECOND


def moment_of(text: str) -> int:
    """Parses a moment that a caller states. Raises ``ValueError`` for any other text."""
    moment = parse_moment(text)
    if moment is None:
        raise ValueError(f"not {AS_OF_ALLOWED}")
    return moment


def is_moment(value: object) -> bool:
    """Whether a decoded JSON value is a moment that a caller may state."""
    try:
        return isinstance(value, str) and moment_of(value) is not None
    except ValueError:
        return False


def unclear(value: object) -> str:
    """Returns why a text is no date if day and month may be exchanged in it, as the end of a sentence; else nothing."""
    found = UNCLEAR.match(value) if isinstance(value, str) else None
    if found is None:
        return ""
    one, two, year = map(int, found.groups())
    year += 2000 if year < 100 else 0
    if not (1 <= one <= 12 and 1 <= two <= 12 and one != two):
        return ""
    return f": which is the month is not clear; write {year}-{two:02}-{one:02} or {year}-{one:02}-{two:02}"


@lru_cache(maxsize=1024)
def written(moment: int) -> str:
    """Formats a moment in ISO 8601 and UTC, with as many digits as ``moment_of`` needs to get the same one."""
    return (EPOCH + timedelta(microseconds=moment)).isoformat().replace("+00:00", "Z")
