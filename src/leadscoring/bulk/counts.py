"""What became of the rows of a run: the counts add up."""

import msgspec

SHOWN = 5
"""How many of the lines are named that are read in another encoding."""


class Counts(msgspec.Struct, frozen=True, omit_defaults=True):
    """Rows read, scored and rejected; ``rows`` is always the sum of the others.

    ``warned`` are scored rows with a warning, ``short`` scored rows that lacked their last values. ``empty`` are lines
    without any value, and ``headers`` repeated headers: neither is a row. ``marked`` are cells that got an apostrophe.
    ``recorded`` are scored rows that are kept for the ledger.
    ``foreign`` are lines that are not UTF-8, and so were read as Windows-1252; ``foreign_lines`` the first of them.
    """

    rows: int = 0
    scored: int = 0
    rejected: int = 0
    warned: int = 0
    short: int = 0
    empty: int = 0
    headers: int = 0
    marked: int = 0
    foreign: int = 0
    recorded: int = 0
    foreign_lines: tuple[str, ...] = ()

    def __add__(self, other: "Counts") -> "Counts":
        """The counts of both."""
        sums = {name: getattr(self, name) + getattr(other, name) for name in self.__struct_fields__}
        sums["foreign_lines"] = sums["foreign_lines"][:SHOWN]
        return Counts(**sums)
