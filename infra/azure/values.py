"""The values of Bicep expressions, including those that only Azure knows, and the functions of the language."""

import json
from collections.abc import Callable
from typing import Any, NamedTuple


class Later(str):
    """A value of any type that only Azure knows; its text is the expression."""

    __slots__ = ()


class Resource(NamedTuple):
    """One resource as it is sent to Azure."""

    symbol: str
    kind: str
    """Such as ``Microsoft.App/containerApps``."""
    version: str
    body: dict[str, Any]

    @property
    def name(self) -> str:
        """The name of the resource."""
        return str(self.body["name"])


def as_text(value: Any) -> str:
    """Returns a value as interpolated in a text; ``Later`` shows its expression."""
    if isinstance(value, Later):
        return f"<{value}>"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str | int):
        return str(value)
    raise TypeError(f"{type(value).__name__} cannot be interpolated")


def divided(left: int, right: int) -> int:
    """Divides as Azure does, rounding towards zero."""
    return int(left / right)


SIGNS: dict[str, Callable[[Any, Any], Any]] = {
    "==": lambda left, right: left == right,
    "!=": lambda left, right: left != right,
    "<": lambda left, right: left < right,
    "<=": lambda left, right: left <= right,
    ">": lambda left, right: left > right,
    ">=": lambda left, right: left >= right,
    "+": lambda left, right: left + right,
    "-": lambda left, right: left - right,
    "*": lambda left, right: left * right,
    "/": divided,
    "%": lambda left, right: left % right,
}


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "concat": lambda *lists: [part for each in lists for part in each],
    "deployer": lambda: {"objectId": Later("deployer().objectId")},
    "empty": lambda value: not value,
    "guid": lambda *parts: f"guid({', '.join(map(as_text, parts))})",
    "items": lambda held: [{"key": key, "value": held[key]} for key in sorted(held)],
    "join": lambda parts, between: between.join(parts),
    "json": json.loads,
    "max": max,
    "min": min,
    "padLeft": lambda text, width, fill: str(text).rjust(width, fill),
    "resourceGroup": lambda: {"id": Later("resourceGroup().id"), "location": Later("resourceGroup().location")},
    "string": lambda value: value if isinstance(value, str) else json.dumps(value),
    "subscription": lambda: {"tenantId": Later("subscription().tenantId")},
    "subscriptionResourceId": lambda kind, name: f"/subscriptions/<id>/providers/{kind}/{name}",
    "uniqueString": lambda *_: "u" * 13,
}
