"""Every event that the service logs stands in one table, and the table has no other."""

import ast
from pathlib import Path

import leadscoring
from leadscoring.telemetry.events import EVENTS, events_markdown

SOURCES = sorted(Path(leadscoring.__file__).parent.rglob("*.py"))


def logged_calls() -> dict[str, tuple[str, set[str]]]:
    """Every event in the sources, with its level and fields."""
    found = {}
    for source in SOURCES:
        for node in ast.walk(ast.parse(source.read_text("utf-8"))):
            match node:
                case ast.Call(ast.Attribute(ast.Name("log"), level), [ast.Constant(str(event))], keywords):
                    found[event] = (level, {keyword.arg or "" for keyword in keywords})
    return found


def test_every_event_is_in_the_table_with_its_level_and_fields() -> None:
    """And the table has no other; the request line is made by itself."""
    found = logged_calls()
    assert set(found) | {"request"} == set(EVENTS)
    for event, (level, fields) in found.items():
        told = {"exception" if field == "exc_info" else field for field in fields}
        assert told | ({"exception"} if level == "exception" else set()) == set(EVENTS[event].fields), event
        assert EVENTS[event].level == ("ERROR" if level == "exception" else level.upper())


def test_nothing_is_logged_past_the_table() -> None:
    """No print, no logger of another name."""
    for source in SOURCES:
        if "training" in source.parts or source.name == "log.py":
            continue
        for node in ast.walk(ast.parse(source.read_text("utf-8"))):
            match node:
                case ast.Call(ast.Name("print")) | ast.Call(
                    ast.Attribute(ast.Name("logging" | "warnings"), "getLogger" | "warning" | "error" | "info")
                ):
                    raise AssertionError(f"{source.name}:{node.lineno}")


def test_the_table_of_events_can_be_put_into_the_documentation() -> None:
    """A row each."""
    assert all(f"| `{name}` | {event.level} |" in events_markdown() for name, event in EVENTS.items())
