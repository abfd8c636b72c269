"""Writes numbered leads to tapes until it is killed, once for each folder that it reads from standard input.

Acknowledges leads as the service does: their number is printed after they are on the tape.
"""

import os
import sys
from pathlib import Path
from random import Random

from leadscoring._engine import Rows
from leadscoring.lead import Lead
from leadscoring.ledger.lead_key import LeadKeys
from leadscoring.ledger.tape import Tape
from leadscoring.ledger.tape_folder import TapeFolder

KEYS = LeadKeys(b"secret of the writer")
MODELS = tuple(f"{number:02}" * 32 for number in range(3))
SEGMENT_BYTES = 1 << 16
MOST_LEADS = 40


def write(folder: Path) -> None:
    """Appends batches of random size, and tends the tape now and then, for ever."""
    say(f"pid {os.getpid()}")
    tape, random, done = Tape(TapeFolder(folder, 1 << 30, SEGMENT_BYTES), KEYS), Random(os.getpid()), 0
    while True:
        places = range(done, done + random.randint(1, MOST_LEADS))
        rows = Rows([[float(place), float(-place)] * 10 for place in places])
        leads = [Lead(str(place), ()) for place in places]
        margins = [place / 7 for place in places]
        tape.append(random.choice(MODELS), rows, margins, leads, f"request-{places.start}", 0, False, None)
        done = places.stop
        say(str(done))
        if random.random() < 0.05:
            tape.tend()


def say(line: str) -> None:
    """Writes a line at once, whole."""
    os.write(1, f"{line}\n".encode())


if __name__ == "__main__":
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            write(Path(line.strip()))
        os.waitpid(child, 0)
        say("ended")
