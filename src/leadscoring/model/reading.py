"""How training parsed the columns of its file, kept in the card so that later files are parsed in the same way."""

from typing import Literal

import msgspec

DayOrder = Literal["day-first", "month-first"]
"""Whether day or month comes first in dates such as 01/02/2026."""


class Notation(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """How the numbers of a column are written, if not plainly.

    ``decimal`` and ``group`` are the decimal and the thousands separator. A currency, a scale (1.2M), parentheses
    around negative numbers and a trailing sign are also accepted. With ``percent`` each value has a ``%`` sign (12 %
    is 12). ``currency`` is the only currency that the column accepts.
    """

    decimal: Literal[".", ","] = "."
    group: Literal["", ",", ".", "'", " "] = ""
    percent: bool = False
    currency: str = ""

    @property
    def words(self) -> str:
        """An example of a number in this notation, and its value."""
        whole = f"1{self.group}234" if self.group else "1234"
        unit = " %" if self.percent else f" {self.currency}" if self.currency else ""
        return f"{whole}{self.decimal}5{unit} is 1234.5"


class Dated(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """The dates by which outcomes are judged, as the options of ``train`` specify them; empty if they do not.

    ``won`` and ``lost`` are the columns with the dates of the outcome, ``within`` is the horizon in days (0: none),
    and ``as_of`` the column with the moment of each lead.
    """

    won: str = ""
    lost: str = ""
    within: int = 0
    as_of: str = ""

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that are named."""
        return tuple(name for name in (self.won, self.lost, self.as_of) if name)


UNDATED = Dated()


IDS = ("lead_id", "id")
"""Columns that are taken for ids, the first that is there, where none is named."""


class Reading(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What is needed besides the contract to parse later files as the training file was parsed.

    ``numbers`` has the notation of columns whose numbers are not plain. ``missing`` are the missing tokens beyond the
    defaults, as ``--missing`` takes them. ``positive`` and ``negative`` are the values of the target, if there are
    several or they were specified. ``dates`` has the order of day and month of columns of dates in which both are
    numbers. ``presence`` has, for each feature that says whether a column is filled in, that column.
    ``dated`` are the dates by which outcomes were judged. ``id`` is the column of ids, if it was named
    and is none of ``IDS``, which are found without it.
    """

    numbers: dict[str, Notation] = {}
    missing: tuple[str, ...] = ()
    positive: tuple[str, ...] = ()
    negative: tuple[str, ...] = ()
    dates: dict[str, DayOrder] = {}
    presence: dict[str, str] = {}
    dated: Dated = UNDATED
    id: str = ""


PLAIN = Reading()
