"""The values of categorical features, as XGBoost since 3.1 stores them: in the order of their codes."""

from itertools import pairwise

from leadscoring.errors import ModelUnreadable
from leadscoring.model.document import Categories, Encoding

Values = tuple[str, ...] | tuple[int | float, ...]
"""Texts, or numbers where the column's categories are numbers."""


def category_values(stored: Categories | None) -> dict[int, Values]:
    """The values of each categorical feature that has some, by column. Raises ModelUnreadable."""
    encodings = stored.enc if stored else []
    found = {place: values_of(place, encoding) for place, encoding in enumerate(encodings)}
    return {place: values for place, values in found.items() if values}


def values_of(place: int, encoding: Encoding) -> Values:
    """The values of one feature."""
    if encoding.offsets is None:
        values: Values = tuple(encoding.values)
    else:
        values = texts(place, encoding.values, encoding.offsets)
    if len(set(values)) != len(values):
        raise ModelUnreadable(f"cats.enc[{place}] has a value twice")
    return values


def texts(place: int, values: list[int | float], offsets: list[int]) -> tuple[str, ...]:
    """UTF-8 bytes, which XGBoost writes as signed ones, cut at the offsets."""
    ends = offsets or [0]
    if ends[0] != 0 or ends[-1] != len(values) or any(a > b for a, b in pairwise(ends)):
        raise ModelUnreadable(f"cats.enc[{place}].offsets do not cut the {len(values)} bytes of its values into texts")
    try:
        whole = bytes(int(value) & 0xFF for value in values)
        return tuple(whole[a:b].decode() for a, b in pairwise(ends))
    except (UnicodeDecodeError, ValueError, OverflowError) as failure:
        raise ModelUnreadable(f"cats.enc[{place}] holds a text that is not UTF-8") from failure
