"""The kinds of features, a row each.

A category has three forms, since models of other trainers know their categories by number or by code alone; each
form is a row of its own.
"""

import json
import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Annotated, Any

from msgspec import Meta

from leadscoring.contract.columns import Column
from leadscoring.contract.kind import Code, Kind, Table, is_number, is_writable
from leadscoring.errors import CardInvalid
from leadscoring.float32 import FLOAT32_MAX

if TYPE_CHECKING:
    from leadscoring.contract.features import Feature

WHOLE_MAX = float(2**53 - 1)
"""The largest whole number that every JSON reader keeps exactly (RFC 8259): no other number is read as this one."""

MOST_CODE = 2**24 - 2
"""The largest code of a category that XGBoost knows."""


class Number(Kind):
    """A number between bounds."""

    engine = 0
    is_bounded = True
    noun = "a number"
    widest = FLOAT32_MAX

    def bounds(self, feature: "Feature") -> tuple[float, float]:
        """Those of the contract, as far as they are within those of the kind."""
        low = -self.widest if feature.minimum is None else max(feature.minimum, -self.widest)
        return low, self.widest if feature.maximum is None else min(feature.maximum, self.widest)

    def wire(self, feature: "Feature", missing: float | None) -> Any:
        """Within the bounds, which the encoder checks where the number that means missing lies outside of them."""
        low, high = self.bounds(feature)
        return Annotated[float, Meta(ge=low, le=high)] if missing is None or low <= missing <= high else float

    def allowed(self, feature: "Feature") -> str:
        """By the bounds that the contract names."""
        low, high = feature.minimum, feature.maximum
        if low is not None and high is not None:
            return f"{self.noun} from {low:g} to {high:g}"
        if low is not None:
            return f"{self.noun} of {low:g} or more"
        return self.noun if high is None else f"{self.noun} of {high:g} or less"

    def schema(self, feature: "Feature") -> dict[str, Any]:
        """With bounds, whether the contract names them or not."""
        low, high = self.bounds(feature)
        return {"type": "integer" if self.is_whole else "number", "minimum": low, "maximum": high}

    def example(self, feature: "Feature") -> float | int | str:
        """The one that is next to zero."""
        low, high = feature.minimum, feature.maximum
        return max(low or 0, 0) if high is None else min(high, max(low or 0, 0))


class Integer(Number):
    """A whole number between bounds."""

    engine = 1
    is_whole = True
    noun = "a whole number"
    widest = WHOLE_MAX

    def wire(self, feature: "Feature", missing: float | None) -> Any:
        """JSON knows no whole numbers: 5.0 is as good a 5 as 5, and some clients write it so."""
        low, high = self.bounds(feature)
        if missing is not None and not low <= missing <= high:
            return int | float
        return Annotated[int, Meta(ge=math.ceil(low), le=math.floor(high))] | Annotated[float, Meta(ge=low, le=high)]

    def columns(self, feature: "Feature") -> tuple[Column, ...]:
        """Models of other trainers declare categories that no tree asks for, which are taken for whole numbers."""
        return (Column(feature.name, codes=None),)


class Flag(Kind):
    """Yes or no."""

    engine = 2
    words = ("true", "false")

    def bounds(self, _feature: "Feature") -> tuple[float, float]:
        """No and yes."""
        return 0.0, 1.0

    def fits(self, _feature: "Feature", value: Any) -> Any:
        """0 and 1 alone."""
        return (value == 0) | (value == 1)

    def accepts(self, feature: "Feature", value: object) -> bool:
        """True and false too."""
        return isinstance(value, bool | int | float) and bool(self.fits(feature, value))

    def wire(self, _feature: "Feature", missing: float | None) -> Any:
        """Any number where one means missing: the encoder knows the flags among them."""
        if missing is not None:
            return bool | int | float
        whole = Meta(ge=0, le=1)
        return bool | Annotated[int, whole] | Annotated[float, whole]

    def allowed(self, _feature: "Feature") -> str:
        """All spellings."""
        return "0, 1, true or false"

    def limits(self, _feature: "Feature") -> tuple[float | None, float | None]:
        """No and yes."""
        return 0, 1

    def schema(self, _feature: "Feature") -> dict[str, Any]:
        """No enum of both types: generators of clients drop one, and every operation that names it."""
        return {"type": ["integer", "boolean"], "minimum": 0, "maximum": 1}

    def example(self, _feature: "Feature") -> float | int | str:
        """Yes."""
        return 1

    def columns(self, feature: "Feature") -> tuple[Column, ...]:
        """0 and 1."""
        return (Column(feature.name, most=1),)


class Category(Kind):
    """One of some values that have no order."""

    is_category = True
    noun = "a number"

    def form(self, feature: "Feature") -> Kind:
        """Sent as text, as a number or as its code."""
        return NUMBERED if feature.numbers else CODED if feature.codes else self

    def check(self, feature: "Feature") -> None:
        """Values, their other spellings and the texts that mean missing are apart."""
        texts = feature.missing or feature.aliases or feature.rare
        if feature.codes < 0 or (feature.codes and (feature.values or texts or feature.other)):
            raise CardInvalid(f"feature {feature.name!r} is sent as its code, but has values of its own")
        if feature.numbers and (texts or not all(map(is_number, feature.values))):
            raise CardInvalid(f"feature {feature.name!r} is a category of numbers, but has values that are none")
        known = {*feature.values, *feature.missing}
        if not known.isdisjoint(feature.aliases) or not set(feature.values).issuperset(feature.aliases.values()):
            raise CardInvalid(f"feature {feature.name!r} has another spelling that is a value itself, or of none")
        if not (known | set(feature.aliases)).isdisjoint(feature.rare):
            raise CardInvalid(f"feature {feature.name!r} has a value, or another spelling of one, among its rare texts")

    def allowed(self, feature: "Feature") -> str:
        """With some of the values."""
        some = ", ".join(map(repr, feature.wire_values[:4]))
        return f"{self.noun}, such as {some}" if some else self.noun

    def schema(self, feature: "Feature") -> dict[str, Any]:
        """With the values as examples, since others are taken as well."""
        examples = {"examples": list(feature.wire_values)} if feature.values else {}
        return {"type": "string" if self.is_text else "number", **examples}

    def example(self, feature: "Feature") -> float | int | str:
        """The first value."""
        return feature.wire_values[0] if feature.values else "text" if self.is_text else 0

    def columns(self, feature: "Feature") -> tuple[Column, ...]:
        """Codes: the place of each value, and one for others where the trees know one."""
        codes = len(feature.values) + feature.other
        return (Column(feature.name, True, codes, codes - 1, feature.wire_values),)

    def table(self, feature: "Feature") -> Table | None:
        """Other spellings have the code of their value."""
        known: dict[str | int | float, Code] = {value: float(code) for code, value in enumerate(feature.wire_values)}
        spelled = {alias: known[value] for alias, value in feature.aliases.items()}
        return known | spelled | dict.fromkeys(feature.missing)

    def other(self, feature: "Feature") -> float | None:
        """The code after the last value."""
        return float(len(feature.values)) if feature.other else None

    def back(self, feature: "Feature") -> Callable[[Sequence[Code]], Any]:
        """The value of the code; none of what is no known value."""
        known = feature.wire_values

        def value(cells: Sequence[Code]) -> Any:
            code = cells[0]
            return code if code is None or not known else known[int(code)] if code < len(known) else None

        return value


class Text(Category):
    """A category whose values are texts."""

    engine = 3
    is_text = True
    noun = "text"

    def fits(self, _feature: "Feature", _value: Any) -> Any:
        """No number is a text."""
        return False

    def accepts(self, _feature: "Feature", value: object) -> bool:
        """Any text: those that training did not know have a meaning too."""
        return isinstance(value, str) and is_writable(value)

    def wire(self, _feature: "Feature", _missing: float | None) -> Any:
        """A number that means missing is no text."""
        return str

    def json_of(self, cell: str) -> str:
        """The cell as it is."""
        return json.dumps(cell)


class Numbered(Category):
    """A category whose values are numbers, as another trainer had them."""

    engine = 4


class Coded(Category):
    """A category that is sent as its code, since nobody knows its values."""

    engine = 5
    is_whole = True

    def bounds(self, _feature: "Feature") -> tuple[float, float]:
        """Codes begin at 0."""
        return 0.0, FLOAT32_MAX

    def allowed(self, feature: "Feature") -> str:
        """With the codes that the trees know."""
        return f"a whole number: the code of a category, of which the trees know 0 to {feature.codes - 1}"

    def schema(self, _feature: "Feature") -> dict[str, Any]:
        """Codes that the trees do not know are taken as well."""
        return {"type": "integer", "minimum": 0}

    def columns(self, feature: "Feature") -> tuple[Column, ...]:
        """Any code: what no split names is a code all the same."""
        return (Column(feature.name, True, feature.codes, MOST_CODE),)

    def table(self, _feature: "Feature") -> Table | None:
        """A code needs none."""
        return None

    def other(self, feature: "Feature") -> float | None:
        """The first code that no split names."""
        return float(feature.codes)


NUMBERED, CODED = Numbered(), Coded()
"""The forms of a category that is not sent as text."""

KINDS: dict[str, Kind] = {"number": Number(), "integer": Integer(), "flag": Flag(), "category": Text()}
"""Every kind by the name that cards have for it."""
