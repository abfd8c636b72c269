"""The project keeps its shape: tests mirror the source, no import goes round, and nothing grows past what one reads."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from statistics import median

import pytest
from project import ROOT

SOURCE, TESTS = ROOT / "src" / "leadscoring", ROOT / "tests"

WITHOUT = {
    "api/answers.py": "types that are sent: tests/api/test_routes.py holds what each route answers to them",
    "api/protocols/answers.py": "the same, of the protocols of model servers",
    "api/service.py": "a value type: what is in it is tested where it is made, in serving/test_wiring.py",
    "bulk/batch.py": "value types: what is in them is tested where they are made, in bulk/test_delimited.py",
    "contract/kind.py": "the base of the kinds: tests/contract/test_kinds.py tests it through each of its rows",
    "ledger/migrations/env.py": "alembic runs it: tests/ledger/test_schema.py holds what it makes to the tables",
    "ledger/migrations/versions/v1_tables.py": "the same",
    "ledger/sqlite_store.py": "tests/ledger/test_keeper.py holds it to the same as the one of PostgreSQL",
    "ledger/store.py": "a protocol: tests/ledger/test_keeper.py holds both stores to it",
    "ledger/tables.py": "tests/ledger/test_schema.py holds them to what the migrations make",
    "ledger/lead_record.py": "value types: what is in them is tested where they are made, in ledger/test_history.py",
    "providers/provider.py": "a protocol: tests/providers/test_contract.py holds every provider to it",
    "ledger/judged.py": "a value type: what is in it is tested where it is made, in ledger/test_matured.py",
    "quality/figure.py": "a value type: what is in it is tested where it is made, in quality/test_figures.py",
    "training/derived/kind.py": "the base of the derived kinds: each is tested by itself, in test_dates.py and so on",
    "training/measured.py": "a value type: what is in it is tested where it is made, in training/test_evaluate.py",
}
"""Modules without a test of their own, each with its reason."""

FOLDERS = ("src", "tests", "infra", "scripts", "benchmarks", "engine", "monitoring")
SUFFIXES = (".py", ".cpp", ".h", ".hpp", ".sh")
MOST_LINES = 400
LISTS = ("src/leadscoring/errors.py", "src/leadscoring/settings.py")
"""Lists, which are as long as what they list."""

MEDIAN_FUNCTION = (4, 8)
"""Lines of a function, from its head to its last line, at the median."""

LONGEST_FUNCTION = 55


def modules() -> list[Path]:
    """Every module of the package, but for the files that only make a folder a package."""
    return [path for path in sorted(SOURCE.rglob("*.py")) if path.name != "__init__.py"]


def name_of(path: Path) -> str:
    """A module as Python names it."""
    return ".".join(path.relative_to(SOURCE.parent).with_suffix("").parts)


@cache
def tree(path: Path) -> ast.Module:
    """A file, parsed."""
    return ast.parse(path.read_text("utf-8"))


def mirror_of(path: Path) -> Path:
    """Where the tests of a module are."""
    return TESTS / path.relative_to(SOURCE).with_name(f"test_{path.name}")


def test_every_module_has_its_tests_in_the_same_place() -> None:
    """Who looks for them need not search; who adds a module is asked for them."""
    missing = [path.relative_to(SOURCE).as_posix() for path in modules() if not mirror_of(path).exists()]
    assert [name for name in missing if name not in WITHOUT] == []


def test_a_module_without_tests_is_there_and_has_none() -> None:
    """The list of them does not grow old."""
    for name in WITHOUT:
        assert (SOURCE / name).exists()
        assert not mirror_of(SOURCE / name).exists()


def imports(path: Path) -> Iterator[str]:
    """What a module imports of ours when it is imported or when it runs, by any way; not what types alone name."""
    waiting: list[ast.AST] = [tree(path)]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Constant):  # as import_module takes it, and the tables for it
            if isinstance(node.value, str) and node.value.startswith("leadscoring."):
                yield node.value.partition(":")[0]
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{name.name}" for name in node.names)
            yield str(node.module)
        elif isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"):
            waiting += node.orelse
        else:
            waiting += ast.iter_child_nodes(node)


def graph() -> dict[str, set[str]]:
    """Which modules of ours each one imports."""
    known = {name_of(path) for path in modules()}
    return {name_of(path): (known & set(imports(path))) - {name_of(path)} for path in modules()}


def circle(edges: dict[str, set[str]]) -> list[str]:
    """Some way through a graph that comes back to where it began; nothing where there is none."""
    done: set[str] = set()

    def search(name: str, way: list[str]) -> list[str]:
        if name in way:
            return [*way[way.index(name) :], name]
        if name in done:
            return []
        found = next(filter(None, (search(other, [*way, name]) for other in sorted(edges[name]))), [])
        done.add(name)
        return found

    return next(filter(None, (search(name, []) for name in sorted(edges))), [])


def test_no_import_goes_round() -> None:
    """Neither at once nor inside of a function: what is imported late to break a circle is in the wrong place."""
    assert " -> ".join(circle(graph())) == ""


@pytest.mark.parametrize(
    ("edges", "found"),
    [
        ({"a": {"b"}, "b": set()}, []),
        ({"a": {"b"}, "b": {"c"}, "c": {"b"}}, ["b", "c", "b"]),
        ({"a": {"b", "c"}, "b": {"d"}, "c": {"d"}, "d": set()}, []),
    ],
)
def test_a_circle_is_found_where_there_is_one(edges: dict[str, set[str]], found: list[str]) -> None:
    """Two ways to one place are none."""
    assert circle(edges) == found


def test_every_way_to_import_is_seen(tmp_path: Path) -> None:
    """At the top, in a function, by name; but not for types alone."""
    module = tmp_path / "module.py"
    module.write_text(
        "import leadscoring.a\nfrom leadscoring import b\nfrom leadscoring.c import d\n"
        "if TYPE_CHECKING:\n    from leadscoring.types import T\nelse:\n    import leadscoring.e\n"
        "def f():\n    from leadscoring.f import g\n    return import_module('leadscoring.h')\n"
    )
    expected = {"a", "b", "c", "c.d", "e", "f", "f.g", "h"}
    assert {name.removeprefix("leadscoring.") for name in imports(module)} - {"leadscoring"} == expected


def files() -> Iterator[Path]:
    """Every file of source; not what other programs have put beside it."""
    for folder in FOLDERS:
        for path in (ROOT / folder).rglob("*"):
            inside = path.relative_to(ROOT).parts
            if path.suffix in SUFFIXES and not any(part.startswith(".") or part == "node_modules" for part in inside):
                yield path


def test_no_file_is_too_long_to_be_read() -> None:
    """A second noun has moved in: it wants a file of its own."""
    lengths = {path.relative_to(ROOT).as_posix(): len(path.read_text("utf-8").splitlines()) for path in files()}
    long = {name for name, lines in lengths.items() if lines > MOST_LINES}
    assert {name: lengths[name] for name in long - set(LISTS)} == {}


def functions() -> dict[str, int]:
    """The lines of every function of the package."""
    return {
        f"{name_of(path)}:{node.lineno} {node.name}": (node.end_lineno or node.lineno) - node.lineno + 1
        for path in modules()
        for node in ast.walk(tree(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }


def test_functions_are_short() -> None:
    """At the median, and none of them beyond what is seen at once."""
    lengths = functions()
    assert MEDIAN_FUNCTION[0] <= median(lengths.values()) <= MEDIAN_FUNCTION[1]
    assert {name: lines for name, lines in lengths.items() if lines > LONGEST_FUNCTION} == {}


IMPORT = re.compile(r"^\s*(?:from (?!leadscoring)(\S+) import (.*)|import (.*))$", re.MULTILINE)


def named(path: Path) -> set[str]:
    """Every part of every name in a line that imports, but for those of the package."""
    lines = IMPORT.findall(path.read_text("utf-8"))
    return {part for line in lines for words in line for part in re.split(r"[.,\s]+", words)}


def test_no_test_imports_another() -> None:
    """What two of them need is in tests/support, or beside them under a name that is no test's."""
    tests = {path.stem: path for path in TESTS.rglob("test_*.py")}
    found = {path.name: sorted(tests.keys() & named(path)) for path in TESTS.rglob("*.py")}
    assert {name: others for name, others in found.items() if others} == {}
