"""Reads the values of categorical features, which XGBoost since 3.1 stores in the order of their codes."""

from itertools import pairwise

from leadscoring.errors import ModelUnreadable
from leadscoring.model.document import Categories, Encoding

Values = tuple[str, ...] | tuple[int | float, ...]
"""Texts, or numbers where the column's categories are numbers."""


WHOLE_SINCE = (3, 4)
"""The version since which texts are stored completely: earlier versions count characters in place of bytes, and thus
truncate the texts of a feature if any of them is not ASCII."""


def category_values(stored: Categories | None, version: tuple[int, ...]) -> dict[int, Values]:
    """Returns the values of each categorical feature that are stored completely, by column. Raises ModelUnreadable."""
    encodings = stored.enc if stored else []
    cut = version[:2] < WHOLE_SINCE
    every = {place: values_of(place, encoding, cut) for place, encoding in enumerate(encodings)}
    return {place: values for place, values in every.items() if values}


def values_of(place: int, encoding: Encoding, cut: bool) -> Values:
    """Returns the values of one feature; empty if its texts may be ``cut``. Raises ``ModelUnreadable``."""
    if encoding.offsets is None:
        values: Values = tuple(encoding.values)
    elif cut and any(not 0 <= value < 128 for value in encoding.values):
        values = ()
    else:
        values = texts(place, encoding.values, encoding.offsets)
    if len(set(values)) != len(values):
        raise ModelUnreadable(f"cats.enc[{place}] has a value twice")
    return values


def texts(place: int, values: list[int | float], offsets: list[int]) -> tuple[str, ...]:
    """Splits UTF-8 bytes, which XGBoost writes as signed numbers, at the offsets. Raises ``ModelUnreadable``."""
    ends = offsets or [0]
    if ends[0] != 0 or ends[-1] != len(values) or any(a > b for a, b in pairwise(ends)):
        raise ModelUnreadable(f"cats.enc[{place}].offsets do not cut the {len(values)} bytes of its values into texts")
    try:
        whole = bytes(int(value) & 0xFF for value in values)
        return tuple(whole[a:b].decode() for a, b in pairwise(ends))
    except (UnicodeDecodeError, ValueError, OverflowError) as failure:
        raise ModelUnreadable(f"cats.enc[{place}] holds a text that is not UTF-8") from failure
