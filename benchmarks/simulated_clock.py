"""A time of day that is set by hand, for the processes that are started with it."""

import shutil
import struct
import subprocess
import time
from datetime import datetime
from pathlib import Path

SOURCE = Path(__file__).with_suffix(".c")
COMPILERS = ("cc", "gcc", "clang")


class SimulatedClock:
    """The time of day of processes with ``environ``, which goes on from where it was set; other clocks do not change.

    It is a small library that is compiled into ``folder``; all processes of a service move together. For Linux.
    """

    def __init__(self, folder: Path) -> None:
        compiler = next(filter(None, map(shutil.which, COMPILERS)), None)
        if compiler is None:
            raise RuntimeError(f"a simulated clock needs a compiler: {', '.join(COMPILERS)}")
        library = folder / "simulated_clock.so"
        subprocess.run([compiler, "-shared", "-fPIC", "-O2", "-Wall", "-Werror", "-o", library, SOURCE], check=True)
        self._file = folder / "clock"
        self._file.write_bytes(bytes(8))
        self.environ = {"LD_PRELOAD": str(library), "SIMULATED_CLOCK": str(self._file)}

    def set(self, now: datetime) -> None:
        """Sets the clock."""
        moved = round((now.timestamp() - time.time()) * 1e9)
        with self._file.open("r+b") as file:
            file.write(struct.pack("=q", moved))
