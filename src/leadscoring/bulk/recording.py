"""What a run has to do with the ledger: leads whose persons objected are left out, and scores are kept if asked for.

Scores go to the tape of this machine's service, in segments of their own (``ledger.run_tape``). Whoever keeps the
folder moves them: the service, or else this process for as long as it runs.
"""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from leadscoring.bulk.objected import Objected
from leadscoring.bulk.recorder import TableRecorder
from leadscoring.counted import counted
from leadscoring.errors import ScoringFileError
from leadscoring.ledger.run_tape import RunTape, new_run
from leadscoring.ledger.tape_folder import TapeFolder

if TYPE_CHECKING:  # imported only with LEDGER
    from leadscoring.bulk.moving import Moving

PATIENCE_SECONDS = 60.0
"""How long a run waits for room on the tape, or for its last scores to be moved, while nothing is moved."""

LOOK_SECONDS = 0.05


class Recording:
    """The ledger of a run; without ``folder`` nothing is recorded."""

    def __init__(
        self,
        objected: Objected | None = None,
        recorder: TableRecorder | None = None,
        folder: TapeFolder | None = None,
        digest: str = "",
        moving: "Moving | None" = None,
    ) -> None:
        self.objected = objected
        self.recorder = recorder
        self._folder = folder
        self._digest = digest
        self._moving = moving
        self._tape: RunTape | None = None

    def new_run(self) -> str:
        """Returns the name of a new run on the tape, empty if nothing is recorded."""
        return new_run() if self._folder is not None else ""

    def begin(self, run: str, segments: int = 0) -> None:
        """Begins a run, or goes on with one behind so many ``segments``."""
        if self._folder is not None:
            self._tape = RunTape(self._folder, run, self._digest, segments)

    def give_up(self, run: str) -> None:
        """Removes what an interrupted run has not handed over, as no other goes on with it."""
        if self._folder is not None and run:
            RunTape(self._folder, run, self._digest).discard()

    @property
    def is_due(self) -> bool:
        """Whether the run should record its place, so that what is kept can be moved."""
        return self._tape is not None and self._tape.is_full

    def add(self, records: bytes | bytearray, *, at_once: bool) -> None:
        """Keeps the records of a batch; hands them over ``at_once`` if the run records no places.

        Raises ``ScoringFileError`` if the tape has no room, and gets none.
        """
        if self._tape is None or self._folder is None or not records:
            return
        waiting = Waiting(self._folder.size)
        while not self._has_room(self._tape, self._folder, len(records)):
            if waiting.is_over():
                raise ScoringFileError(
                    f"LEDGER_TAPE_PATH {self._folder.path} has no room, and {self._why()}: a run takes half of "
                    "LEDGER_TAPE_BYTES, the other is left to the service",
                    may_pass=True,
                )
            time.sleep(LOOK_SECONDS)
        self._tape.add(records)
        if at_once:
            self._tape.seal()
            self._tape.publish()

    def seal(self) -> int:
        """Puts what is kept on the disk; returns the segments that are complete."""
        return 0 if self._tape is None else self._tape.seal()

    def publish(self) -> None:
        """Hands over what is sealed."""
        if self._tape is not None:
            self._tape.publish()

    def end(self) -> list[str]:
        """Waits until everything is in the ledger; returns a note if it is not."""
        if self._tape is None:
            return []
        tape = self._tape
        waiting = Waiting(lambda: len(tape.published()))
        while left := tape.published():
            if waiting.is_over() or (self._moving is not None and self._moving.is_down):
                why = f"{self._why()}: the service moves them, or the next run with --record"
                return [f"{counted(len(left), 'segment')} of scores not moved yet, in {left[0].parent}, as {why}"]
            time.sleep(LOOK_SECONDS)
        return []

    def keep(self, records: bytes | bytearray) -> None:
        """Keeps the records of a table as a run of its own."""
        if self._folder is not None:
            self.begin(self.new_run())
            self.add(records, at_once=True)
            self.end()

    def discard(self) -> None:
        """Removes what was not handed over: no run goes on with it."""
        if self._tape is not None:
            self._tape.discard()

    def close(self) -> None:
        """Closes the tape, on which everything stays."""
        if self._tape is not None:
            self._tape.close()

    @staticmethod
    def _has_room(tape: RunTape, folder: TapeFolder, size: int) -> bool:
        """Whether a batch fits: into half of the folder, or into all of it if nothing of this run is in its way."""
        return folder.has_room(size, 0.5) or (folder.has_room(size) and not tape.published())

    def _why(self) -> str:
        """Why nothing is moved."""
        return self._moving.why if self._moving is not None else "nothing moves what is there"


NOTHING = Recording()


class Waiting:
    """Waits as long as a number changes."""

    def __init__(self, number: Callable[[], int]) -> None:
        self._number = number
        self._seen: int | None = None
        self._since = 0.0

    def is_over(self) -> bool:
        """Whether the number has stayed the same for too long."""
        now, number = time.monotonic(), self._number()
        if number != self._seen:
            self._seen, self._since = number, now
        return now - self._since >= PATIENCE_SECONDS
