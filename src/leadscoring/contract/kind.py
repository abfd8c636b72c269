"""What a kind of feature says about its features: all that depends on the kind, but how values are encoded."""

import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeGuard

from leadscoring.contract.columns import Column
from leadscoring.errors import CardInvalid
from leadscoring.float32 import FLOAT32_MAX

if TYPE_CHECKING:
    from leadscoring.contract.features import Feature

Code = float | None
"""What a value becomes in one column; ``None`` means unknown."""

Table = Mapping[str | int | float, Code | tuple[Code, ...]]
"""The code of each value, as it is sent; of a feature with several columns a code for each of them."""

a_json_number = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?").fullmatch


class Kind:
    """What holds for most kinds: a finite number, in one column."""

    engine: int
    """The engine's number for the way in which values are encoded."""

    is_text = False
    """Whether values are sent as text."""

    is_whole = False
    """Whether numbers are whole ones."""

    is_bounded = False
    """Whether ``minimum`` and ``maximum`` of the feature bound its numbers."""

    is_category = False
    """Whether values have no order: the trees split them by code."""

    words: tuple[str, ...] = ()
    """The words of JSON that are taken beside numbers."""

    def form(self, _feature: "Feature") -> "Kind":
        """The row that a feature goes by, where the kind has several forms."""
        return self

    def check(self, feature: "Feature") -> None:
        """Raises ``CardInvalid`` for what contradicts itself or the kind."""
        texts = feature.missing or feature.aliases or feature.rare
        if feature.values or texts or feature.other or feature.numbers or feature.codes:
            raise CardInvalid(f"feature {feature.name!r} is a {feature.kind}, but has the values of a category")

    def bounds(self, _feature: "Feature") -> tuple[float, float]:
        """The least and the greatest number that may be sent."""
        return -FLOAT32_MAX, FLOAT32_MAX

    def fits(self, feature: "Feature", value: Any) -> Any:
        """Whether a number may be sent, or which of an array of numbers may be; NaN may not.

        The one definition of it: the types of ``wire``, the engine and training are held to it by tests.
        """
        low, high = self.bounds(feature)
        fine = (low <= value) & (value <= high)
        return fine & (value % 1 == 0) if self.is_whole else fine

    def accepts(self, feature: "Feature", value: object) -> bool:
        """Whether a value of JSON may be sent."""
        return is_finite(value) and bool(self.fits(feature, value))

    def wire(self, _feature: "Feature", _missing: float | None) -> Any:
        """The type that msgspec decodes; what that cannot hold, the encoder checks.

        ``missing`` is a number that means missing, whatever the feature takes otherwise.
        """
        return int | float

    def allowed(self, _feature: "Feature") -> str:
        """What may be sent, in words."""
        return "a number"

    def limits(self, feature: "Feature") -> tuple[float | None, float | None]:
        """The bounds as the contract shows them: ``None`` for one that it does not name."""
        return feature.minimum, feature.maximum

    def schema(self, _feature: "Feature") -> dict[str, Any]:
        """The JSON Schema of a value."""
        return {"type": "number"}

    def example(self, _feature: "Feature") -> float | int | str:
        """A value that may be sent."""
        return 0

    def columns(self, feature: "Feature") -> tuple[Column, ...]:
        """The columns that a feature makes."""
        return (Column(feature.name),)

    def table(self, _feature: "Feature") -> Table | None:
        """The code of each value that training knew; ``None`` where values are no codes, or are sent as such."""
        return None

    def other(self, _feature: "Feature") -> float | None:
        """The code of values outside of the table: one that nothing else has, or ``None`` for unknown."""
        return None

    def back(self, _feature: "Feature") -> Callable[[Sequence[Code]], Any]:
        """What turns the columns of an encoded row back into the value of the feature; ``None`` where there is none."""
        return alone

    @property
    def datatype(self) -> str:
        """The type of a tensor of such values, in the Open Inference Protocol."""
        return "BYTES" if self.is_text else "FP64"

    def is_json(self, text: str) -> bool:
        """Whether a text is the JSON of a value that is not sent as text, as clients without types write it."""
        return not self.is_text and (bool(a_json_number(text)) or text in self.words)

    def json_of(self, cell: str) -> str:
        """The JSON of a cell of a CSV that is not empty; one that no lead may hold where it is no such value."""
        plain = cell.strip()
        if a_json_number(plain):
            return plain  # digit by digit, so that it means the same as in JSON
        if plain.lower() in self.words:  # as spreadsheets and Python write them
            return plain.lower()
        return json.dumps(cell) if plain else "null"


def alone(cells: Sequence[Code]) -> Any:
    """The value that stands in the only column; several columns have none."""
    return cells[0] if len(cells) == 1 else None


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


def is_finite(value: object) -> TypeGuard[int | float]:
    """Whether a value is a finite number."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def is_writable(value: str) -> bool:
    """Whether a text can be written as UTF-8; a lone surrogate cannot."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True
