"""Runs the commands of docs/FROM_EXPORT_TO_SCORES.md and writes what they print into it; with --check, compares.

Each block of ``bash`` runs in one folder, in order, and has to succeed; one with a command that is not installed stays
as it is. A block of ``text`` after one is its output: all lines, or those that match the pattern in the comment
``<!-- shown: PATTERN -->`` above it, with ``...`` for the others. ``--check`` ignores numbers, which differ between
machines in their last digits.
"""

import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "FROM_EXPORT_TO_SCORES.md"
BLOCK = re.compile(
    r"^```bash\n(?P<commands>.*?)^```\n(?P<output>\n(?:<!-- shown: (?P<shown>.*?) -->\n)?```text\n.*?^```\n)?",
    re.DOTALL | re.MULTILINE,
)
START_SECONDS = 60


class Walk:
    """Runs the blocks of the page in a folder of their own; the service that one of them starts runs until the end."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.service: subprocess.Popen[bytes] | None = None
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = str(probe.getsockname()[1])
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("MODEL_", "API_KEY"))}
        self.environ = kept | {"PATH": path, "PORT": self.port, "COLUMNS": "80", "PYTHONWARNINGS": "ignore"}

    @cached_property
    def verbs(self) -> set[str]:
        """The commands of this installation."""
        return set(re.findall(r"^  ([a-z-]+) ", self.run("leadscoring --help"), re.MULTILINE))

    def run(self, commands: str) -> str:
        """Runs a block; returns what it prints, or nothing of a service, which is started.

        Raises ``SystemExit`` if a command fails.
        """
        if "leadscoring serve" in commands:
            self.start(commands)
            return ""
        script = commands.replace("localhost:8000", f"127.0.0.1:{self.port}")
        ran = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script],
            cwd=self.folder,
            env=self.environ,
            capture_output=True,
            text=True,
            check=False,
        )
        if ran.returncode:
            sys.exit(f"{PAGE.name}: this fails with {ran.returncode}:\n{commands}{ran.stdout}{ran.stderr}")
        return ran.stdout

    def start(self, command: str) -> None:
        """Starts the service and waits until it responds."""
        self.service = subprocess.Popen(  # noqa: S602 - the page's own command
            f"exec env {command}", shell=True, cwd=self.folder, env=self.environ, stdout=subprocess.DEVNULL
        )
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self.service.poll() is None:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{self.port}/health/ready", timeout=5).close()
            except OSError:
                time.sleep(0.05)
            else:
                return
        sys.exit(f"{PAGE.name}: this starts no service:\n{command}")

    def end(self) -> None:
        """Ends the service."""
        if self.service is not None:
            self.service.send_signal(signal.SIGTERM)
            self.service.wait(START_SECONDS)


def rendered(text: str, walk: Walk) -> str:
    """The page with what its commands print."""

    def block(match: re.Match[str]) -> str:
        if not walk.verbs.issuperset(re.findall(r"leadscoring ([a-z-]+)", match["commands"])):
            return match[0]
        printed = walk.run(match["commands"])
        if match["output"] is None:
            return match[0]
        shown = match["shown"]
        lines = [line.rstrip() for line in printed.splitlines()]
        kept = "\n".join(lines if shown is None else some(lines, shown))
        comment = "" if shown is None else f"<!-- shown: {shown} -->\n"
        return f"```bash\n{match['commands']}```\n\n{comment}```text\n{kept}\n```\n"

    return BLOCK.sub(block, text)


def some(lines: list[str], shown: str) -> Iterator[str]:
    """The lines that match, with ``...`` for those between them.

    Raises ``SystemExit`` for an alternative of the pattern that matches no line.
    """
    for part in shown.split("|"):
        if not any(re.search(part, line) for line in lines):
            sys.exit(f"{PAGE.name}: no line of the output matches {part!r}:\n" + "\n".join(lines))
    gap = False
    for number, line in enumerate(lines):
        if re.search(shown, line):
            if gap and number:
                yield "..."
            yield line
        gap = not re.search(shown, line)


def without_numbers(text: str) -> str:
    """A page with each number and identifier as ``#``, and any space as one."""
    return re.sub(r"[ \t]+", " ", re.sub(r"\b[0-9a-f]{12}\b|\d[\d.,:]*", "#", text))


def main() -> None:
    """Writes or checks the page."""
    text = PAGE.read_text("utf-8")
    with tempfile.TemporaryDirectory() as folder:
        walk = Walk(Path(folder))
        try:
            made = rendered(text, walk)
        finally:
            walk.end()
    if "--check" not in sys.argv[1:]:
        PAGE.write_text(made, "utf-8")
        return
    old, new = (without_numbers(one).splitlines() for one in (text, made))
    stale = [f"-{a}\n+{b}" for a, b in zip(old, new, strict=False) if a != b]
    if old != new:
        sys.exit(f"{PAGE.name} is stale, run `make docs`:\n" + "\n".join(stale[:5]))


if __name__ == "__main__":
    main()
