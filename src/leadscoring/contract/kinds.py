"""The kinds of features, one row each.

A category has three forms, since models of other trainers identify categories by number or by code only; each form
is a row of its own.
"""

import json
import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from msgspec import Meta

from leadscoring.contract.aspects import UNKNOWN, Sort, check_aspects, check_weights, name_of, unknown
from leadscoring.contract.columns import Column
from leadscoring.contract.dates import Date
from leadscoring.contract.kind import Code, Kind, Table, is_number, is_writable
from leadscoring.contract.tokens import Email, Values, Words
from leadscoring.errors import CardInvalid
from leadscoring.float32 import FLOAT32_MAX

if TYPE_CHECKING:
    from leadscoring.contract.features import Feature

WHOLE_MAX = float(2**53 - 1)
"""The largest integer that every JSON reader represents exactly and uniquely (RFC 8259)."""

MOST_CODE = 2**24 - 2
"""The largest category code that XGBoost supports."""


class Number(Kind):
    """A number within bounds."""

    engine = 0
    is_bounded = True
    noun = "a number"
    widest = FLOAT32_MAX

    def bounds(self, feature: "Feature") -> tuple[float, float]:
        """Returns the bounds of the contract, limited to those of the kind."""
        low = -self.widest if feature.minimum is None else max(feature.minimum, -self.widest)
        return low, self.widest if feature.maximum is None else min(feature.maximum, self.widest)

    def wire(self, feature: "Feature", missing: float | None) -> Any:
        """Includes the bounds, unless the number that means missing is outside; the encoder then checks them."""
        low, high = self.bounds(feature)
        return Annotated[float, Meta(ge=low, le=high)] if missing is None or low <= missing <= high else float

    def allowed(self, feature: "Feature") -> str:
        """Describes the bounds that the contract specifies."""
        low, high = feature.minimum, feature.maximum
        if low is not None and high is not None:
            return f"{self.noun} from {low:g} to {high:g}"
        if low is not None:
            return f"{self.noun} of {low:g} or more"
        return self.noun if high is None else f"{self.noun} of {high:g} or less"

    def schema(self, feature: "Feature") -> dict[str, Any]:
        """Includes bounds, whether or not the contract specifies them."""
        low, high = self.bounds(feature)
        return {"type": "integer" if self.is_whole else "number", "minimum": low, "maximum": high}

    def example(self, feature: "Feature") -> float | int | str:
        """Returns the allowed number nearest to 0."""
        low, high = feature.minimum, feature.maximum
        return max(low or 0, 0) if high is None else min(high, max(low or 0, 0))


class Integer(Number):
    """An integer within bounds."""

    engine = 1
    is_whole = True
    noun = "a whole number"
    widest = WHOLE_MAX

    def wire(self, feature: "Feature", missing: float | None) -> Any:
        """Accepts 5.0 for 5: JSON has no integers, and some clients write them like this."""
        low, high = self.bounds(feature)
        if missing is not None and not low <= missing <= high:
            return int | float
        return Annotated[int, Meta(ge=math.ceil(low), le=math.floor(high))] | Annotated[float, Meta(ge=low, le=high)]

    def columns(self, feature: "Feature") -> tuple[Column, ...]:
        """Allows any codes: categories that no tree of another trainer's model uses are read as integers."""
        return (Column(feature.name, codes=None),)


class Flag(Kind):
    """A boolean: 0 or 1, true or false."""

    engine = 2
    words = ("true", "false")

    def bounds(self, _feature: "Feature") -> tuple[float, float]:
        """Returns 0 and 1."""
        return 0.0, 1.0

    def fits(self, _feature: "Feature", value: Any) -> Any:
        """Accepts only 0 and 1."""
        return (value == 0) | (value == 1)

    def accepts(self, feature: "Feature", value: object) -> bool:
        """Also accepts true and false."""
        return isinstance(value, bool | int | float) and bool(self.fits(feature, value))

    def wire(self, _feature: "Feature", missing: float | None) -> Any:
        """Accepts any number if one means missing; the encoder then checks the values."""
        if missing is not None:
            return bool | int | float
        whole = Meta(ge=0, le=1)
        return bool | Annotated[int, whole] | Annotated[float, whole]

    def allowed(self, _feature: "Feature") -> str:
        """Lists all spellings."""
        return "0, 1, true or false"

    def limits(self, _feature: "Feature") -> tuple[float | None, float | None]:
        """Returns 0 and 1."""
        return 0, 1

    def schema(self, _feature: "Feature") -> dict[str, Any]:
        """Avoids an enum of both types, which client generators drop together with every operation that uses it."""
        return {"type": ["integer", "boolean"], "minimum": 0, "maximum": 1}

    def example(self, _feature: "Feature") -> float | int | str:
        """Returns 1."""
        return 1

    def columns(self, feature: "Feature") -> tuple[Column, ...]:
        """Returns one column that holds 0 or 1."""
        return (Column(feature.name, most=1),)


class Category(Kind):
    """One of several values without an order."""

    is_category = True
    noun = "a number"

    def form(self, feature: "Feature") -> Kind:
        """Returns the form by which values are sent: text, number or code."""
        return NUMBERED if feature.numbers else CODED if feature.codes else self

    def check(self, feature: "Feature") -> None:
        """Also checks that values, aliases, missing and rare texts are disjoint, and fit the form."""
        self.check_plain(feature)
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
        """Includes some of the values."""
        some = ", ".join(map(repr, feature.wire_values[:4]))
        return f"{self.noun}, such as {some}" if some else self.noun

    def schema(self, feature: "Feature") -> dict[str, Any]:
        """Includes the values as examples, since others are accepted, too."""
        examples = {"examples": list(feature.wire_values)} if feature.values else {}
        return {"type": "string" if self.is_text else "number", **examples}

    def example(self, feature: "Feature") -> float | int | str:
        """Returns the first value."""
        return feature.wire_values[0] if feature.values else "text" if self.is_text else 0

    def columns(self, feature: "Feature") -> tuple[Column, ...]:
        """Returns one column of codes: the position of each value, and one for other values if the trees have it."""
        return (self.codes(feature, feature.name),)

    def codes(self, feature: "Feature", name: str) -> Column:
        """Returns the column of the codes under a name."""
        codes = len(feature.values) + feature.other
        return Column(name, True, codes, codes - 1, feature.wire_values)

    def table(self, feature: "Feature") -> Table | None:
        """Maps values and aliases to codes, and missing texts to ``None``."""
        known: dict[str | int | float, Code] = {value: float(code) for code, value in enumerate(feature.wire_values)}
        spelled = {alias: known[value] for alias, value in feature.aliases.items()}
        return known | spelled | dict.fromkeys(feature.missing)

    def other(self, feature: "Feature") -> Code | tuple[Code, ...]:
        """Returns the code after that of the last value, if the trees have one for other values."""
        return float(len(feature.values)) if feature.other else None

    def back(self, feature: "Feature") -> Callable[[Sequence[Code]], Any]:
        """Returns the value of a code; ``None`` if there is none."""
        known = feature.wire_values

        def value(cells: Sequence[Code]) -> Any:
            code = cells[0]
            return code if code is None or not known else known[int(code)] if code < len(known) else None

        return value


class Text(Category):
    """A category with text values, which may have a column of their weights, besides that of their codes or alone."""

    engine = 3
    is_text = True
    noun = "text"
    sorts: ClassVar[Mapping[str, Sort]] = {"code": Sort(), "weight": Sort(other="weight of {value:.3g}")}

    def check_plain(self, feature: "Feature") -> None:
        """Allows aspects of codes and weights; the weight of another spelling is that of its value."""
        if feature.groups or feature.roles or feature.planned:
            raise CardInvalid(f"feature {feature.name!r} is a category, but has what dates or e-mail addresses have")
        check_aspects(feature, self.sorts)
        check_weights(feature)
        if not set(feature.weights).isdisjoint({*feature.missing, *feature.aliases}):
            raise CardInvalid(
                f"feature {feature.name!r} has a weight of another spelling, or of one that means missing"
            )

    def columns(self, feature: "Feature") -> tuple[Column, ...]:
        """Returns the column of codes, or one for each aspect."""
        names = [(aspect.what, name_of(feature, aspect)) for aspect in feature.aspects]
        several = tuple(Column(name) if what == "weight" else self.codes(feature, name) for what, name in names)
        return several or super().columns(feature)

    def table(self, feature: "Feature") -> Table | None:
        """Maps values also to their weights; the weight of values that have none is 0."""
        known: Any = super().table(feature)
        if not feature.aspects:
            return known  # type: ignore[no-any-return]  # a table
        other = super().other(feature)
        return {
            text: None if text in feature.missing else self.cells(feature, known.get(text, other), text)
            for text in (*known, *feature.weights)
        }

    def other(self, feature: "Feature") -> Code | tuple[Code, ...]:
        """Returns the weight 0 besides the code."""
        code = super().other(feature)
        return self.cells(feature, code, None) if feature.aspects else code

    def cells(self, feature: "Feature", code: Any, text: str | None) -> Code | tuple[Code, ...]:
        """Returns what a text with this code has in the column of each aspect."""
        weight = feature.weights.get(feature.aliases.get(text, text), 0.0) if text is not None else 0.0
        cells = tuple(weight if aspect.what == "weight" else code for aspect in feature.aspects)
        return cells if len(cells) > 1 else cells[0]

    def back(self, feature: "Feature") -> Callable[[Sequence[Code]], Any]:
        """Returns the value of the code, if there is one."""
        value = super().back(feature)
        place = next((place for place, aspect in enumerate(feature.aspects) if aspect.what == "code"), None)
        if not feature.aspects:
            return value
        return unknown if place is None else lambda cells: value(cells[place : place + 1])

    def phrase(self, feature: "Feature", place: int, value: float | None) -> str:
        """Describes the value of a code, or a weight; the only column of a category needs no words."""
        if not feature.aspects:
            return ""
        if value is None or math.isnan(value):
            return UNKNOWN
        aspect, code = feature.aspects[place], int(value)
        if aspect.what == "weight":
            return self.sorts[aspect.what].phrase(aspect, value)
        return f"is {feature.values[code]!r}" if code < len(feature.values) else "is another value"

    def fits(self, _feature: "Feature", _value: Any) -> Any:
        """Rejects all numbers."""
        return False

    def accepts(self, _feature: "Feature", value: object) -> bool:
        """Accepts any text: those not seen in training are scored, too."""
        return isinstance(value, str) and is_writable(value)

    def wire(self, _feature: "Feature", _missing: float | None) -> Any:
        """Accepts text only, even if a number means missing."""
        return str

    def json_of(self, cell: str) -> str:
        """Returns the unchanged cell as a JSON text."""
        return json.dumps(cell)


class Numbered(Category):
    """A category with numeric values, from another trainer."""

    engine = 4


class Coded(Category):
    """A category that is sent as its code, since its values are unknown."""

    engine = 5
    is_whole = True

    def bounds(self, _feature: "Feature") -> tuple[float, float]:
        """Returns 0 and the largest float32: codes start at 0."""
        return 0.0, FLOAT32_MAX

    def allowed(self, feature: "Feature") -> str:
        """Includes the codes that the trees know."""
        return f"a whole number: the code of a category, of which the trees know 0 to {feature.codes - 1}"

    def schema(self, _feature: "Feature") -> dict[str, Any]:
        """Accepts codes that the trees do not know, too."""
        return {"type": "integer", "minimum": 0}

    def columns(self, feature: "Feature") -> tuple[Column, ...]:
        """Returns one column that may hold any code, including codes that no split uses."""
        return (Column(feature.name, True, feature.codes, MOST_CODE),)

    def table(self, _feature: "Feature") -> Table | None:
        """Returns ``None``: codes are sent as such."""
        return None

    def other(self, feature: "Feature") -> Code | tuple[Code, ...]:
        """Returns the first code that no split uses."""
        return float(feature.codes)


NUMBERED, CODED = Numbered(), Coded()
"""The forms of categories that are not sent as text."""

KINDS: dict[str, Kind] = {
    "number": Number(),
    "integer": Integer(),
    "flag": Flag(),
    "category": Text(),
    "date": Date(),
    "text": Words(),
    "email": Email(),
    "set": Values(),
}
"""Every kind by its name in model cards."""
