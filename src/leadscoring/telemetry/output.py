"""Where log lines go: whoever writes never waits for whoever reads."""

import os
import select
import threading
from collections import deque
from collections.abc import Callable
from time import monotonic

FLUSH_SECONDS = 0.1

ROOM = 4 << 20
"""Bytes of lines that wait for a reader, at most: some ten thousand requests."""

LEAVE_SECONDS = 1.0
"""How long a process that ends waits for the reader of its log."""

PIPE_BUF = 4096
"""Bytes that the kernel never mixes with those of another process that writes to the same pipe."""


class Output:
    """Where log lines go: whoever writes here never waits for whoever reads there.

    A thread writes, because nothing else is sound: a full pipe makes a writer wait, and to make a pipe or terminal
    not do so changes it for every program that has it open, our parent among them. Up to ``room`` bytes wait for a
    reader that has stalled. What is beyond, and what cannot be written, to a full disk or a reader that has gone, is
    dropped; ``dropped`` hears how many lines. Workers write to one pipe in pieces that the kernel keeps whole.
    """

    def __init__(
        self, descriptor: int, dropped: Callable[[float], None] = lambda _lines: None, room: int = ROOM
    ) -> None:
        self.dropped = dropped
        self._descriptor = descriptor
        self._room = room
        self._lines: deque[bytes] = deque()
        self._held = 0
        self._changed = threading.Condition()  # its lock may be taken twice: a signal's handler logs as well
        self._thread: threading.Thread | None = None
        self._ending = False
        self._patient = True

    def write(self, lines: bytes) -> None:
        """Takes whole lines; never raises, never waits."""
        with self._changed:
            if self._held + len(lines) > self._room:
                self.dropped(float(lines.count(b"\n")))
                return
            self._lines.append(lines)
            self._held += len(lines)
            if self._thread is None and not self._start():
                self._lines.pop()
                self._held -= len(lines)
                self.dropped(float(lines.count(b"\n")))
            self._changed.notify_all()

    def flush(self, seconds: float | None = None) -> None:
        """Waits until everything is written, for ``seconds`` at most.

        When not told for how long: ``LEAVE_SECONDS``, and not a second time for a reader that stalls.
        """
        if seconds is None:
            seconds = LEAVE_SECONDS if self._patient else 0.0
        deadline = monotonic() + seconds
        with self._changed:
            while self._held and (left := deadline - monotonic()) > 0:
                self._changed.wait(left)
            self._patient = not self._held

    def close(self) -> None:
        """Flushes, and lets the thread end."""
        self.flush()
        with self._changed:
            self._ending = True
            self._changed.notify_all()

    def _start(self) -> bool:
        """Starts the thread; not possible any more when the interpreter ends."""
        self._ending = False
        self._thread = threading.Thread(target=self._run, name="log", daemon=True)
        try:
            self._thread.start()
        except RuntimeError:
            self._thread = None
            return False
        return True

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._lines and not self._ending:
                    self._changed.wait()
                if not self._lines:
                    self._thread = None
                    return
                lines = self._lines.popleft()
            lost = written(self._descriptor, lines)
            with self._changed:
                self._held -= len(lines)
                self._patient = True
                if lost:
                    self.dropped(float(lost))
                self._changed.notify_all()


def written(descriptor: int, lines: bytes) -> int:
    """Writes lines, however long that takes; gives how many could not be written."""
    begin = 0
    while begin < len(lines):
        end = lines.rfind(b"\n", begin, begin + PIPE_BUF) + 1 or lines.find(b"\n", begin) + 1 or len(lines)
        while begin < end:
            try:
                begin += os.write(descriptor, lines[begin:end])
            except BlockingIOError:  # somebody made it so for all who have it open
                select.select((), (descriptor,), ())
            except OSError:
                return lines.count(b"\n", begin)
    return 0
