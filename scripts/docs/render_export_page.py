"""Runs the commands of docs/FROM_EXPORT_TO_SCORES.md and writes what they print into it; with --check, compares.

Each block of ``bash`` runs in one folder, in order, and has to succeed; one with a command that is not installed stays
as it is. A block of ``text`` after one is its output: all lines, or those that match the pattern in the comment
``<!-- shown: PATTERN -->`` above it, with ``...`` for the others. With ``--check``, each line that the page shows has
to be printed; numbers are ignored, since they differ between machines in their last digits.
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
    r"^```bash\n(?P<commands>.*?)^```\n"
    r"(?P<output>\n(?:<!-- shown: (?P<shown>.*?) -->\n)?```text\n(?P<lines>.*?)^```\n)?",
    re.DOTALL | re.MULTILINE,
)
GAP = "..."
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


def rendered(text: str, walk: Walk, stale: list[str]) -> str:
    """The page with what its commands print; lines that it shows and that are not printed are added to ``stale``."""

    def block(match: re.Match[str]) -> str:
        if not walk.verbs.issuperset(re.findall(r"leadscoring ([a-z-]+)", match["commands"])):
            return match[0]
        printed = [line.rstrip() for line in walk.run(match["commands"]).splitlines()]
        if match["output"] is None:
            return match[0]
        known = {GAP, *map(without_numbers, printed)}
        stale.extend(line for line in match["lines"].splitlines() if without_numbers(line) not in known)
        shown = match["shown"]
        kept = "\n".join(printed if shown is None else some(printed, shown))
        comment = "" if shown is None else f"<!-- shown: {shown} -->\n"
        return f"```bash\n{match['commands']}```\n\n{comment}```text\n{kept}\n```\n"

    return BLOCK.sub(block, text)


def some(lines: list[str], shown: str) -> Iterator[str]:
    """The lines that match, with those below them that are indented deeper, and with ``...`` for those between."""
    gap, depth = False, None
    for number, line in enumerate(lines):
        indent = len(line) - len(line.lstrip())
        if re.search(shown, line):
            depth = indent if depth is None else min(depth, indent)
        elif depth is None or not line or indent <= depth:
            gap, depth = number > 0, None
            continue
        if gap:
            yield GAP
        gap = False
        yield line


def without_numbers(text: str) -> str:
    """A line with each number and identifier as ``#``, and any space as one."""
    return re.sub(r"\s+", " ", re.sub(r"\b[0-9a-f]{12}\b|\d[\d.,:]*", "#", text))


def main() -> None:
    """Writes or checks the page."""
    text, stale = PAGE.read_text("utf-8"), list[str]()
    with tempfile.TemporaryDirectory() as folder:
        walk = Walk(Path(folder))
        try:
            made = rendered(text, walk, stale)
        finally:
            walk.end()
    if "--check" not in sys.argv[1:]:
        PAGE.write_text(made, "utf-8")
    elif stale:
        sys.exit(f"{PAGE.name} shows what is not printed, run `make docs`:\n" + "\n".join(stale))


if __name__ == "__main__":
    main()
