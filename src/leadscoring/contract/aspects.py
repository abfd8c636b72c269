"""The columns of features that a single column cannot hold: dates, texts, e-mail addresses and sets."""

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import msgspec

from leadscoring.contract.columns import Column
from leadscoring.contract.kind import Kind, is_writable
from leadscoring.errors import CardInvalid
from leadscoring.float32 import single

if TYPE_CHECKING:
    from leadscoring.contract.features import Feature


class Aspect(msgspec.Struct, frozen=True, array_like=True):
    """One column of a feature: what it holds, and of what, where there are several of this sort."""

    what: str
    of: str = ""


class Sort(NamedTuple):
    """What is common to all aspects of one sort.

    ``takes`` says whether they need ``of``; ``most`` is the maximum of one that holds integers from 0, ``None`` for any
    numbers. ``one``, ``none`` and ``other`` are the phrases for the value 1, for 0 and for any other, with the places
    ``{of}`` and ``{value}``; an empty phrase is that for any other.
    """

    takes: bool = False
    most: int | None = None
    one: str = ""
    none: str = ""
    other: str = ""

    def phrase(self, aspect: Aspect, value: float) -> str:
        """Describes the value of an aspect of this sort."""
        words = (value == 1 and self.one) or (value == 0 and self.none) or self.other
        return words.format(of=aspect.of, value=value)


WEIGHT = Sort(other="average weight of {value:.3g}")

MOST_ASPECTS = 1000
"""Maximum number of columns of a feature."""

LONGEST = 2000
"""Characters of a text, or values of a list, among which a token is looked for to name it."""

UNKNOWN = "unknown"
"""The phrase for a missing value."""


class Aspected(Kind):
    """The base of kinds whose features have a column for each of their aspects."""

    is_text = True
    is_aspected = True

    sorts: ClassVar[Mapping[str, Sort]] = {}
    """The aspects that a feature may have, by name."""

    noun = "text"

    def check(self, feature: "Feature") -> None:
        """Checks the aspects, and that there is nothing of another kind."""
        name, what = feature.name, feature.kind
        if feature.values or feature.aliases or feature.rare or feature.other or feature.numbers or feature.codes:
            raise CardInvalid(f"feature {name!r} is a {what}, but has the values of a category")
        if feature.minimum is not None or feature.maximum is not None:
            raise CardInvalid(f"feature {name!r} is a {what}, but has the bounds of a number")
        check_aspects(feature, self.sorts)
        for aspect in feature.aspects:
            self.check_aspect(feature, aspect)
        self.check_extras(feature)

    def check_aspect(self, feature: "Feature", aspect: Aspect) -> None:
        """Raises ``CardInvalid`` for an aspect that the feature cannot have; by default for none."""

    def check_extras(self, feature: "Feature") -> None:
        """Raises ``CardInvalid`` for fields of other kinds; by default takes weights where an aspect uses them."""
        if feature.planned:
            raise CardInvalid(f"feature {feature.name!r} is a {feature.kind}, but planned as a date")
        if feature.groups or feature.roles:
            raise CardInvalid(f"feature {feature.name!r} is a {feature.kind}, but has the groups of an e-mail address")
        self.check_weights(feature)

    def check_weights(self, feature: "Feature") -> None:
        """Raises ``CardInvalid`` for weights that do not fit."""
        check_weights(feature)

    def fits(self, _feature: "Feature", _value: Any) -> Any:
        """Rejects all numbers."""
        return False

    def accepts(self, _feature: "Feature", value: object) -> bool:
        """Accepts any text."""
        return isinstance(value, str) and is_writable(value)

    def wire(self, _feature: "Feature", _missing: float | None) -> Any:
        """Accepts text only, even if a number means missing."""
        return str

    def allowed(self, _feature: "Feature") -> str:
        """Describes the text."""
        return self.noun

    def schema(self, feature: "Feature") -> dict[str, Any]:
        """Returns the schema of a text, with an example."""
        return {"type": "string", "examples": [self.example(feature)]}

    def example(self, feature: "Feature") -> float | int | str:
        """Returns the first text that an aspect is of."""
        return next((aspect.of for aspect in feature.aspects if aspect.of), "text")

    def columns(self, feature: "Feature") -> tuple[Column, ...]:
        """Returns a column for each aspect."""
        return tuple(Column(name_of(feature, aspect), most=self.sorts[aspect.what].most) for aspect in feature.aspects)

    def spec(self, feature: "Feature", _places: Mapping[str, int]) -> tuple[Any, ...] | None:
        """Returns the aspects, and what they need."""
        return (
            tuple(map(astuple, feature.aspects)),
            feature.missing,
            feature.planned,
            feature.weights,
            feature.groups,
            feature.roles,
        )

    def back(self, _feature: "Feature") -> Any:
        """Returns a function that finds no value: its columns do not determine it."""
        return unknown

    def phrase(self, feature: "Feature", place: int, value: float | None) -> str:
        """Describes what one of the columns holds."""
        aspect = feature.aspects[place]
        return UNKNOWN if value is None or math.isnan(value) else self.sorts[aspect.what].phrase(aspect, value)

    single: ClassVar[str] = ""
    """The aspect that a single token of a value has, which names the token in words."""

    def tokens(self, _sent: Any) -> Sequence[str]:
        """Returns the tokens of a value that may have weights."""
        return ()

    def leading(self, feature: "Feature", place: int, sent: Any, share: float) -> str:
        """Names the token with the largest weight for a positive contribution, or the smallest for a negative one."""
        if feature.aspects[place].what != "weight" or not isinstance(sent, str | list):
            return ""
        known = [(feature.weights[token], token) for token in self.tokens(sent[:LONGEST]) if token in feature.weights]
        if not known:
            return ""
        return self.sorts[self.single].phrase(Aspect(self.single, (max if share > 0 else min)(known)[1]), 1)


def check_aspects(feature: "Feature", sorts: Mapping[str, Sort]) -> None:
    """Raises ``CardInvalid`` unless all aspects are of these sorts, and each is there once."""
    for aspect in feature.aspects:
        sort = sorts.get(aspect.what)
        if sort is None:
            known = ", ".join(sorts)
            raise CardInvalid(
                f"feature {feature.name!r} is a {feature.kind}: its aspects must be of {known}, not {aspect.what!r}"
            )
        if sort.takes != bool(aspect.of):
            needs = "needs to say of what it is" if sort.takes else f"is of nothing, not {aspect.of!r}"
            raise CardInvalid(f"feature {feature.name!r} has an aspect {aspect.what!r}, which {needs}")
        if not is_writable(aspect.of):
            raise CardInvalid(f"feature {feature.name!r} has an aspect of {aspect.of!r}, which is no text")
    if len(set(feature.aspects)) != len(feature.aspects):
        raise CardInvalid(f"feature {feature.name!r} has an aspect twice")
    if len(feature.aspects) > MOST_ASPECTS:
        raise CardInvalid(f"feature {feature.name!r} has {len(feature.aspects)} aspects, more than {MOST_ASPECTS}")


def check_weights(feature: "Feature") -> None:
    """Raises ``CardInvalid`` unless there are weights exactly where an aspect uses them, and all are finite."""
    used = any(aspect.what == "weight" for aspect in feature.aspects)
    if bool(feature.weights) != used:
        missing = "has an aspect 'weight', but no weights" if used else "has weights, but no aspect that uses them"
        raise CardInvalid(f"feature {feature.name!r} {missing}")
    for token, weight in feature.weights.items():
        if not math.isfinite(weight) or single(weight) is None:
            raise CardInvalid(f"feature {feature.name!r} has a weight of {token!r} that is no finite float32")


def name_of(feature: "Feature", aspect: Aspect) -> str:
    """Returns the name of the column of an aspect."""
    return " ".join(filter(None, (feature.name, *astuple(aspect))))


def astuple(aspect: Aspect) -> tuple[str, str]:
    """Returns what an aspect holds, and of what."""
    return aspect.what, aspect.of


def unknown(_cells: object) -> None:
    """Returns ``None`` for any cells."""
