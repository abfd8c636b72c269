"""Ctrl-C, SIGTERM and SIGHUP while a command works: it ends promptly and leaves nothing half-written.

Libraries compute for seconds in C and C++, where no handler of Python runs, and wait for their threads when an
exception leaves them. So a thread of its own waits for the signal, removes what is unfinished, and ends the process.
"""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from leadscoring.whole_file import remove_unfinished

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
BASE = 128
"""A process that ends by a signal exits with 128 and its number: 130 of Ctrl-C, 143 of SIGTERM, 129 of SIGHUP."""

STANDARD_ERROR = 2


class Interruption:
    """What happens at an interruption: ``clear`` is called, then the process ends with ``Interrupted; ...``.

    ``left`` says what is left behind.
    """

    def __init__(self, clear: Callable[[], None]) -> None:
        self.clear = clear
        self.left = "nothing was written"
        self.lock = threading.Lock()

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Lets an interruption wait until files that belong together are written."""
        with self.lock:
            yield

    def end(self, number: int) -> None:
        """Ends the process, with the exit code of a signal."""
        with self.lock:
            self.clear()
            remove_unfinished()
            with suppress(OSError):  # as of a terminal that has gone
                os.write(STANDARD_ERROR, f"Interrupted; {self.left}.\n".encode(errors="backslashreplace"))
            os._exit(BASE + number)

    def watch(self, pipe: int) -> None:
        """Waits for the number of a signal in a pipe, until it is closed."""
        while number := os.read(pipe, 1):
            if number[0] in SIGNALS:
                self.end(number[0])


@contextmanager
def interruptible(clear: Callable[[], None]) -> Iterator[Interruption]:
    """Ends the process at one of ``SIGNALS`` while the block runs; elsewhere than in the main thread, does nothing.

    A signal that is ignored, as by ``nohup``, stays so.
    """
    interruption = Interruption(clear)
    if threading.current_thread() is not threading.main_thread():
        yield interruption
        return
    out, into = os.pipe()
    os.set_blocking(into, False)
    thread = threading.Thread(target=interruption.watch, args=(out,), daemon=True)
    thread.start()
    before = signal.set_wakeup_fd(into, warn_on_full_buffer=False)
    handled = [number for number in SIGNALS if signal.getsignal(number) is not signal.SIG_IGN]
    handlers = {number: signal.signal(number, lambda _number, _frame: None) for number in handled}
    try:
        yield interruption
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(before)
        os.close(into)
        thread.join()
        os.close(out)
