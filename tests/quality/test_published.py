"""What monitoring needs of live quality is in one small file."""

from datetime import UTC, datetime
from pathlib import Path

import msgspec

from leadscoring.quality.live import AlarmInfo, Facts, live
from leadscoring.quality.published import NAME, NOTHING, Published, publish, published


def test_what_is_published_is_read(tmp_path: Path) -> None:
    """With the direction of the alarm, or without one."""
    empty = live(Facts((), {}, {}, 90, "lost"), datetime(2026, 1, 1, tzinfo=UTC)).live
    publish(empty, tmp_path / "tape")
    assert published(tmp_path / "tape") == NOTHING
    alarm = AlarmInfo("2026-01-01", 200.0, "fewer", "fewer conversions than expected")
    publish(msgspec.structs.replace(empty, alarm=alarm, evidence=150.0, expected=10.5, observed=3), tmp_path / "tape")
    assert published(tmp_path / "tape") == Published("fewer", 150.0, 10.5, 3)


def test_without_a_file_there_is_nothing(tmp_path: Path) -> None:
    """Nor with one that is damaged: a scrape never fails for it."""
    assert published(tmp_path) == NOTHING
    (tmp_path / NAME).write_text("{")
    assert published(tmp_path) == NOTHING
