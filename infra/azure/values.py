"""What expressions of Bicep come to: values, those that only Azure knows, and the functions of the language."""

import json
from collections.abc import Callable
from typing import Any, NamedTuple


class Later(str):
    """A value that Azure gives, whatever its type; its text is what was asked for."""

    __slots__ = ()


class Resource(NamedTuple):
    """One resource as Azure would get it."""

    symbol: str
    kind: str
    """Such as ``Microsoft.App/containerApps``."""
    version: str
    body: dict[str, Any]

    @property
    def name(self) -> str:
        """What it is called."""
        return str(self.body["name"])


def as_text(value: Any) -> str:
    """A value inside of a text; one that comes later shows what was asked for."""
    if isinstance(value, Later):
        return f"<{value}>"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str | int):
        return str(value)
    raise TypeError(f"{type(value).__name__} inside of a text")


def divided(left: int, right: int) -> int:
    """As Azure divides: towards zero."""
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
