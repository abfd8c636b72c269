"""The sink of log lines: a slow reader never blocks a writer."""

import os
import select
import threading
from collections import deque
from collections.abc import Callable
from time import monotonic

FLUSH_SECONDS = 0.1

ROOM = 4 << 20
"""Maximum number of buffered bytes, enough for about ten thousand requests."""

LEAVE_SECONDS = 1.0
"""How long a process that ends waits for the reader of its log."""

PIPE_BUF = 4096
"""Maximum size of a write to a pipe that the kernel keeps atomic among processes."""


class Output:
    """A buffered sink of log lines that never blocks its writers.

    A background thread writes: a full pipe blocks, and making a pipe or terminal non-blocking would affect every
    process that has it open, including our parent. Up to ``room`` bytes are buffered for a stalled reader. Lines
    beyond that, and lines that cannot be written because the disk is full or the reader is gone, are dropped;
    ``dropped`` is called with their number. Workers write to a shared pipe in pieces that the kernel keeps atomic.
    """

    def __init__(
        self, descriptor: int, dropped: Callable[[float], None] = lambda _lines: None, room: int = ROOM
    ) -> None:
        self.dropped = dropped
        self._descriptor = descriptor
        self._room = room
        self._lines: deque[bytes] = deque()
        self._held = 0
        self._changed = threading.Condition()  # its lock is reentrant: signal handlers log as well
        self._thread: threading.Thread | None = None
        self._ending = False
        self._patient = True

    def write(self, lines: bytes) -> None:
        """Enqueues whole lines; never raises, never blocks."""
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
        """Waits until everything is written, for at most ``seconds``.

        The default is ``LEAVE_SECONDS``, and 0 while a reader is stalled that a previous flush has waited for.
        """
        if seconds is None:
            seconds = LEAVE_SECONDS if self._patient else 0.0
        deadline = monotonic() + seconds
        with self._changed:
            while self._held and (left := deadline - monotonic()) > 0:
                self._changed.wait(left)
            self._patient = not self._held

    def close(self) -> None:
        """Flushes, and ends the thread."""
        self.flush()
        with self._changed:
            self._ending = True
            self._changed.notify_all()

    def _start(self) -> bool:
        """Starts the thread; returns false if the interpreter is shutting down."""
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
    """Writes lines, blocking as long as necessary; returns how many could not be written."""
    begin = 0
    while begin < len(lines):
        end = lines.rfind(b"\n", begin, begin + PIPE_BUF) + 1 or lines.find(b"\n", begin) + 1 or len(lines)
        while begin < end:
            try:
                begin += os.write(descriptor, lines[begin:end])
            except BlockingIOError:  # another process made it non-blocking
                select.select((), (descriptor,), ())
            except OSError:
                return lines.count(b"\n", begin)
    return 0
