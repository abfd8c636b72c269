"""The parameters of a query: each given once, and by a name that the route knows."""

from collections.abc import Sequence
from urllib.parse import parse_qsl

from leadscoring.contract.features import nearest
from leadscoring.errors import InvalidParameter
from leadscoring.transport.exchange import Exchange


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
