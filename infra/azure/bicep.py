"""Reads a Bicep template, and works out what it would make with given parameters, without Azure.

Only what the templates of this folder use is understood; anything else raises ``BicepError``, which names the place.
What only a subscription can tell, such as the id of a resource, comes out as ``Later``.
"""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import tree_sitter_bicep
from tree_sitter import Language, Node, Parser

PARSER = Parser(Language(tree_sitter_bicep.language()))
ESCAPES = {"\\'": "'", "\\n": "\n", "\\t": "\t", "\\r": "\r", "\\\\": "\\", "\\$": "$"}


Then = Callable[[Any], Any]
OPERATIONS = {
    "ternary_expression",
    "unary_expression",
    "binary_expression",
    "member_expression",
    "subscript_expression",
}


class BicepError(Exception):
    """A template that cannot be read or worked out; the text says where."""

    def __init__(self, file: Path, node: Node, why: str):
        super().__init__(f"{file.name}:{node.start_point[0] + 1}: {why}")


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


class Declared(NamedTuple):
    """A parameter, variable, resource, module or output, as its file declares it."""

    symbol: str
    node: Node
    marks: dict[str, Any]
    """Decorators and what they are given."""
    value: Node | None
    kind: str = ""
    """The type of a parameter; the type and version of a resource; the file of a module."""
    existing: bool = False


class Template:
    """A file of Bicep."""

    def __init__(self, file: Path, text: str | None = None):
        self.file = file
        source = (file.read_text("utf-8") if text is None else text).encode()
        self.root = PARSER.parse(source).root_node
        if wrong := first(self.root, lambda node: node.type == "ERROR" or node.is_missing):
            raise BicepError(file, wrong, f"is not Bicep: {said(wrong)[:40]!r}")
        self.parameters: dict[str, Declared] = {}
        self.variables: dict[str, Declared] = {}
        self.functions: dict[str, Node] = {}
        self.resources: dict[str, Declared] = {}
        self.modules: dict[str, Declared] = {}
        self.outputs: dict[str, Declared] = {}
        marks: dict[str, Any] = {}
        for node in self.root.named_children:
            if node.type == "decorators":
                marks = dict(self._mark(mark) for mark in node.named_children)
            elif node.type != "comment":
                self._declare(node, marks)
                marks = {}

    def _mark(self, node: Node) -> tuple[str, Any]:
        call = node.named_children[0]
        arguments = named(field(call, "arguments"))
        return said(field(call, "function")), [Scope(self, {}).value(argument) for argument in arguments]

    def _declare(self, node: Node, marks: dict[str, Any]) -> None:
        if node.type == "user_defined_function":
            self.functions[said(field(node, "name"))] = node
            return
        groups = {
            "parameter_declaration": self.parameters,
            "variable_declaration": self.variables,
            "resource_declaration": self.resources,
            "module_declaration": self.modules,
            "output_declaration": self.outputs,
        }
        if node.type not in groups:
            raise BicepError(self.file, node, f"{node.type} is not understood")
        parts = named(node)
        kind = ""
        if node.type not in ("variable_declaration",):
            kind = said(parts.pop(1)).strip("'")
        value = parts[1] if len(parts) > 1 else None
        existing = any(child.type == "existing" for child in node.children)
        groups[node.type][said(parts[0])] = Declared(said(parts[0]), node, marks, value, kind, existing)

    def made(self, given: Mapping[str, Any]) -> "Making":
        """What it makes with these parameters."""
        return Making(self, given)


def same(value: Any) -> Any:
    """What is done with a value that is wanted as it is."""
    return value


class Scope:
    """Names and what they stand for, in one place of a template."""

    def __init__(self, template: Template, names: Mapping[str, Any], seen: set[int] | None = None):
        self.template = template
        self.names = names
        self.seen = set() if seen is None else seen

    def with_names(self, names: Mapping[str, Any]) -> "Scope":
        """The same with more names."""
        return Scope(self.template, {**self.names, **names}, self.seen)

    def named(self, node: Node) -> Any:
        """What a name stands for."""
        if said(node) not in self.names:
            raise BicepError(self.template.file, node, f"nothing is called {said(node)}")
        found = self.names[said(node)]
        return found() if callable(found) else found

    def value(self, node: Node, then: Then = same) -> Any:
        """The value of an expression, and what is done with it.

        The grammar reads ``a * b.c`` as ``(a * b).c``: what follows an operation belongs to its last part, and comes
        here as ``then``.
        """
        reader = getattr(self, f"_{node.type}", None)
        if reader is None:
            raise BicepError(self.template.file, node, f"{node.type} is not understood")
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


class Making:
    """What one template makes with given parameters."""

    def __init__(self, template: Template, given: Mapping[str, Any]):
        self.template = template
        self.seen: set[int] = set()
        unknown = set(given) - set(template.parameters)
        if unknown:
            raise BicepError(template.file, template.root, f"has no parameter {', '.join(sorted(unknown))}")
        self._names: dict[str, Any] = {}
        self._scope = Scope(template, self._names, self.seen)
        for symbol, parameter in template.parameters.items():
            self._names[symbol] = given[symbol] if symbol in given else self._once(symbol, parameter)
        for symbol, variable in template.variables.items():
            self._names[symbol] = self._once(symbol, variable)
        for symbol, resource in template.resources.items():
            self._names[symbol] = lambda resource=resource: self._referred(resource)
        for symbol in template.modules:
            self._names[symbol] = Later(symbol)

    def _once(self, symbol: str, declared: Declared) -> Callable[[], Any]:
        def read() -> Any:
            if declared.value is None:
                raise BicepError(self.template.file, declared.node, f"{symbol} is needed")
            self._names[symbol] = self._scope.value(declared.value)
            return self._names[symbol]

        return read

    def _referred(self, declared: Declared) -> Resource:
        """A resource that another one names: its name is known, the rest comes later."""
        (body,) = self._bodies(declared, only="name")
        return as_resource(declared, body)

    def _bodies(self, declared: Declared, only: str = "") -> list[dict[str, Any]]:
        node = declared.value or declared.node
        if node.type == "if_statement":
            condition, node = named(node)
            if not only and not self._scope.value(condition):
                return []
        if only:
            (part,) = [part for part in named(node) if said(named(part)[0]) == only]
            self.seen.add(part.start_byte)
            return [{only: self._scope.value(named(part)[1])}]
        made = self._scope.value(node)
        return made if isinstance(made, list) else [made]

    def resources(self) -> list[Resource]:
        """Every resource of this file, without those that are there already."""
        return [
            as_resource(declared, body)
            for declared in self.template.resources.values()
            if not declared.existing
            for body in self._bodies(declared)
        ]

    def modules(self) -> dict[str, "Making"]:
        """What the modules of this file make, by their symbols."""
        made = {}
        for declared in self.template.modules.values():
            for body in self._bodies(declared):
                template = Template(self.template.file.parent / declared.kind)
                made[declared.symbol] = template.made(body.get("params", {}))
        return made

    def outputs(self) -> dict[str, Any]:
        """What it says in the end."""
        return {
            symbol: self._scope.value(declared.value)
            for symbol, declared in self.template.outputs.items()
            if declared.value is not None
        }

    def whole(self) -> list[Resource]:
        """Its resources and those of its modules."""
        return self.resources() + [made for module in self.modules().values() for made in module.whole()]


def as_resource(declared: Declared, body: dict[str, Any]) -> Resource:
    """A resource with this body."""
    kind, _, version = declared.kind.partition("@")
    return Resource(declared.symbol, kind, version, body)


def properties_of(template: Template) -> dict[int, str]:
    """Every property that a file writes down, by its place; the text says which it is."""
    found: dict[int, str] = {}
    collect(template.root, found, template.file)
    return found


def collect(node: Node, found: dict[int, str], file: Path) -> None:
    """Adds the properties below a node."""
    if node.type == "object_property":
        found[node.start_byte] = f"{file.name}:{node.start_point[0] + 1}: {said(named(node)[0])}"
    for child in node.named_children:
        collect(child, found, file)


def said(node: Node) -> str:
    """The text of a node."""
    return (node.text or b"").decode()


def named(node: Node) -> list[Node]:
    """The parts of a node, without comments."""
    return [child for child in node.named_children if child.type != "comment"]


def field(node: Node, name: str) -> Node:
    """The part of a node that has this name."""
    found = node.child_by_field_name(name)
    if found is None:
        raise KeyError(name)
    return found


def first(node: Node, wanted: Callable[[Node], bool]) -> Node | None:
    """The first node that is wanted, from the top."""
    if wanted(node):
        return node
    return next((found for child in node.children if (found := first(child, wanted))), None)


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
