"""CONTRIBUTING.md lists every file that is touched to add something: with these edits it works, and nothing is missing."""

import re
from collections.abc import Iterator
from typing import NamedTuple

import pytest
from additions import ADDITIONS
from pages import text_of
from project import ROOT
from scratch import Scratch

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]

FILES = re.compile(r"(?:(?:, | and )?`[^`]+`)+")
ELSEWHERE = ("render_examples.py", "render_export_page.py")
"""The parts of ``make docs`` that ask a service for scores: no addition changes those."""

PYTEST = ("-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "-p", "pytest_timeout")

MAKE = """
import pathlib, runpy, sys
for words in {commands!r}:
    sys.argv = words[-1:]
    sys.path.insert(0, str(pathlib.Path(words[-1]).parent))
    run = runpy.run_module if words[0] == "-m" else runpy.run_path
    try:
        run(words[-1], run_name="__main__")
    except SystemExit as end:
        assert not end.code, words
"""
"""The commands of ``make docs`` in one process, since most of what each takes is to import the same."""


class Steps(NamedTuple):
    """The files of one section."""

    touched: set[str]
    perhaps: set[str]
    """Those that are touched only if something holds."""
    renewed: set[str]
    """Those that are made of others."""


def section(thing: str) -> str:
    """What CONTRIBUTING.md says of how to add something."""
    return text_of("CONTRIBUTING.md").partition(f"\n### {thing}\n")[2].partition("\n##")[0]


def steps(text: str, names: dict[str, str]) -> Steps:
    """The files that a section lists, with names in place of what it has in angle brackets."""
    for name, stands_for in names.items():
        text = text.replace(f"<{name}>", stands_for)
    found = Steps(set(), set(), set())
    for item in re.findall(r"^\d+\. (.*(?:\n   .*)*)", text, re.MULTILINE):
        one_line = re.sub(r"\s+", " ", item)
        files = FILES.match(one_line)
        assert files, item
        (found.perhaps if one_line[files.end() :].startswith(", only if") else found.touched).update(named(files[0]))
    for renews in re.findall(rf"renews? ({FILES.pattern})", re.sub(r"\s+", " ", text)):
        found.renewed.update(named(renews))
    return found


def named(words: str) -> set[str]:
    """What stands in backquotes."""
    return set(re.findall(r"`([^`]+)`", words))


def made_by_make() -> list[list[str]]:
    """What ``make docs`` runs, as words for Python."""
    makefile = (ROOT / "Makefile").read_text("utf-8")
    targets = re.findall(r"^(?:dashboards|docs):.*\n((?:\t.*\n)+)", makefile, re.MULTILINE)
    commands = [line.split() for line in re.findall(r"\$\(BIN\)/python (.*)", "".join(targets))]
    return [words for words in commands if not words[-1].endswith(ELSEWHERE)]


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Scratch:
    """One for all additions, each of which is taken back."""
    return Scratch(tmp_path_factory.mktemp("contributing"))


@pytest.fixture
def scratch(copy: Scratch) -> Iterator[Scratch]:
    """A copy of the project as it is."""
    yield copy
    copy.restore()


def edit(scratch: Scratch, thing: str, without: str = "") -> None:
    """Makes the edits of an addition, but for what one file gets."""
    for one in ADDITIONS[thing].edits:
        if one.file != without:
            scratch.insert(*one)


def renew(scratch: Scratch, thing: str) -> None:
    """Runs what the section names beside the edits."""
    made = scratch.python("-c", MAKE.format(commands=made_by_make()))
    assert made.returncode == 0, made.stdout + made.stderr
    if "RECORD_ANSWERS=1" in section(thing):  # for one caller: that is enough to see that the file is renewed
        words = ("tests/api/test_recorded_answers.py", "-k", "its and key")
        recorded = scratch.python(*PYTEST, *words, RECORD_ANSWERS="1")
        assert recorded.returncode == 0, recorded.stdout + recorded.stderr


def tried(scratch: Scratch, *tests: str) -> str:
    """What these tests report; nothing where they all pass."""
    ran = scratch.python(*PYTEST, *tests)
    return "" if ran.returncode == 0 else ran.stdout + ran.stderr


@pytest.mark.parametrize("thing", ADDITIONS)
def test_what_is_added_by_the_list_works_and_touches_nothing_else(scratch: Scratch, thing: str) -> None:
    """The new thing is used for real, and the tests that look for forgotten places pass."""
    listed = steps(section(thing), ADDITIONS[thing].names)
    edit(scratch, thing)
    renew(scratch, thing)
    assert scratch.changed() - listed.perhaps == listed.touched | listed.renewed
    assert tried(scratch, *ADDITIONS[thing].tests) == ""


def test_a_step_that_is_left_out_fails(scratch: Scratch) -> None:
    """By a test that says what is missing, not only by the list."""
    edit(scratch, "an alert", without="monitoring/grafana/service_board.py")
    assert "keysneverexpire" in tried(scratch, *(test for test in ADDITIONS["an alert"].tests if "has_a_panel" in test))


def test_every_list_is_tried() -> None:
    """A section whose steps are numbered is held to them."""
    chapter = text_of("CONTRIBUTING.md").partition("\n## How to add\n")[2].partition("\n## ")[0]
    sections = dict(re.findall(r"^### (.*)\n((?:(?!###).*\n)*)", chapter, re.MULTILINE))
    assert {name for name, text in sections.items() if re.search(r"^1\. ", text, re.MULTILINE)} == set(ADDITIONS)


def test_the_list_of_a_section_is_read() -> None:
    """Files that are touched, that may be, and that are made of others."""
    text = "1. `a/<x>.py` and `b.md`: this,\n   and `that`.\n2. `c`, only if so: more.\n\n`make docs` renews `d`,\n`e` and `f`."
    assert steps(text, {"x": "y"}) == Steps({"a/y.py", "b.md"}, {"c"}, {"d", "e", "f"})
