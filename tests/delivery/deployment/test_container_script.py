"""scripts/container.sh, against an engine that only writes down what it was told."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from project import ROOT

from leadscoring.settings import settings_help

NEEDED = ("sh", "sed", "grep", "head", "cat", "dirname", "printenv", "git")
ENGINE = """#!/bin/sh
printf '%s\\n' "$(basename "$0") $*" >>"$TOLD"
case "$1 $*" in
    "info "*) exit "${INFO:-0}" ;;
    "compose compose version"*) exit "${COMPOSE:-0}" ;;
    "run "*"serve --help") cat "$HELP" ;;
esac
"""


class Machine:
    """A machine with some programs, and what they were told."""

    def __init__(self, folder: Path, *engines: str) -> None:
        self.bin = folder / "bin"
        self.bin.mkdir()
        self.told = folder / "told"
        self.told.touch()
        self.help = folder / "help"
        self.help.write_text(settings_help())
        for name in (*NEEDED, "basename"):
            found = shutil.which(name)
            assert found, name
            (self.bin / name).symlink_to(found)
        for name in engines:
            (self.bin / name).write_text(ENGINE)
            (self.bin / name).chmod(0o755)

    def run(self, *words: str, **environ: str) -> "subprocess.CompletedProcess[str]":
        """The script, with nothing else in the environment."""
        here = {"PATH": str(self.bin), "TOLD": str(self.told), "HELP": str(self.help), "HOME": os.environ["HOME"]}
        script = ["/bin/sh", str(ROOT / "scripts" / "container.sh"), *words]
        return subprocess.run(script, env=here | environ, capture_output=True, text=True, check=False)

    def last(self) -> str:
        """The last that an engine was told."""
        return self.told.read_text().splitlines()[-1]


def test_without_an_engine_it_says_what_is_missing(tmp_path: Path) -> None:
    """And ends with 2."""
    ran = Machine(tmp_path).run("build")
    assert (ran.returncode, ran.stderr) == (2, "container: neither docker nor podman is installed\n")


def test_a_docker_without_its_daemon_is_no_engine(tmp_path: Path) -> None:
    """The message says what to do."""
    ran = Machine(tmp_path, "docker").run("build", INFO="1")
    assert ran.returncode == 2
    assert "its daemon does not respond" in ran.stderr


def test_podman_is_taken_where_docker_is_not(tmp_path: Path) -> None:
    """In the format that has health checks."""
    machine = Machine(tmp_path, "podman")
    assert machine.run("build").returncode == 0
    assert machine.last().startswith("podman build ")
    assert "--format docker" in machine.last()


def test_an_image_is_built_under_its_name_with_what_was_given(tmp_path: Path) -> None:
    """Version and revision are those of the work tree."""
    machine = Machine(tmp_path, "docker")
    assert (
        machine.run("build", BASE_IMAGE="debian:13", REQUIREMENTS="other.txt", BUILD_ARGS="--no-cache").returncode == 0
    )
    told = machine.last()
    for part in ("BASE_IMAGE=debian:13", "REQUIREMENTS=other.txt", "--no-cache", "--tag lead-scoring-api:latest ."):
        assert part in told
    assert 'version = "' + told.split("VERSION=")[1].split()[0] + '"' in (ROOT / "pyproject.toml").read_text()


def test_a_container_runs_without_rights_and_with_the_settings_that_are_set(tmp_path: Path) -> None:
    """By name, so that no key stands among the arguments; PORT is the machine's side of the port."""
    machine = Machine(tmp_path, "docker")
    assert machine.run("run", PORT="9000", API_KEYS="secret", LOG_LEVEL="DEBUG", OTHER="x").returncode == 0
    told = machine.last()
    for part in ("--read-only", "--cap-drop ALL", "--security-opt no-new-privileges", "--name lead-scoring-api",
                 "--publish 9000:8000", "--env API_KEYS", "--env LOG_LEVEL"):  # fmt: skip
        assert part in told
    assert "secret" not in told
    assert "OTHER" not in told
    assert "--env PORT" not in told
    assert told.endswith(" lead-scoring-api:latest")


@pytest.mark.parametrize(
    ("engines", "environ", "starts"),
    [
        (("docker",), {}, "docker compose up --detach --build --wait"),
        (("docker", "docker-compose"), {"COMPOSE": "1"}, "docker-compose up --detach --build --wait"),
        (("podman",), {}, "podman compose up --detach --build --wait"),
    ],
)
def test_the_stack_is_started_with_the_compose_that_is_there(
    tmp_path: Path, engines: tuple[str, ...], environ: dict[str, str], starts: str
) -> None:
    """Waiting until all of it is healthy."""
    machine = Machine(tmp_path, *engines)
    assert machine.run("up", **environ).returncode == 0
    assert machine.last() == starts


def test_without_compose_it_says_so(tmp_path: Path) -> None:
    """An engine alone does not start a stack."""
    ran = Machine(tmp_path, "docker").run("down", COMPOSE="1")
    assert ran.returncode == 2
    assert "no compose" in ran.stderr


def test_it_shows_how_it_is_used() -> None:
    """With success where help was asked for, else with 2."""
    script = str(ROOT / "scripts" / "container.sh")
    for words, code in ((["--help"], 0), ([], 2), (["push"], 2)):
        ran = subprocess.run([script, *words], capture_output=True, text=True, check=False)
        assert ran.returncode == code
        assert "container.sh build" in ran.stdout + ran.stderr
