"""The figures of live quality that monitoring needs, in a small file beside the tape.

Every worker reads it when it is scraped, without a database; whoever keeps a report writes it.
"""

from pathlib import Path

import msgspec

from leadscoring.quality.live import Live
from leadscoring.whole_file import whole_file

NAME = "quality.json"


class Published(msgspec.Struct, frozen=True):
    """The direction of an alarm that stands, the evidence, and the conversions expected and observed in its period.

    ``predicted`` and ``converted`` are shares of the ``mature`` leads; ``groups_off`` is the number of groups.
    """

    alarm: str = ""
    evidence: float = 0.0
    expected: float = 0.0
    observed: int = 0
    mature: int = 0
    predicted: float = 0.0
    converted: float = 0.0
    groups_off: int = 0


NOTHING = Published()


def publish(live: Live, folder: Path) -> None:
    """Writes the figures of a report into a folder, which is created if necessary."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    total = live.overall
    figures = Published(
        alarm="" if live.alarm is None else live.alarm.direction,
        evidence=live.evidence or 0.0,
        expected=live.expected or 0.0,
        observed=live.observed or 0,
        mature=live.mature,
        predicted=0.0 if total is None else total.predicted,
        converted=0.0 if total is None else total.observed.value,
        groups_off=0 if live.groups is None else live.groups.off,
    )
    with whole_file(folder / NAME) as part:
        part.write_bytes(msgspec.json.encode(figures))


def published(folder: Path) -> Published:
    """Returns the figures in a folder; those of nothing without a file, or one that cannot be read."""
    try:
        return msgspec.json.decode((folder / NAME).read_bytes(), type=Published)
    except (OSError, msgspec.MsgspecError):
        return NOTHING
