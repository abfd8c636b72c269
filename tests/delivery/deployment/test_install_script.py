"""Setting up: what a machine lacks is named in the first second, with the one command that installs it there."""

import shutil
import subprocess
from pathlib import Path

import pytest
from project import ROOT

PYTHON = """#!/bin/sh
case "$*" in
    --version) echo "Python $VERSION" ;;
    *version_info*) [ "$VERSION" = 3.12.1 ] ;;
    *"venv, ensurepip"*) [ -n "$HAS_VENV" ] ;;
    *Python.h*) [ -n "$HAS_HEADERS" ] ;;
    *) echo "unexpected: $*" >&2; exit 9 ;;
esac
"""
"""A Python that answers what is asked of it before anything is installed."""

WITHOUT_INDEX = PYTHON.replace(
    "    *) ",
    """    "-m venv "*) mkdir -p .venv/bin; cat "$0" >.venv/bin/python; chmod +x .venv/bin/python ;;
    "-m pip --version") ;;
    "-m pip install "*) echo "ERROR: Could not find a version (from versions: none)"; exit 1 ;;
    *) """,
)
"""The same, on a machine whose package index does not answer."""

CHATTY = '#!/bin/sh\n[ "$1" = --version ] && echo && echo This is perl 5 && echo and more\n'

COMMANDS = {
    "apt-get": "sudo apt-get install python3 python3-venv python3-dev g++",
    "dnf": "sudo dnf install python3 python3-devel gcc-c++",
    "apk": "sudo apk add python3 python3-dev g++",
    "brew": "xcode-select --install; brew install python",
    "": "install Python 3.11 or newer with its headers, and a C++ compiler",
}
"""By what a system installs packages with; ``brew`` stands for macOS."""


class Machine:
    """A checkout on a machine that has nothing but a shell and what is put there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.bin = folder / "bin"
        self.bin.mkdir()
        (folder / "scripts" / "install").mkdir(parents=True)
        for script in ("common.sh", "install/venv.sh"):
            shutil.copy(ROOT / "scripts" / script, folder / "scripts" / script)
        for name in (
            "sh",
            "cat",
            "chmod",
            "cksum",
            "cut",
            "date",
            "dirname",
            "mkdir",
            "rm",
            "sed",
            "tail",
            "touch",
            "awk",
        ):
            found = shutil.which(name)
            assert found
            (self.bin / name).symlink_to(found)
        self.has("uname", "#!/bin/sh\necho Linux\n")

    def has(self, name: str, text: str = "#!/bin/sh\nexit 1\n") -> None:
        """Puts a program there."""
        (self.bin / name).write_text(text)
        (self.bin / name).chmod(0o755)

    def installs_with(self, manager: str) -> None:
        """Makes it a system with this program."""
        if manager == "brew":
            self.has("uname", "#!/bin/sh\necho Darwin\n")
        elif manager:
            self.has(manager)

    def install(self, step: str = "serving", **environ: str) -> "subprocess.CompletedProcess[str]":
        """Runs the script."""
        given = {"PATH": str(self.bin), "VERSION": "3.12.1", "HAS_VENV": "yes", "HAS_HEADERS": "yes"} | environ
        return subprocess.run(
            [str(self.bin / "sh"), str(self.folder / "scripts" / "install" / "venv.sh"), step],
            env=given, capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """A bare one."""
    return Machine(tmp_path)


@pytest.mark.parametrize("manager", COMMANDS)
def test_without_python_it_names_the_command_of_the_system(machine: Machine, manager: str) -> None:
    """One for each kind of system, and nothing is made."""
    machine.installs_with(manager)
    ran = machine.install()
    assert ran.returncode == 1
    assert "Python 3.11 or newer is required; python3 is not installed" in ran.stderr
    assert COMMANDS[manager] in ran.stderr
    assert not (machine.folder / ".venv").exists()


@pytest.mark.parametrize(
    ("environ", "said"),
    [
        ({"VERSION": "3.9.2"}, "Python 3.11 or newer is required; python3 is Python 3.9.2"),
        ({"HAS_VENV": ""}, "Python 3.12.1 has no venv module"),
        ({"HAS_HEADERS": ""}, "Python 3.12.1 has no headers (Python.h)"),
        ({"PYTHON": "python9"}, "PYTHON must name a Python 3.11 or newer, not 'python9' (not installed)"),
        ({"CXX": "no-such-compiler"}, "CXX must name a working C++ compiler, not 'no-such-compiler'"),
    ],
    ids=["old", "no venv", "no headers", "PYTHON", "CXX"],
)
def test_what_cannot_be_had_is_named_before_anything_is_downloaded(
    machine: Machine, environ: dict[str, str], said: str
) -> None:
    """With what was found; nothing is made."""
    machine.has("python3", PYTHON)
    machine.has("dnf")
    ran = machine.install(**environ)
    assert ran.returncode == 1
    assert said in ran.stderr
    assert "CXX" in environ or "PYTHON" in environ or COMMANDS["dnf"] in ran.stderr
    assert not (machine.folder / ".venv").exists()


def test_what_is_taken_from_elsewhere_is_said_first(machine: Machine) -> None:
    """Where Debian's packages can be had without root, and a compiler from the package index."""
    machine.has("python3", PYTHON)
    machine.has("apt-get")
    machine.has("dpkg")
    ran = machine.install(HAS_HEADERS="")
    first, second = ran.stdout.splitlines()[:2]
    assert "no C++ compiler is installed: downloading Zig" in first
    assert "Python.h is not installed: downloading Debian's package" in second


def test_an_index_that_does_not_answer_is_not_taken_for_a_missing_program(machine: Machine) -> None:
    """The advice is to look at the network, not to install a compiler."""
    machine.has("python3", WITHOUT_INDEX)
    machine.has("c++", "#!/bin/sh\n")
    machine.has("apt-get")
    ran = machine.install()
    assert ran.returncode == 1
    assert "The package index did not respond" in ran.stderr
    assert "apt-get install" not in ran.stderr


def test_an_environment_that_is_replaced_is_named_first(machine: Machine) -> None:
    """It may be somebody's own, which stood there before."""
    machine.has("python3", WITHOUT_INDEX)
    machine.has("c++", "#!/bin/sh\n")
    assert "replacing .venv" not in machine.install().stdout
    (machine.folder / ".venv" / ".place").unlink()
    assert "==> replacing .venv: it was created in another folder or by another tool" in machine.install().stdout


def test_a_program_that_is_no_python_is_quoted_with_one_line(machine: Machine) -> None:
    """However much it prints of its version."""
    machine.has("perl", CHATTY)
    ran = machine.install(PYTHON="perl")
    assert ran.stderr == "install: PYTHON must name a Python 3.11 or newer, not 'perl' (This is perl 5)\n"


def test_a_folder_that_cannot_be_written_to_is_named(machine: Machine) -> None:
    """A file stands where the folder ``build`` should be, since root may write everywhere."""
    (machine.folder / "build").write_text("")
    ran = machine.install()
    assert ran.stderr == f"install: {machine.folder} must be writable\n"


def test_a_step_that_there_is_not_is_refused(machine: Machine) -> None:
    """With those that there are."""
    ran = machine.install("everything")
    assert ran.returncode == 1
    assert "serving, training or development, not 'everything'" in ran.stderr
