"""The tree of a Bicep file: its nodes, their texts and parts, and errors that name the place."""

from collections.abc import Callable
from pathlib import Path

import tree_sitter_bicep
from tree_sitter import Language, Node, Parser

PARSER = Parser(Language(tree_sitter_bicep.language()))


class BicepError(Exception):
    """A template that cannot be read or worked out; the text says where."""

    def __init__(self, file: Path, node: Node, why: str):
        super().__init__(f"{file.name}:{node.start_point[0] + 1}: {why}")


def tree(file: Path, source: bytes) -> Node:
    """The tree of a file with this content. Raises ``BicepError`` where it is not Bicep."""
    root = PARSER.parse(source).root_node
    if wrong := first(root, lambda node: node.type == "ERROR" or node.is_missing):
        raise BicepError(file, wrong, f"is not Bicep: {said(wrong)[:40]!r}")
    return root


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
