"""The values of categorical features, as XGBoost since 3.1 stores them: in the order of their codes."""

from itertools import pairwise

from leadscoring.errors import ModelUnreadable
from leadscoring.model.document import Categories, Encoding

Values = tuple[str, ...] | tuple[int | float, ...]
"""Texts, or numbers where the column's categories are numbers."""


WHOLE_SINCE = (3, 4)
"""The version since which texts are stored whole: those before count letters where they mean bytes, and so cut the
last ones off as soon as one letter of a feature's texts is not ASCII."""


def category_values(stored: Categories | None, version: tuple[int, ...]) -> dict[int, Values]:
    """The values of each categorical feature whose file has them whole, by column. Raises ModelUnreadable."""
    encodings = stored.enc if stored else []
    cut = version[:2] < WHOLE_SINCE
    found = {place: values_of(place, encoding, cut) for place, encoding in enumerate(encodings)}
    return {place: values for place, values in found.items() if values}


def values_of(place: int, encoding: Encoding, cut: bool) -> Values:
    """The values of one feature; none where texts may be ``cut``."""
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
    """UTF-8 bytes, which XGBoost writes as signed ones, cut at the offsets."""
    ends = offsets or [0]
    if ends[0] != 0 or ends[-1] != len(values) or any(a > b for a, b in pairwise(ends)):
        raise ModelUnreadable(f"cats.enc[{place}].offsets do not cut the {len(values)} bytes of its values into texts")
    try:
        whole = bytes(int(value) & 0xFF for value in values)
        return tuple(whole[a:b].decode() for a, b in pairwise(ends))
    except (UnicodeDecodeError, ValueError, OverflowError) as failure:
        raise ModelUnreadable(f"cats.enc[{place}] holds a text that is not UTF-8") from failure
