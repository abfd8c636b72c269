"""Which tests a change needs first: those that are changed themselves, or that name what is changed.

A test file needs a changed file when it imports it, or names it in its text: so a change of ``api/score.py`` needs
``tests/api/test_score.py`` and all that import ``leadscoring.api.score``, one of ``docs/API.md`` the tests of that page.
"""

import re
import subprocess
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from project import ROOT


def changed_files(root: Path = ROOT) -> list[str]:
    """Paths that differ from the last commit, those that git does not know yet among them; none without git."""
    ran = subprocess.run(
        ["git", "status", "--porcelain", "-z", "--no-renames", "--untracked-files=all"],
        cwd=root, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return [entry[3:] for entry in ran.stdout.split("\0") if entry]


def needs(path: Path, text: str, changed: Iterable[str]) -> bool:
    """Whether the test file at ``path`` (relative to the project) with this ``text`` needs one of these files."""
    return any(path.as_posix() == other or re.search(named(other), text) for other in changed)


def named(changed: str) -> str:
    """A pattern that finds a file's name in a test: as a module where it is one, else as it is called."""
    path = PurePosixPath(changed)
    if path.suffix != ".py":
        return rf"\b{re.escape(path.name)}\b"
    if path.parts[0] == "src":
        dotted = ".".join(path.with_suffix("").parts[1:])
        package, _, module = dotted.rpartition(".")
        return rf"\b{re.escape(dotted)}\b|from {re.escape(package)} import .*\b{module}\b"
    return rf"(?m)^(from|import) (\S+\.)?{re.escape(path.stem)}\b|\b{re.escape(path.name)}\b"
