"""The tests that a change needs are found by what they import and name."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from changed import needs
from project import ROOT

TEST = """
from leadscoring.api.score import Scoring
from leadscoring.model import trees
from serving import start
PAGE = "docs/API.md"
"""


@pytest.mark.parametrize(
    "changed",
    [
        "src/leadscoring/api/score.py", "src/leadscoring/model/trees.py", "tests/support/serving.py", "docs/API.md",
        "tests/api/test_score.py",
    ],
)  # fmt: skip
def test_a_test_needs_what_it_imports_names_and_is(changed: str) -> None:
    """Each of these alone puts it first."""
    assert needs(Path("tests/api/test_score.py"), TEST, [changed])


@pytest.mark.parametrize(
    "changed",
    ["src/leadscoring/api/scores.py", "src/leadscoring/model/card.py", "tests/support/wire.py", "docs/MY_API.mdx"],
)
def test_a_test_does_not_need_anything_else(changed: str) -> None:
    """A name that only resembles another is another."""
    assert not needs(Path("tests/api/test_score.py"), TEST, [changed])


def test_where_nothing_differs_nothing_runs_and_nothing_fails(tmp_path: Path) -> None:
    """``make test-changed`` right after a commit; what is changed then is run."""
    (tmp_path / "tests" / "support").mkdir(parents=True)
    for name in ("conftest.py", "support/changed.py", "support/programs.py", "support/project.py"):
        shutil.copy(ROOT / "tests" / name, tmp_path / "tests" / name)
    (tmp_path / "tests" / "test_a.py").write_text("def test_a(): assert False")
    (tmp_path / ".gitignore").write_text("__pycache__/\n.pytest_cache/\n")
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b", "-c", "init.defaultBranch=main", "-C", str(tmp_path)]
    for words in (["init", "--quiet"], ["add", "--all"], ["commit", "--quiet", "--message", "all"]):
        subprocess.run([*git, *words], check=True)
    command = [sys.executable, "-m", "pytest", "-q", "--changed", "-p", "no:cacheprovider"]
    environ = os.environ | {"PYTHONPATH": str(tmp_path / "tests" / "support")}
    unchanged = subprocess.run(command, cwd=tmp_path, env=environ, capture_output=True, text=True, check=False)
    assert unchanged.returncode == 0, unchanged.stdout + unchanged.stderr
    assert "1 deselected" in unchanged.stdout
    (tmp_path / "tests" / "test_a.py").write_text("def test_a(): assert None")
    assert subprocess.run(command, cwd=tmp_path, env=environ, capture_output=True, check=False).returncode == 1
