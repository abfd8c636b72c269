"""A copy of the project to try changes in: its tests and its service run there as they do here."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from project import ROOT

import leadscoring._engine as engine
from leadscoring.settings import shipped_model

HOOK = """import sys

sys.meta_path[:] = [finder for finder in sys.meta_path if not type(finder).__name__.startswith("ScikitBuild")]
sys.path.insert(0, {source!r})
"""
"""Takes the package from the copy, which the finder of an editable installation would take from here."""

WORK = {"__pycache__", ".hypothesis", ".pytest_cache"}
"""Folders that running something leaves behind."""


class Scratch:
    """The project's files in a folder, with the engine that is built."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "project"
        self._original: dict[str, bytes] = {}
        for name in tracked():
            to = self.root / name
            to.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, to, follow_symlinks=False)
            if not to.is_symlink():
                self._original[name] = to.read_bytes()
        package = self.root / "src" / "leadscoring"
        self._built = {package / Path(engine.__file__).name: engine.__file__}
        self._built[package / "shipped_model.json"] = shipped_model()
        for link, target in self._built.items():
            link.symlink_to(target)
        hook = folder / "hook"
        hook.mkdir()
        (hook / "sitecustomize.py").write_text(HOOK.format(source=str(package.parent)), "utf-8")
        before = os.environ.get("PYTHONPATH", "")
        self._environ = os.environ | {
            "PYTHONPATH": f"{hook}:{before}" if before else str(hook),
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",  # what is run names those that it needs
        }

    def insert(self, name: str, after: str, text: str) -> None:
        """Puts a text behind the first place of another, or at the end of a file that may be new."""
        path = self.root / name
        found = path.read_text("utf-8") if path.exists() else ""
        assert after in found, f"{name} has no more {after!r}, which tests/support/additions.py looks for"
        end = found.index(after) + len(after) if after else len(found)
        path.write_text(found[:end] + text + found[end:], "utf-8")

    def changed(self) -> set[str]:
        """The files that differ from the project's, and new ones."""
        there = {}
        for path in self.root.rglob("*"):
            inside = path.relative_to(self.root)
            if not path.is_symlink() and path.is_file() and WORK.isdisjoint(inside.parts):
                there[inside.as_posix()] = path.read_bytes()
        names = there.keys() | self._original.keys()
        return {name for name in names if there.get(name) != self._original.get(name)}

    def restore(self) -> None:
        """As it was."""
        for name in self.changed():
            if name in self._original:
                shutil.copy2(ROOT / name, self.root / name)
            else:
                (self.root / name).unlink()

    def python(self, *words: str, **environ: str) -> "subprocess.CompletedProcess[str]":
        """Python in the copy, with its package."""
        return subprocess.run(
            [sys.executable, *words], cwd=self.root, env=self._environ | environ, capture_output=True, text=True,
            check=False, timeout=100,
        )  # fmt: skip


def tracked() -> list[str]:
    """The project's files, those that are not committed yet among them."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return [name for name in listed.stdout.split("\0") if name and os.path.lexists(ROOT / name)]
