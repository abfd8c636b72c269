"""The README as somebody walks through it who has just cloned the project, on a machine that has nothing else.

``make newcomer-test`` makes that machine and runs these, in order: each stands on the one before. Commands are those of
the README, typed by a user without rights; the port alone is another, so that two runs do not meet.
"""

import os
import re
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from project import ROOT
from serving import eventually, free_port

README = (ROOT / "README.md").read_text("utf-8")
FIRST_START, TESTS = 900, 3000
"""Seconds: time enough for a busy machine, since nothing here measures speed."""

FEWER = "make test-unit TESTS='tests/cli tests/promises tests/delivery'"
"""The tests that run other programs, of which some are missing there."""

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif("NEWCOMER_ROOT" not in os.environ, reason="make newcomer-test makes the machine and runs this"),
]

ENTER = """
mount -t proc proc "$1/proc"
mount --rbind /dev "$1/dev"
mount -t tmpfs tmpfs "$1/tmp"
root=$1 command=$2
shift 2
exec chroot --userspec=newcomer:newcomer "$root" env -i "$@" sh -c 'cd; cd lead*; exec "$0" -c "$1"' sh "$command"
"""
"""In namespaces of its own: what it mounts and starts is gone when it ends."""


class Machine:
    """The bare machine, with a terminal in the clone."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.clone = next((root / "home" / "newcomer").iterdir())
        self.port = str(free_port())

    def command(self, typed: str) -> list[str]:
        """What runs a line there, as the user that cloned the project."""
        environ = {
            "HOME": "/home/newcomer",
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            "PORT": self.port,
            "BASE_URL": f"http://localhost:{self.port}",
        }
        given = [f"{name}={value}" for name, value in environ.items()]
        inside = ["sh", "-euc", ENTER, "sh", str(self.root), typed, *given]
        return ["unshare", "--mount", "--pid", "--fork", "--kill-child", *inside]

    def run(self, typed: str, seconds: float = FIRST_START) -> str:
        """What a line prints; fails when it fails."""
        ran = subprocess.run(
            self.command(typed), capture_output=True, text=True, timeout=seconds, check=False, stdin=subprocess.DEVNULL
        )
        assert ran.returncode == 0, f"{typed}\n{ran.stdout[-6000:]}\n{ran.stderr[-6000:]}"
        return ran.stdout


class Started:
    """A service that a line of the README has started."""

    def __init__(self, machine: Machine, typed: str) -> None:
        self.log = machine.root.parent / "started.log"
        with self.log.open("wb") as out:
            self.process = subprocess.Popen(
                machine.command(typed), stdout=out, stderr=subprocess.STDOUT, start_new_session=True
            )

    @property
    def printed(self) -> list[str]:
        """Its lines so far."""
        return self.log.read_text().splitlines()

    def wait_until_ready(self, seconds: float) -> None:
        """Until it prints that it is ready; fails with all that it printed."""
        assert eventually(lambda: self.process.poll() is not None or self.is_ready, seconds), self.log.read_text()
        assert self.is_ready, self.log.read_text()

    @property
    def is_ready(self) -> bool:
        """Whether its last line says so."""
        return any(line.startswith("Ready: ") for line in self.printed)

    def interrupt(self) -> int:
        """Presses Ctrl-C; gives the exit code."""
        os.killpg(self.process.pid, signal.SIGINT)
        return self.process.wait(60)


@pytest.fixture(scope="module")
def machine() -> Machine:
    """What ``scripts/test/newcomer.sh`` has made."""
    return Machine(Path(os.environ["NEWCOMER_ROOT"]))


@pytest.fixture(scope="module")
def service(machine: Machine) -> Iterator[Started]:
    """The service of the README's first command."""
    first = commands("Start")[0]
    started = Started(machine, first)
    try:
        started.wait_until_ready(FIRST_START)
        yield started
    finally:
        if started.process.poll() is None:
            os.killpg(started.process.pid, signal.SIGKILL)
            started.process.wait()


def section(title: str) -> str:
    """What the README says under a heading."""
    found = re.search(rf"^## {title}\n(.*?)(?=^## |\Z)", README, re.DOTALL | re.MULTILINE)
    assert found, title
    return found[1]


def commands(title: str) -> list[str]:
    """The lines of a section that are to be typed, each whole."""
    typed: list[str] = []
    for language, block in re.findall(r"^```(bash|console)\n(.*?)^```", section(title), re.DOTALL | re.MULTILINE):
        text = block.replace("\\\n", " ")
        lines = re.findall(r"^\$ (.*)$", text, re.MULTILINE) if language == "console" else text.splitlines()
        typed += [re.sub(r"\s+#.*", "", line) for line in lines]
    return typed


def test_the_machine_has_nothing_that_the_readme_does_not_name(machine: Machine) -> None:
    """Each package that was asked for stands in it, and there is neither a compiler nor what else developers have."""
    script = (ROOT / "scripts" / "test" / "newcomer.sh").read_text("utf-8")
    asked = re.search(r'^make_root "\$ROOT" (\S+)$', script, re.MULTILINE)
    assert asked
    named = re.search(r"apt-get install ([a-z0-9\s-]+)`", README)
    assert named
    assert set(asked[1].split(",")) == set(named[1].split())
    has = machine.run("for name in c++ g++ cc clang curl jq pip node sudo; do command -v $name || :; done")
    assert not has.split()


def test_the_first_command_serves_and_prints_one_line(service: Started, machine: Machine) -> None:
    """The address, the key and how to stop; no log lines of workers."""
    last = service.printed[-1]
    assert last == f"Ready: http://localhost:{machine.port}/docs   API key: demo-api-key-123   Stop: Ctrl-C"
    assert last.replace(machine.port, "8000") in section("Start")
    others = [line for line in service.printed[:-1] if not line.startswith(("==> ", "    "))]
    assert not others


def test_the_sample_lead_is_scored_by_the_words_of_the_readme(service: Started, machine: Machine) -> None:
    """With the answer that stands below the command."""
    typed = next(line for line in commands("Start") if "score_a_lead" in line)
    assert machine.run(typed).startswith(shown_after(typed).split("\n  ")[0])


def shown_after(typed: str) -> str:
    """What the README prints below a command."""
    found = re.search(rf"^\$ {re.escape(typed)}\n(.*?)^```", section("Start"), re.DOTALL | re.MULTILINE)
    assert found
    return found[1]


def test_it_stops_at_once_and_starts_again_without_installing(service: Started, machine: Machine) -> None:
    """Ctrl-C ends it with nothing but its echo; the second start prints its line and nothing else."""
    before = service.printed
    service.interrupt()
    assert [line for line in service.printed[len(before) :] if line.strip("^C ")] == []
    again = Started(machine, commands("Start")[0])
    try:
        again.wait_until_ready(60)
        assert len(again.printed) == 1
    finally:
        again.interrupt()


def test_a_model_is_trained_and_served_by_the_words_of_the_readme(machine: Machine) -> None:
    """Every command of that section, in order; the last serves the new model."""
    *prepare, serve = commands("Train on your own leads")
    for typed in prepare:
        machine.run(typed)
    started = Started(machine, serve)
    try:
        started.wait_until_ready(60)
        scored = machine.run("python3 docs/examples/score_a_lead.py")
        assert re.match(r"crm-10533: tier [A-E], ", scored)
    finally:
        started.interrupt()


def test_outcomes_are_fed_back_by_the_words_of_the_readme(machine: Machine) -> None:
    """The lead that was scored first is there, with what came of it, and the page is written."""
    printed = {typed: machine.run(typed) for typed in commands("Score a file, and see whether scores keep their word")}
    (shown,) = (said for typed, said in printed.items() if "lead show" in typed)
    assert "won" in shown
    assert "first score" in shown
    assert (machine.clone / "live" / "live.html").exists()


def test_the_tests_pass_there(machine: Machine) -> None:
    """What needs a missing program is skipped, and says which."""
    assert "`make test`" in section("Start")
    verb = {"all": "make test", "programs": FEWER}[os.environ.get("NEWCOMER_TESTS", "all")]
    printed = machine.run(verb, TESTS)
    assert re.search(r"\d+ passed", printed.splitlines()[-1]), printed[-3000:]
    if verb == "make test":
        assert re.search(r"SKIPPED .*\bcurl\b", printed)
