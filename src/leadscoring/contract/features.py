"""What a lead may hold: the kind and bounds of each feature, and the contract that they form together."""

import math
import re
from collections.abc import Sequence
from difflib import get_close_matches
from functools import cached_property
from typing import Any

import msgspec

from leadscoring.contract.aspects import Aspect
from leadscoring.contract.columns import Column, Columns
from leadscoring.contract.kind import Code, Kind, Table, is_finite, number
from leadscoring.contract.kinds import KINDS
from leadscoring.errors import CardInvalid
from leadscoring.float32 import single

UNWRITABLE = re.compile(r'["\\\x00-\x1f]').search
"""Matches characters that JSON escapes: the fast decoder compares names without unescaping."""


class Feature(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One feature of the contract: ``kind`` names its row in ``KINDS``.

    ``number`` and ``integer`` lie in ``minimum``..``maximum`` (inclusive; ``None`` is unbounded).
    ``flag`` accepts 0, 1, true or false. ``category`` accepts text: its code is the position in
    ``values``; ``aliases`` are other spellings of values (in other case, with spaces around them); a
    text in ``missing`` means unknown; any other text gets the code after the last value if the trees
    have one for ``other`` values, else it is treated as unknown. Of those, the texts in ``rare`` were
    too rare in training to have a code, and all others are *unseen*.

    Models of other trainers have two more forms of ``category``: with ``numbers`` its ``values`` are numbers and are
    sent as such; if its values are unknown, it is sent as its code, of which the trees distinguish ``codes``.

    ``date``, ``text``, ``email`` and ``set`` have a column for each of their ``aspects``; there are none only while
    training has not chosen them. A ``category`` has one of codes, or the aspects ``code`` and ``weight``. ``weights``
    of tokens are averaged in the aspect ``weight``. Of an e-mail address, ``groups`` has domains and their suffixes by
    group, and ``roles`` local parts that are no persons. A date that is not ``planned`` and lies after the moment of
    scoring is treated as missing.
    """

    name: str
    kind: str
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
    aspects: tuple[Aspect, ...] = ()
    weights: dict[str, float] = {}
    groups: dict[str, tuple[str, ...]] = {}
    roles: tuple[str, ...] = ()
    planned: bool = False

    def __post_init__(self) -> None:
        if not self.name:
            raise CardInvalid("a feature needs a name")
        if UNWRITABLE(self.name):
            raise CardInvalid(
                f"feature {self.name!r} must have a name without quotation marks, backslashes and control characters"
            )
        if self.kind not in KINDS:
            raise CardInvalid(f"feature {self.name!r} must be one of {', '.join(KINDS)}, not {self.kind!r}")
        if len(set(self.values)) != len(self.values):
            raise CardInvalid(f"feature {self.name!r} lists a value twice")
        if set(self.values) & set(self.missing):
            raise CardInvalid(f"feature {self.name!r} has a value that also means missing")
        self.form.check(self)
        bounds = [bound for bound in (self.minimum, self.maximum) if bound is not None]
        if not all(map(math.isfinite, bounds)) or bounds != sorted(bounds):
            raise CardInvalid(f"feature {self.name!r} must have finite bounds in order, not {bounds}")
        low, high = self.bounds
        if low > high or (self.is_whole and math.ceil(low) > math.floor(high)):
            raise CardInvalid(f"feature {self.name!r} has bounds that leave it no value: {bounds}")

    @property
    def form(self) -> Kind:
        """The kind, in the form of this feature, with everything that depends on it."""
        return KINDS[self.kind].form(self)

    @property
    def columns(self) -> tuple[Column, ...]:
        """Its columns in the rows of the trees."""
        return self.form.columns(self)

    @property
    def is_text(self) -> bool:
        """Whether it is sent as text."""
        return self.form.is_text

    @property
    def wire_values(self) -> tuple[str | int | float, ...]:
        """The values of a category, as they are sent."""
        return tuple(map(number, self.values)) if self.numbers else self.values

    @property
    def is_whole(self) -> bool:
        """Whether its numbers must be integers."""
        return self.form.is_whole

    @property
    def bounds(self) -> tuple[float, float]:
        """The smallest and the largest number that may be sent, whether or not the contract specifies them."""
        return self.form.bounds(self)

    def fits(self, value: float) -> bool:
        """Whether a number may be sent; always false for text."""
        return bool(self.form.fits(self, value))

    @property
    def code_table(self) -> Table | None:
        """The code of each category value seen in training, as it is sent; ``None`` for texts that mean unknown."""
        return self.form.table(self)

    @property
    def other_code(self) -> Code | tuple[Code, ...]:
        """The code of values not seen in training, distinct from all others; ``None`` for unknown."""
        return self.form.other(self)

    @property
    def has_aspects(self) -> bool:
        """Whether the trees look at aspects of its values, so that a reason names the one that mattered most."""
        return self.form.is_aspected or bool(self.aspects) or len(self.columns) > 1

    @property
    def allowed(self) -> str:
        """What a caller may send, as a phrase for messages."""
        return self.form.allowed(self)

    def phrase(self, place: int, value: float | None) -> str:
        """Describes what one of its columns holds, such as "3 days ago" or "contains 'director'".

        ``place`` counts the columns of this feature from 0. It is empty for features whose value alone says it.
        """
        return self.form.phrase(self, place, value)

    def leading(self, place: int, sent: Any, share: float) -> str:
        """Describes the token of the value ``sent`` that weighs most in the direction of a contribution.

        It is empty for columns that hold no weight, and where no token of the value has one.
        """
        return self.form.leading(self, place, sent, share)


class Contract(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, dict=True):
    """The features of one model, in the order of its columns.

    ``missing_value`` is a float32 that means missing in every feature that is sent as a number, in addition to ``null``
    and to the values of the feature.
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
        names = self.columns.names
        if len(set(names)) != len(names):
            twice = next(name for name in names if names.count(name) > 1)
            raise CardInvalid(f"the features of the contract make two columns {twice!r}")
        for feature in self.features:
            self._check_references(feature)
        if self.missing_value is not None and single(self.missing_value) != self.missing_value:
            raise CardInvalid(f"missing_value must be a finite float32, not {self.missing_value!r}")

    def _check_references(self, feature: Feature) -> None:
        """Raises ``CardInvalid`` for a date that is counted from anything but another date."""
        if not feature.form.is_timed:
            return
        dates = {other.name for other in self.features if other.form.is_timed and other is not feature}
        for aspect in feature.aspects:
            if aspect.of and aspect.of not in dates:
                raise CardInvalid(f"feature {feature.name!r} is counted from {aspect.of!r}, which is not another date")

    @cached_property
    def is_timed(self) -> bool:
        """Whether any feature is a date, so that scores depend on the moment that a lead is scored as of."""
        return any(feature.form.is_timed for feature in self.features)

    @cached_property
    def columns(self) -> Columns:
        """The columns of the features in the rows of the trees."""
        return Columns([feature.columns for feature in self.features])

    @cached_property
    def has_aspects(self) -> bool:
        """Whether any feature has aspects."""
        return any(feature.has_aspects for feature in self.features)

    @property
    def names(self) -> list[str]:
        """The names of the features, in the order of their columns."""
        return [feature.name for feature in self.features]

    def __len__(self) -> int:
        return len(self.features)

    def means_missing(self, value: float) -> bool:
        """Whether a number means missing, compared as the float32 that the trees would see."""
        return self.missing_value is not None and single(value) == self.missing_value

    def accepts(self, feature: Feature, value: object) -> bool:
        """Whether a decoded JSON value may be sent: it fits the feature, or is the number that means missing."""
        if not feature.is_text and is_finite(value) and self.means_missing(value):
            return True
        return feature.form.accepts(feature, value)

    def allowed(self, feature: Feature) -> str:
        """Describes what a caller may send, as a phrase for messages."""
        missing = self.missing_value
        if missing is None or feature.is_text or feature.fits(missing):
            return feature.allowed
        return f"{feature.allowed}, or {missing:g} for unknown"

    def guess(self, name: str) -> str | None:
        """Returns the feature with the name nearest to an unknown one; ``None`` if none is near."""
        return nearest(name, self.names)


def nearest(name: str, known: Sequence[str]) -> str | None:
    """Returns the known name closest to ``name``, ignoring case; ``None`` if none is close enough to suggest."""
    folded = {other.casefold(): other for other in known}
    matches = get_close_matches(name.casefold()[:200], folded, n=1, cutoff=0.7)
    return folded[matches[0]] if matches else None
