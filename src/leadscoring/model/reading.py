"""How training read the columns of its file, kept in the card so that later files are read the same way."""

from typing import Literal

import msgspec


class Notation(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """How the numbers of a column are written where they are not plain.

    ``decimal`` and ``group`` are the signs between and within whole and fraction; beside them a currency, a scale
    (1.2M), brackets around negative numbers and a sign behind them are read. With ``percent`` each value has the sign
    ``%`` (12 % is 12). ``currency`` is the one that the column has; another one does not fit.
    """

    decimal: Literal[".", ","] = "."
    group: Literal["", ",", ".", "'", " "] = ""
    percent: bool = False
    currency: str = ""

    @property
    def words(self) -> str:
        """A number written so, and what it is."""
        whole = f"1{self.group}234" if self.group else "1234"
        unit = " %" if self.percent else f" {self.currency}" if self.currency else ""
        return f"{whole}{self.decimal}5{unit} is 1234.5"


class Reading(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What a later file needs beside the contract to be read as the file of training was.

    ``numbers`` has the columns whose numbers are not plain; ``missing`` are the texts that mean unknown beside those
    known everywhere, as ``--missing`` takes them;
    ``positive`` and ``negative`` are the values of the target, where they are more than one or named.
    """

    numbers: dict[str, Notation] = {}
    missing: tuple[str, ...] = ()
    positive: tuple[str, ...] = ()
    negative: tuple[str, ...] = ()


PLAIN = Reading()
