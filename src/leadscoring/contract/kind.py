"""The interface of kinds of features: everything that depends on the kind, except for the encoding of values."""

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
"""The code of a value in one column; ``None`` means unknown."""

Table = Mapping[str | int | float, Code | tuple[Code, ...]]
"""The code of each value as it is sent; for a feature with several columns, one code per column."""

a_json_number = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?").fullmatch


class Kind:
    """The base of all kinds, with the defaults of most: a finite number, in one column."""

    engine: int
    """The engine's identifier of the encoding."""

    is_text = False
    """Whether values are sent as text."""

    is_whole = False
    """Whether numbers must be integers."""

    is_bounded = False
    """Whether ``minimum`` and ``maximum`` of the feature bound its numbers."""

    is_timed = False
    """Whether its columns depend on the moment that a lead is scored as of."""

    is_aspected = False
    """Whether its columns are aspects, of which the number that means missing is none."""

    is_category = False
    """Whether values have no order, so that the trees split them by code."""

    has_lines = False
    """Whether a value may have several lines."""

    takes_lists = False
    """Whether a value may be a list of texts."""

    words: tuple[str, ...] = ()
    """The JSON literals that are accepted besides numbers."""

    def form(self, _feature: "Feature") -> "Kind":
        """Returns the form of a feature, for kinds with several forms."""
        return self

    def check(self, feature: "Feature") -> None:
        """Raises ``CardInvalid`` for a feature that is inconsistent, or has fields of another kind."""
        texts = feature.missing or feature.aliases or feature.rare
        if feature.values or texts or feature.other or feature.numbers or feature.codes:
            raise CardInvalid(f"feature {feature.name!r} is a {feature.kind}, but has the values of a category")
        self.check_plain(feature)

    def check_plain(self, feature: "Feature") -> None:
        """Raises ``CardInvalid`` for a feature with fields of a kind with aspects."""
        if feature.aspects or feature.weights or feature.groups or feature.roles or feature.planned:
            raise CardInvalid(f"feature {feature.name!r} is a {feature.kind}, which has no aspects")

    def bounds(self, _feature: "Feature") -> tuple[float, float]:
        """Returns the smallest and the largest number that may be sent."""
        return -FLOAT32_MAX, FLOAT32_MAX

    def fits(self, feature: "Feature", value: Any) -> Any:
        """Whether a number may be sent, elementwise for arrays; false for NaN.

        This is the reference definition: tests check that the types of ``wire``, the engine and training agree with it.
        """
        low, high = self.bounds(feature)
        fine = (low <= value) & (value <= high)
        return fine & (value % 1 == 0) if self.is_whole else fine

    def accepts(self, feature: "Feature", value: object) -> bool:
        """Whether a decoded JSON value may be sent."""
        return is_finite(value) and bool(self.fits(feature, value))

    def wire(self, _feature: "Feature", _missing: float | None) -> Any:
        """Returns the type that msgspec decodes; the encoder checks what the type cannot express.

        ``missing`` is a number that means missing, and is accepted in addition.
        """
        return int | float

    def allowed(self, _feature: "Feature") -> str:
        """Describes what may be sent."""
        return "a number"

    def limits(self, feature: "Feature") -> tuple[float | None, float | None]:
        """Returns the bounds that the contract specifies; ``None`` for an unspecified one."""
        return feature.minimum, feature.maximum

    def schema(self, _feature: "Feature") -> dict[str, Any]:
        """Returns the JSON Schema of a value."""
        return {"type": "number"}

    def example(self, _feature: "Feature") -> float | int | str:
        """Returns a value that may be sent."""
        return 0

    def columns(self, feature: "Feature") -> tuple[Column, ...]:
        """Returns the columns of a feature."""
        return (Column(feature.name),)

    def table(self, _feature: "Feature") -> Table | None:
        """Returns the code of each value seen in training; ``None`` if values have no codes, or are sent as codes."""
        return None

    def other(self, _feature: "Feature") -> Code | tuple[Code, ...]:
        """Returns the code of values that are not in the table, distinct from all others; ``None`` for unknown.

        For a feature with several columns it may be one code per column.
        """
        return None

    def spec(self, _feature: "Feature", _places: Mapping[str, int]) -> tuple[Any, ...] | None:
        """Returns what the engine needs for columns that are aspects; ``None`` for other kinds.

        ``places`` are those of the features of the contract, by name.
        """
        return None

    def phrase(self, _feature: "Feature", _place: int, _value: float | None) -> str:
        """Describes what a column holds, where the value of the feature alone does not say it; otherwise empty."""
        return ""

    def leading(self, _feature: "Feature", _place: int, _sent: Any, _share: float) -> str:
        """Names the token of a value that a column holds the average weight of; empty for other columns."""
        return ""

    def back(self, _feature: "Feature") -> Callable[[Sequence[Code]], Any]:
        """Returns a function from the cells of the feature's columns to its value, which is ``None`` if unknown."""
        return alone

    @property
    def datatype(self) -> str:
        """The datatype of a tensor of such values in the Open Inference Protocol."""
        return "BYTES" if self.is_text else "FP64"

    def is_json(self, text: str) -> bool:
        """Whether a text is the JSON of a non-text value, as untyped clients send it."""
        return not self.is_text and (bool(a_json_number(text)) or text in self.words)

    def json_of(self, cell: str) -> str:
        """Converts a non-empty CSV cell to JSON; an invalid cell becomes a JSON text, which the decoder rejects."""
        plain = cell.strip()
        if a_json_number(plain):
            return plain  # with all digits, so that it equals the same number in JSON
        if plain.lower() in self.words:  # spreadsheets and Python write them in other case
            return plain.lower()
        return json.dumps(cell) if plain else "null"


def alone(cells: Sequence[Code]) -> Any:
    """Returns the cell of the only column; ``None`` for several columns."""
    return cells[0] if len(cells) == 1 else None


def number(text: str) -> int | float:
    """Parses a number; integers exactly. Raises ``ValueError`` for any other text."""
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
    """Whether a text can be encoded in UTF-8, which lone surrogates cannot."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True
