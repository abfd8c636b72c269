"""Evaluates expressions of Bicep in a scope of names."""

import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from tree_sitter import Node

from infra.azure.syntax import BicepError, field, named, said
from infra.azure.values import FUNCTIONS, SIGNS, Later, Resource, as_text

if TYPE_CHECKING:
    from infra.azure.bicep import Template

ESCAPES = {"\\'": "'", "\\n": "\n", "\\t": "\t", "\\r": "\r", "\\\\": "\\", "\\$": "$"}

Then = Callable[[Any], Any]
OPERATIONS = {
    "ternary_expression",
    "unary_expression",
    "binary_expression",
    "member_expression",
    "subscript_expression",
}


def same(value: Any) -> Any:
    """Returns the value unchanged."""
    return value


class Scope:
    """The names and their values at one place of a template."""

    def __init__(self, template: "Template", names: Mapping[str, Any], seen: set[int] | None = None):
        self.template = template
        self.names = names
        self.seen = set() if seen is None else seen

    def with_names(self, names: Mapping[str, Any]) -> "Scope":
        """Returns a copy with additional names."""
        return Scope(self.template, {**self.names, **names}, self.seen)

    def named(self, node: Node) -> Any:
        """Returns the value of a name."""
        if said(node) not in self.names:
            raise BicepError(self.template.file, node, f"{said(node)} is not defined")
        found = self.names[said(node)]
        return found() if callable(found) else found

    def value(self, node: Node, then: Then = same) -> Any:
        """Returns the value of an expression, after applying ``then``.

        The grammar parses ``a * b.c`` as ``(a * b).c``: an access after an operation belongs to its last operand, and
        is passed as ``then``.
        """
        reader = getattr(self, f"_{node.type}", None)
        if reader is None:
            raise BicepError(self.template.file, node, f"{node.type} is not supported")
        try:
            return reader(node, then) if node.type in OPERATIONS else then(reader(node))
        except (KeyError, TypeError, ValueError, AttributeError) as failure:
            raise BicepError(self.template.file, node, f"{said(node)[:60]}: {failure!r}") from failure

    def _string(self, node: Node) -> str:
        parts = [self._part(part) for part in node.named_children]
        return parts[0] if len(parts) == 1 and isinstance(parts[0], Later) else "".join(parts)

    def _part(self, node: Node) -> str:
        if node.type == "interpolation":
            return as_text(self.value(node.named_children[0]))
        return ESCAPES[said(node)] if node.type == "escape_sequence" else said(node)

    def _number(self, node: Node) -> int:
        return int(said(node))

    def _boolean(self, node: Node) -> bool:
        return said(node) == "true"

    def _null(self, _node: Node) -> None:
        return None

    def _identifier(self, node: Node) -> Any:
        return self.named(node)

    def _parenthesized_expression(self, node: Node) -> Any:
        return self.value(named(node)[0])

    def _array(self, node: Node) -> list[Any]:
        return [self.value(part) for part in named(node)]

    def _object(self, node: Node) -> dict[str, Any]:
        made: dict[str, Any] = {}
        for part in named(node):
            key, value = named(part)
            self.seen.add(part.start_byte)
            made[self._string(key) if key.type == "string" else said(key)] = self.value(value)
        return made

    def _for_statement(self, node: Node) -> list[Any]:
        item, source = said(named(node)[0]), self.value(named(node)[1])
        return [self.with_names({item: each}).value(field(node, "body")) for each in source]

    def _ternary_expression(self, node: Node, then: Then) -> Any:
        if self.value(field(node, "condition")):
            return self.value(field(node, "consequence"))
        return self.value(field(node, "alternative"), then)

    def _unary_expression(self, node: Node, then: Then) -> Any:
        value = self.value(field(node, "argument"), then)
        return not value if said(field(node, "operator")) == "!" else -value

    def _binary_expression(self, node: Node, then: Then) -> Any:
        sign, left, right = said(field(node, "operator")), self.value(field(node, "left")), field(node, "right")
        if sign in ("&&", "||", "??"):
            decided = {"&&": not left, "||": left, "??": left is not None}[sign]
            return left if decided else self.value(right, then)
        return SIGNS[sign](left, self.value(right, then))

    def _member_expression(self, node: Node, then: Then) -> Any:
        name = said(field(node, "property"))
        maybe = any(child.type == ".?" for child in node.children)
        return self.value(field(node, "object"), lambda held: then(self._part_of(held, name, maybe, node)))

    def _subscript_expression(self, node: Node, then: Then) -> Any:
        index = self.value(field(node, "index"))
        return self.value(field(node, "object"), lambda held: then(self._part_of(held, index, False, node)))

    def _part_of(self, held: Any, name: Any, maybe: bool, node: Node) -> Any:
        if isinstance(held, Resource):
            return held.name if name == "name" else Later(said(node))
        if isinstance(held, Later):
            return Later(f"{held}.{name}")
        return held.get(name) if maybe else held[name]

    def _call_expression(self, node: Node) -> Any:
        called, given = field(node, "function"), [self.value(part) for part in named(field(node, "arguments"))]
        if called.type == "member_expression":
            return Later(said(node))
        if own := self.template.functions.get(said(called)):
            names = [said(named(part)[0]) for part in named(own) if part.type == "parameters" for part in named(part)]
            return Scope(self.template, dict(zip(names, given, strict=True))).value(named(own)[-1])
        if said(called) == "loadJsonContent":
            return json.loads((self.template.file.parent / given[0]).read_bytes())
        return FUNCTIONS[said(called)](*given)
