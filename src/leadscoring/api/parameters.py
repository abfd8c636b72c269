"""Query parameters: parsing, with checks for unknown and duplicate names, and their description in OpenAPI."""

from collections.abc import Sequence
from typing import Any, Literal
from urllib.parse import parse_qsl

import msgspec

from leadscoring.contract.features import nearest
from leadscoring.errors import InvalidParameter
from leadscoring.transport.exchange import Exchange


class Parameter(msgspec.Struct, frozen=True, rename={"place": "in", "about": "description"}):
    """A parameter of a route, as in OpenAPI; ``value`` is the JSON Schema of its values."""

    name: str
    place: Literal["query", "header", "path"]
    about: str
    value: dict[str, Any] = msgspec.field(name="schema")
    required: bool = False


MOST_REASONS = 10_000

REASONS = Parameter(
    "reasons",
    "query",
    "Number of reasons to return, the strongest first; 0 for none.",
    {"type": "integer", "minimum": 0, "maximum": MOST_REASONS, "default": 5},
)
SHOWN_REASONS = Parameter(
    "reasons",
    "query",
    "Number of reasons of the latest score to return, the strongest first; 0 for none.",
    {"type": "integer", "minimum": 0, "maximum": MOST_REASONS, "default": 5},
)
DETAILS = Parameter(
    "include_details",
    "query",
    "Adds the definition of the tiers, the explanation, and the latency.",
    {"type": "boolean", "default": False},
)
BODIES = Parameter(
    "bodies",
    "query",
    "`json` omits bodies that are not JSON, for programs that support no others.",
    {"enum": ["json"]},
)
TIMEOUT = Parameter(
    "X-Request-Timeout-Ms",
    "header",
    "Timeout of the caller in milliseconds; limits the call of a remote model.",
    {"type": "integer", "minimum": 1, "maximum": 3_600_000},
)


def parameters(query: bytes, known: Sequence[str], strict: bool = True) -> dict[str, str]:
    """Parses a query; returns the values of ``known`` parameters by name.

    Raises ``InvalidParameter`` for a duplicate name and, if ``strict``, for an unknown one; otherwise ignores unknown
    ones.
    """
    values: dict[str, str] = {}
    for name, value in parse_qsl(query.decode("latin-1"), keep_blank_values=True):
        if name in values:
            raise InvalidParameter(name, value, "given once")
        if name in known:
            values[name] = value
        elif strict:
            raise InvalidParameter.unknown(name, known, nearest(name, known))
    return values


def takes_none(exchange: Exchange) -> None:
    """Raises ``InvalidParameter`` if the request has any query parameter."""
    if exchange.query:
        parameters(exchange.query, ())


def whole_number(name: str, value: str) -> int:
    """Parses the number of reasons. Raises ``InvalidParameter``."""
    if not (value.isascii() and value.isdigit() and len(value) <= 5 and int(value) <= MOST_REASONS):
        raise InvalidParameter(name, value, f"a whole number from 0 to {MOST_REASONS}")
    return int(value)
