"""Evaluates a Bicep template with given parameters, without Azure, to the resources that it would create.

It supports only what the templates of this folder use; anything else raises ``BicepError`` with its location. Values
that only Azure knows, such as the id of a resource, are ``Later``.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from tree_sitter import Node

from infra.azure.scope import Scope
from infra.azure.syntax import BicepError, field, named, said, tree
from infra.azure.values import Later, Resource


class Declared(NamedTuple):
    """A parameter, variable, resource, module or output, as its file declares it."""

    symbol: str
    node: Node
    marks: dict[str, Any]
    """Decorators with their arguments."""
    value: Node | None
    kind: str = ""
    """The type of a parameter; the type and version of a resource; the file of a module."""
    existing: bool = False


class Template:
    """A Bicep file."""

    def __init__(self, file: Path, text: str | None = None):
        self.file = file
        source = (file.read_text("utf-8") if text is None else text).encode()
        self.root = tree(file, source)
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
            raise BicepError(self.file, node, f"{node.type} is not supported")
        parts = named(node)
        kind = ""
        if node.type not in ("variable_declaration",):
            kind = said(parts.pop(1)).strip("'")
        value = parts[1] if len(parts) > 1 else None
        existing = any(child.type == "existing" for child in node.children)
        groups[node.type][said(parts[0])] = Declared(said(parts[0]), node, marks, value, kind, existing)

    def made(self, given: Mapping[str, Any]) -> "Making":
        """Returns the evaluation of the template with these parameters."""
        return Making(self, given)


class Making:
    """The evaluation of one template with given parameters."""

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
                raise BicepError(self.template.file, declared.node, f"{symbol} is required")
            self._names[symbol] = self._scope.value(declared.value)
            return self._names[symbol]

        return read

    def _referred(self, declared: Declared) -> Resource:
        """Returns a referenced resource, of which only the name is known."""
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
        """Returns the resources of this file, without existing ones."""
        return [
            as_resource(declared, body)
            for declared in self.template.resources.values()
            if not declared.existing
            for body in self._bodies(declared)
        ]

    def modules(self) -> dict[str, "Making"]:
        """Returns the evaluations of the modules of this file, by symbol."""
        made = {}
        for declared in self.template.modules.values():
            for body in self._bodies(declared):
                template = Template(self.template.file.parent / declared.kind)
                made[declared.symbol] = template.made(body.get("params", {}))
        return made

    def outputs(self) -> dict[str, Any]:
        """Returns the outputs by name."""
        return {
            symbol: self._scope.value(declared.value)
            for symbol, declared in self.template.outputs.items()
            if declared.value is not None
        }

    def whole(self) -> list[Resource]:
        """Returns its resources and those of its modules."""
        return self.resources() + [made for module in self.modules().values() for made in module.whole()]


def as_resource(declared: Declared, body: dict[str, Any]) -> Resource:
    """Returns a resource with this body."""
    kind, _, version = declared.kind.partition("@")
    return Resource(declared.symbol, kind, version, body)


def properties_of(template: Template) -> dict[int, str]:
    """Returns a description of every property in a file, by its position."""
    found: dict[int, str] = {}
    collect(template.root, found, template.file)
    return found


def collect(node: Node, found: dict[int, str], file: Path) -> None:
    """Adds the properties below a node."""
    if node.type == "object_property":
        found[node.start_byte] = f"{file.name}:{node.start_point[0] + 1}: {said(named(node)[0])}"
    for child in node.named_children:
        collect(child, found, file)
