"""What became of the rows of a run: the counts add up."""

import msgspec


class Counts(msgspec.Struct, frozen=True, omit_defaults=True):
    """Rows read, scored and rejected; ``rows`` is always the sum of the others.

    ``warned`` are scored rows with a warning, ``short`` scored rows that lacked their last values. ``empty`` are lines
    without any value, and ``headers`` repeated headers: neither is a row. ``marked`` are cells that got an apostrophe.
    """

    rows: int = 0
    scored: int = 0
    rejected: int = 0
    warned: int = 0
    short: int = 0
    empty: int = 0
    headers: int = 0
    marked: int = 0

    def __add__(self, other: "Counts") -> "Counts":
        """The counts of both."""
        return Counts(*(getattr(self, name) + getattr(other, name) for name in self.__struct_fields__))
