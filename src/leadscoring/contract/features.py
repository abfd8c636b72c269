"""What a lead may hold: each feature's kind and bounds, and the contract that they make together."""

import math
import re
from collections.abc import Sequence
from difflib import get_close_matches
from typing import Literal

import msgspec

from leadscoring.errors import CardInvalid
from leadscoring.float32 import FLOAT32_MAX, single

Kind = Literal["number", "integer", "flag", "category"]


WHOLE_MAX = float(2**53)
"""The largest whole number that every JSON reader keeps exactly (RFC 8259)."""


UNWRITABLE = re.compile(r'["\\\x00-\x1f]').search
"""Finds what would have to be escaped in JSON: the fast decoder compares names as they are written."""


class Feature(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One column of the contract.

    ``number`` and ``integer`` lie in ``minimum``..``maximum`` (inclusive; ``None`` is unbounded).
    ``flag`` takes 0, 1, true or false. ``category`` takes text: its code is the position in
    ``values``; ``aliases`` are other spellings of values (in other case, with spaces around them); a
    text in ``missing`` means unknown; any other text takes the code after the last value when ``other``
    says that the trees know one, else counts as unknown. Of those, the texts in ``rare`` were too
    rare in training to have a code, and all others are *unseen*.

    Models of other trainers have two more forms of ``category``: with ``numbers`` its ``values`` are numbers and are
    sent as such, and where nobody knows its values it is sent as its code, of which the trees tell ``codes`` apart.
    """

    name: str
    kind: Kind
    required: bool = False
    minimum: float | None = None
    maximum: float | None = None
    values: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    other: bool = False
    numbers: bool = False
    codes: int = 0
    help: str = ""
    group: str = ""
    unit: str = ""
    example: float | int | str | None = None
    aliases: dict[str, str] = {}
    rare: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.name:
            raise CardInvalid("a feature needs a name")
        if UNWRITABLE(self.name):
            raise CardInvalid(
                f"feature {self.name!r} must have a name without quotation marks, backslashes and control characters"
            )
        self._check_category()
        bounds = [bound for bound in (self.minimum, self.maximum) if bound is not None]
        if not all(map(math.isfinite, bounds)) or bounds != sorted(bounds):
            raise CardInvalid(f"feature {self.name!r} must have finite bounds in order, not {bounds}")
        low, high = self.bounds
        if low > high or (self.kind == "integer" and math.ceil(low) > math.floor(high)):
            raise CardInvalid(f"feature {self.name!r} has bounds that leave it no value: {bounds}")

    def _check_category(self) -> None:
        """Raises ``CardInvalid`` for values that contradict each other, or the kind."""
        if len(set(self.values)) != len(self.values):
            raise CardInvalid(f"feature {self.name!r} lists a value twice")
        if set(self.values) & set(self.missing):
            raise CardInvalid(f"feature {self.name!r} has a value that also means missing")
        texts = self.missing or self.aliases or self.rare
        if self.kind != "category" and (self.values or texts or self.other or self.numbers or self.codes):
            raise CardInvalid(f"feature {self.name!r} is a {self.kind}, but has the values of a category")
        if self.codes < 0 or (self.codes and (self.values or texts or self.other)):
            raise CardInvalid(f"feature {self.name!r} is sent as its code, but has values of its own")
        if self.numbers and (texts or not all(map(is_number, self.values))):
            raise CardInvalid(f"feature {self.name!r} is a category of numbers, but has values that are none")
        known = {*self.values, *self.missing}
        if not known.isdisjoint(self.aliases) or not set(self.values).issuperset(self.aliases.values()):
            raise CardInvalid(f"feature {self.name!r} has another spelling that is a value itself, or of none")
        if not (known | set(self.aliases)).isdisjoint(self.rare):
            raise CardInvalid(f"feature {self.name!r} has a value, or another spelling of one, among its rare texts")

    @property
    def is_text(self) -> bool:
        """Whether it is sent as text."""
        return self.kind == "category" and not self.numbers and not self.codes

    @property
    def wire_values(self) -> tuple[str | int | float, ...]:
        """The values of a category as they are sent."""
        return tuple(map(number, self.values)) if self.numbers else self.values

    @property
    def is_whole(self) -> bool:
        """Whether its numbers are whole ones."""
        return self.kind == "integer" or self.codes > 0

    @property
    def bounds(self) -> tuple[float, float]:
        """The least and the greatest number that may be sent, whether the contract names them or not."""
        widest = WHOLE_MAX if self.kind == "integer" else FLOAT32_MAX
        low = 0.0 if self.codes else -widest if self.minimum is None else max(self.minimum, -widest)
        return low, widest if self.maximum is None else min(self.maximum, widest)

    def fits(self, value: float) -> bool:
        """Whether a number is one that may be sent; where texts are sent, none is.

        The one definition of what fits a kind: decoder, encoder and training are held to it by tests.
        """
        if self.kind == "flag":
            return value in (0.0, 1.0)
        low, high = self.bounds
        return not self.is_text and low <= value <= high and (not self.is_whole or value == math.floor(value))

    @property
    def code_table(self) -> dict[str | int | float, float | None]:
        """The code of each value of a category that training knew, as it is sent; ``None`` for what means unknown."""
        known: dict[str | int | float, float | None] = {
            value: float(code) for code, value in enumerate(self.wire_values)
        }
        spelled = {alias: known[value] for alias, value in self.aliases.items()}
        return known | spelled | dict.fromkeys(self.missing)

    @property
    def other_code(self) -> float | None:
        """The code of values that training did not know: one that nothing else has, or ``None`` for unknown."""
        if self.codes:
            return float(self.codes)
        return float(len(self.values)) if self.other else None

    @property
    def allowed(self) -> str:
        """What a caller may send, in words."""
        if self.kind == "flag":
            return "0, 1, true or false"
        if self.codes:
            return f"a whole number: the code of a category, of which the trees know 0 to {self.codes - 1}"
        if self.kind == "category":
            noun = "a number" if self.numbers else "text"
            return noun if not self.values else f"{noun}, such as " + ", ".join(map(repr, self.wire_values[:4]))
        noun = "a whole number" if self.kind == "integer" else "a number"
        if self.minimum is not None and self.maximum is not None:
            return f"{noun} from {self.minimum:g} to {self.maximum:g}"
        if self.minimum is not None:
            return f"{noun} of {self.minimum:g} or more"
        if self.maximum is not None:
            return f"{noun} of {self.maximum:g} or less"
        return noun


class Contract(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """The features of one model, in the order of its columns.

    ``missing_value`` is a number that means missing in every column, beside ``null``; it is a float32.
    """

    features: tuple[Feature, ...]
    missing_value: float | None = None

    def __post_init__(self) -> None:
        if not self.features:
            raise CardInvalid("a contract needs at least one feature")
        names = self.names
        if len(set(names)) != len(names):
            twice = next(name for name in names if names.count(name) > 1)
            raise CardInvalid(f"the contract names feature {twice!r} twice")
        if self.missing_value is not None and single(self.missing_value) != self.missing_value:
            raise CardInvalid(f"missing_value must be a finite float32, not {self.missing_value!r}")
        for feature in self.features:
            low, high = feature.bounds
            if (
                self.missing_value is not None
                and feature.kind in ("number", "integer")
                and not (low <= self.missing_value <= high)
            ):
                raise CardInvalid(
                    f"feature {feature.name!r} must have bounds that hold {self.missing_value:g}, which means missing"
                )

    @property
    def names(self) -> list[str]:
        """The names of the features, in column order."""
        return [feature.name for feature in self.features]

    def __len__(self) -> int:
        return len(self.features)

    def means_missing(self, value: float) -> bool:
        """Whether a number is the one that means missing, as the float32 that the trees would see."""
        return self.missing_value is not None and single(value) == self.missing_value

    def guess(self, name: str) -> str | None:
        """The feature that an unknown name most likely meant, if any is near."""
        return nearest(name, self.names)


def nearest(name: str, known: Sequence[str]) -> str | None:
    """The known name closest to ``name``, ignoring case, if any is close enough to suggest."""
    folded = {other.casefold(): other for other in known}
    matches = get_close_matches(name.casefold()[:200], folded, n=1, cutoff=0.7)
    return folded[matches[0]] if matches else None


def number(text: str) -> int | float:
    """A number in a text; a whole one exactly. Raises ``ValueError`` for another text."""
    try:
        return int(text)
    except ValueError:
        return float(text)


def is_number(text: str) -> bool:
    """Whether a text is a finite number."""
    try:
        return math.isfinite(number(text))
    except (ValueError, OverflowError):
        return False
