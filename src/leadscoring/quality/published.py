"""The figures of live quality that monitoring needs, in a small file beside the tape.

Every worker reads it when it is scraped, without a database; whoever keeps a report writes it.
"""

from pathlib import Path

import msgspec

from leadscoring.quality.live import Live
from leadscoring.whole_file import whole_file

NAME = "quality.json"


class Published(msgspec.Struct, frozen=True):
    """The evidence, the conversions expected and observed in its period, and the direction of an alarm that stands."""

    evidence: float = 0.0
    expected: float = 0.0
    observed: int = 0
    alarm: str = ""


NOTHING = Published()


def publish(live: Live, folder: Path) -> None:
    """Writes the figures of a report into a folder, which is created if necessary."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    direction = "" if live.alarm is None else live.alarm.direction
    figures = Published(live.evidence or 0.0, live.expected or 0.0, live.observed or 0, direction)
    with whole_file(folder / NAME) as part:
        part.write_bytes(msgspec.json.encode(figures))


def published(folder: Path) -> Published:
    """Returns the figures in a folder; those of nothing without a file, or one that cannot be read."""
    try:
        return msgspec.json.decode((folder / NAME).read_bytes(), type=Published)
    except (OSError, msgspec.MsgspecError):
        return NOTHING
