"""What a lead may hold: each feature's kind and bounds, and the contract that they make together."""

import math
import re
from collections.abc import Sequence
from difflib import get_close_matches
from typing import Literal

import msgspec

from leadscoring.errors import CardInvalid

Kind = Literal["number", "integer", "flag", "category"]

FLOAT32_MAX = 3.4028234663852886e38
"""The largest finite value that the trees can compare; anything beyond would become infinity."""

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
    """

    name: str
    kind: Kind
    required: bool = False
    minimum: float | None = None
    maximum: float | None = None
    values: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    other: bool = False
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
        if len(set(self.values)) != len(self.values):
            raise CardInvalid(f"feature {self.name!r} lists a value twice")
        if set(self.values) & set(self.missing):
            raise CardInvalid(f"feature {self.name!r} has a value that also means missing")
        if self.kind != "category" and (self.values or self.missing or self.other or self.aliases or self.rare):
            raise CardInvalid(f"feature {self.name!r} is a {self.kind}, but has the values of a category")
        known = {*self.values, *self.missing}
        if not known.isdisjoint(self.aliases) or not set(self.values).issuperset(self.aliases.values()):
            raise CardInvalid(f"feature {self.name!r} has another spelling that is a value itself, or of none")
        if not (known | set(self.aliases)).isdisjoint(self.rare):
            raise CardInvalid(f"feature {self.name!r} has a value, or another spelling of one, among its rare texts")
        bounds = [bound for bound in (self.minimum, self.maximum) if bound is not None]
        if not all(map(math.isfinite, bounds)) or bounds != sorted(bounds):
            raise CardInvalid(f"feature {self.name!r} must have finite bounds in order, not {bounds}")
        low, high = self.bounds
        if low > high or (self.kind == "integer" and math.ceil(low) > math.floor(high)):
            raise CardInvalid(f"feature {self.name!r} has bounds that leave it no value: {bounds}")

    @property
    def bounds(self) -> tuple[float, float]:
        """The least and the greatest number that may be sent, whether the contract names them or not."""
        widest = WHOLE_MAX if self.kind == "integer" else FLOAT32_MAX
        low = -widest if self.minimum is None else max(self.minimum, -widest)
        return low, widest if self.maximum is None else min(self.maximum, widest)

    def fits(self, value: float) -> bool:
        """Whether a number is one that may be sent; of a category, none is.

        The one definition of what fits a kind: decoder, encoder and training are held to it by tests.
        """
        if self.kind == "flag":
            return value in (0.0, 1.0)
        low, high = self.bounds
        return (
            self.kind != "category" and low <= value <= high and (self.kind == "number" or value == math.floor(value))
        )

    @property
    def codes(self) -> dict[str, float | None]:
        """The code of each text of a category that training knew; ``None`` for one that counts as unknown."""
        known: dict[str, float | None] = {value: float(code) for code, value in enumerate(self.values)}
        spelled = {alias: known[value] for alias, value in self.aliases.items()}
        return known | spelled | dict.fromkeys(self.missing)

    @property
    def other_code(self) -> float | None:
        """The code of texts without one: the one after the last value, or ``None`` for unknown."""
        return float(len(self.values)) if self.other else None

    @property
    def allowed(self) -> str:
        """What a caller may send, in words."""
        if self.kind == "flag":
            return "0, 1, true or false"
        if self.kind == "category":
            return "text" if not self.values else "text, such as " + ", ".join(map(repr, self.values[:4]))
        noun = "a whole number" if self.kind == "integer" else "a number"
        if self.minimum is not None and self.maximum is not None:
            return f"{noun} from {self.minimum:g} to {self.maximum:g}"
        if self.minimum is not None:
            return f"{noun} of {self.minimum:g} or more"
        if self.maximum is not None:
            return f"{noun} of {self.maximum:g} or less"
        return noun


class Contract(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The features of one model, in the order of its columns."""

    features: tuple[Feature, ...]

    def __post_init__(self) -> None:
        if not self.features:
            raise CardInvalid("a contract needs at least one feature")
        names = self.names
        if len(set(names)) != len(names):
            twice = next(name for name in names if names.count(name) > 1)
            raise CardInvalid(f"the contract names feature {twice!r} twice")

    @property
    def names(self) -> list[str]:
        """The names of the features, in column order."""
        return [feature.name for feature in self.features]

    def __len__(self) -> int:
        return len(self.features)

    def guess(self, name: str) -> str | None:
        """The feature that an unknown name most likely meant, if any is near."""
        return nearest(name, self.names)


def nearest(name: str, known: Sequence[str]) -> str | None:
    """The known name closest to ``name``, ignoring case, if any is close enough to suggest."""
    folded = {other.casefold(): other for other in known}
    matches = get_close_matches(name.casefold()[:200], folded, n=1, cutoff=0.7)
    return folded[matches[0]] if matches else None
