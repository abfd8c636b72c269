"""Runs a program in a terminal of its own, and returns what it shows."""

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from collections.abc import Mapping, Sequence

import msgspec

ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class Shown(msgspec.Struct, frozen=True):
    """What a program wrote to its terminal, and its exit code."""

    raw: str
    code: int

    @property
    def text(self) -> str:
        """The characters that were written, without colours."""
        return ESCAPE.sub("", self.raw).replace("\r\n", "\n")

    @property
    def lines(self) -> list[str]:
        """The lines that remain: of one that was drawn again, only what was drawn last."""
        drawn = [line.replace("\x1b[K", "").rpartition("\r")[2] for line in self.raw.replace("\r\n", "\n").split("\n")]
        return [ESCAPE.sub("", line) for line in drawn if line]


def in_terminal(program: str | Sequence[str], width: int = 80, environ: Mapping[str, str] | None = None) -> Shown:
    """Runs Python code, or the arguments of ``leadscoring``, in a terminal of so many columns."""
    keeper, own = pty.openpty()
    fcntl.ioctl(own, termios.TIOCSWINSZ, struct.pack("HHHH", 40, width, 0, 0))
    words = ["-c", program] if isinstance(program, str) else ["-m", "leadscoring.cli.main", *program]
    clean = {name: value for name, value in os.environ.items() if name not in {"CI", "NO_COLOR", "COLUMNS", "LINES"}}
    with subprocess.Popen(
        [sys.executable, *words], stdin=own, stdout=own, stderr=own, env=clean | {"TERM": "xterm"} | dict(environ or {})
    ) as process:
        os.close(own)
        raw = b"".join(iter(lambda: part_of(keeper), b""))
    os.close(keeper)
    return Shown(raw.decode(), process.returncode)


def part_of(keeper: int) -> bytes:
    """What was written next; nothing once the program has ended."""
    try:
        return os.read(keeper, 65536)
    except OSError:  # as Linux reports the end
        return b""
