"""How far a run has come, beside its output, so that another run can go on from there.

The first line says what is scored by what, and into what; each further line a place up to which the output is complete
and on disk. A line that was not written to its end does not count.
"""

import fcntl
import os
from pathlib import Path
from typing import Any

import msgspec

from leadscoring.bulk.batch import Position
from leadscoring.bulk.counts import Counts
from leadscoring.bulk.sources import Source, change_of
from leadscoring.errors import ScoringFileError
from leadscoring.system_error import why

VERSION = 1

OPTIONS = {"reasons": "--reasons", "details": "--details", "as_of": "--as-of", "lead_id": "--id", "keep": "--columns",
           "record": "--record"}  # fmt: skip
"""What people call the options of a run."""

CLOSED = -1
"""The descriptor of a journal that is not open."""


class Job(msgspec.Struct, frozen=True):
    """What a run does: everything that its output depends on."""

    model: str
    """The SHA-256 of the model file."""

    engine: str
    """The version of this package."""

    options: dict[str, Any]
    sources: tuple[Source, ...]
    out: str
    rejects: str
    now: int = 0
    """The moment as of which leads without their own are scored, in microseconds since 1970; it is kept."""

    version: int = VERSION
    run: str = ""
    """The name of the run on the tape, if its leads are recorded; it is kept."""


class Checkpoint(msgspec.Struct, frozen=True, omit_defaults=True):
    """A place up to which everything is written: the next row, and the sizes of the files with the CRC-32C of each.

    ``segments`` is how many segments of the tape are complete.
    ``groups`` are the row groups since the place before, with their rows, for Parquet. With ``done`` the files are
    complete, and only have to get their names.
    """

    file: int = 0
    position: Position | None = None
    out: int = 0
    rejects: int = 0
    counts: Counts = Counts()
    groups: tuple[tuple[int, bytes], ...] = ()
    done: bool = False
    segments: int = 0
    out_digest: int | None = None
    rejects_digest: int | None = None


class Journal:
    """The journal of a run; it is locked as long as the run lives."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor = CLOSED

    def lock(self) -> None:
        """Opens the journal. Raises ``ScoringFileError`` if another run has it, or it cannot be written."""
        try:
            self._descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self.close()
            raise ScoringFileError(f"another run is writing this output: it holds {self.path}") from None
        except OSError as failure:
            raise ScoringFileError(f"cannot write {self.path}: {why(failure)}") from None

    def read(self) -> tuple[Job | None, list[Checkpoint]]:
        """What the journal says, and drops a last line that is not complete."""
        content = os.pread(self._descriptor, os.fstat(self._descriptor).st_size, 0)
        sound = content[: content.rfind(b"\n") + 1]
        lines = sound.splitlines()
        try:
            job = msgspec.json.decode(lines[0], type=Job) if lines else None
            checkpoints = [msgspec.json.decode(line, type=Checkpoint) for line in lines[1:]]
        except msgspec.MsgspecError:
            raise ScoringFileError(f"{self.path} is damaged: delete it and start again without --resume") from None
        os.ftruncate(self._descriptor, len(sound))
        os.lseek(self._descriptor, len(sound), os.SEEK_SET)
        return job, checkpoints

    def begin(self, job: Job) -> None:
        """Starts the journal anew."""
        os.ftruncate(self._descriptor, 0)
        os.lseek(self._descriptor, 0, os.SEEK_SET)
        self._append(job)

    def add(self, checkpoint: Checkpoint) -> None:
        """Records that everything up to a place is on disk."""
        self._append(checkpoint)

    def _append(self, record: Any) -> None:
        left = memoryview(msgspec.json.encode(record) + b"\n")
        try:
            while left:
                left = left[os.write(self._descriptor, left) :]
            os.fsync(self._descriptor)
        except OSError as failure:
            raise ScoringFileError(f"cannot write {self.path}: {why(failure)}", may_pass=True) from None

    def remove(self) -> None:
        """Removes the journal: there is nothing to go on with."""
        self.path.unlink(missing_ok=True)
        self.close()

    def close(self) -> None:
        """Releases the journal, which stays."""
        if self._descriptor != CLOSED:
            descriptor, self._descriptor = self._descriptor, CLOSED
            os.close(descriptor)


def refuse_other(job: Job, before: Job, path: Path) -> None:
    """Raises ``ScoringFileError``, with what has changed, unless an interrupted run did the same as this one."""
    changes = [words for words in differences(job, before) if words]
    if changes:
        raise ScoringFileError(
            f"--resume cannot go on, since {'; '.join(changes)}: the output would be of two kinds. Restore it, or "
            f"start again without --resume ({path.name} is the journal of the interrupted run)"
        )


def option_words(option: str, now: Any, before: Any) -> str:
    """What differs in an option."""
    if isinstance(now, bool) and isinstance(before, bool):
        return f"{option} is {'given now, and was not' if now else 'not given now, but was'}"
    empty: tuple[Any, ...] = (None, [], "")
    if now in empty or before in empty:
        value = before if now in empty else now
        shown = ",".join(value) if isinstance(value, list) else value
        return f"{option} {shown} is {'not given now, but was' if now in empty else 'given now, and was not'}"
    values = [",".join(value) if isinstance(value, list) else value for value in (now, before)]
    return f"{option} is {values[0]}, not {values[1]}"


def differences(job: Job, before: Job) -> list[str]:
    """What differs between two runs, in words."""
    found = []
    if job.model != before.model:
        found.append(f"the model is another file (SHA-256 {job.model[:12]}, not {before.model[:12]})")
    if job.engine != before.engine or job.version != before.version:
        found.append(f"this is version {job.engine}, not {before.engine}")
    found += [
        option_words(OPTIONS.get(name, name), job.options.get(name), before.options.get(name))
        for name in sorted({*job.options, *before.options})
        if job.options.get(name) != before.options.get(name)
    ]
    found += [
        f"the {what} are in {now}, not in {then}"
        for what, now, then in (("scores", job.out, before.out), ("rejects", job.rejects, before.rejects))
        if now != then
    ]
    names, others = {one.path: one for one in job.sources}, {one.path: one for one in before.sources}
    found += [f"{path} was not there" for path in names if path not in others]
    found += [f"{path} is not there any more" for path in others if path not in names]
    found += [
        f"{path} has changed ({change_of(others[path].identity, source.identity)})"
        for path, source in names.items()
        if path in others and source != others[path]
    ]
    if not found and job.sources != before.sources:
        found.append("the files are in another order")
    return found
