"""The parameters of a query: each given once, and by a name that the route knows."""

from collections.abc import Sequence
from typing import Any, Literal
from urllib.parse import parse_qsl

import msgspec

from leadscoring.contract.features import nearest
from leadscoring.errors import InvalidParameter
from leadscoring.transport.exchange import Exchange


class Parameter(msgspec.Struct, frozen=True, rename={"place": "in", "about": "description"}):
    """A parameter of a route, as OpenAPI has it; ``value`` is the JSON schema of what may be given."""

    name: str
    place: Literal["query", "header", "path"]
    about: str
    value: dict[str, Any] = msgspec.field(name="schema")
    required: bool = False


REASONS = Parameter(
    "reasons",
    "query",
    "Number of reasons to return, the strongest first; 0 for none.",
    {"type": "integer", "minimum": 0, "maximum": 10_000, "default": 5},
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
    """The values in a query by their names, which are among ``known``.

    Raises ``InvalidParameter`` for a name that is given twice and, where it is ``strict``, for one that is not known;
    else those are left out.
    """
    found: dict[str, str] = {}
    for name, value in parse_qsl(query.decode("latin-1"), keep_blank_values=True):
        if name in found:
            raise InvalidParameter(name, value, "given once")
        if name in known:
            found[name] = value
        elif strict:
            raise InvalidParameter.unknown(name, known, nearest(name, known))
    return found


def takes_none(exchange: Exchange) -> None:
    """Raises ``InvalidParameter`` for a request of a route without parameters that has one."""
    if exchange.query:
        parameters(exchange.query, ())
