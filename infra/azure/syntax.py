"""The syntax tree of a Bicep file: its nodes, their text and children, and errors with a location."""

from collections.abc import Callable
from pathlib import Path

import tree_sitter_bicep
from tree_sitter import Language, Node, Parser

PARSER = Parser(Language(tree_sitter_bicep.language()))


class BicepError(Exception):
    """A template cannot be parsed or evaluated; the message has the location."""

    def __init__(self, file: Path, node: Node, why: str):
        super().__init__(f"{file.name}:{node.start_point[0] + 1}: {why}")


def tree(file: Path, source: bytes) -> Node:
    """Parses the content of a file. Raises ``BicepError`` if it is not valid Bicep."""
    root = PARSER.parse(source).root_node
    if wrong := first(root, lambda node: node.type == "ERROR" or node.is_missing):
        raise BicepError(file, wrong, f"is not valid Bicep: {said(wrong)[:40]!r}")
    return root


def said(node: Node) -> str:
    """Returns the text of a node."""
    return (node.text or b"").decode()


def named(node: Node) -> list[Node]:
    """Returns the named children of a node, without comments."""
    return [child for child in node.named_children if child.type != "comment"]


def field(node: Node, name: str) -> Node:
    """Returns the child of a node with this field name."""
    found = node.child_by_field_name(name)
    if found is None:
        raise KeyError(name)
    return found


def first(node: Node, wanted: Callable[[Node], bool]) -> Node | None:
    """Returns the first node that matches, depth first."""
    if wanted(node):
        return node
    return next((found for child in node.children if (found := first(child, wanted))), None)
