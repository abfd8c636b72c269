"""The options of ``leadscoring train``."""

import msgspec

from leadscoring.model.reading import Dated
from leadscoring.training.horizon import parse_days
from leadscoring.training.versions import FIRST


class TrainOptions(msgspec.Struct, frozen=True, kw_only=True):
    """The options of ``leadscoring train``; each field is the option of that name."""

    target: str
    positive: str | None = None
    negative: str | None = None
    time: str | None = None
    id: str | None = None
    ignore: tuple[str, ...] = ()
    keep: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    read: tuple[str, ...] = ()
    name: str | None = None
    version: str = FIRST
    seed: int = 20
    ship_measured: bool = False
    as_of: str | None = None
    won_date: str | None = None
    lost_date: str | None = None
    within: str | None = None
    because: tuple[str, ...] = ()
    compare: str | None = None
    """A model file to compare the new model with, on the same held-out leads."""
    beside: tuple[str, ...] = ()
    """Without ``compare``: the first of these model files that is there and reads the same columns."""
    out: str = ""
    report: str = ""
    """Where the model and the report are written, for the commands that the report recommends."""

    @property
    def dated(self) -> Dated:
        """The dates by which outcomes are judged."""
        days = 0 if self.within is None else parse_days(self.within)
        return Dated(self.won_date or "", self.lost_date or "", days, self.as_of or "")
