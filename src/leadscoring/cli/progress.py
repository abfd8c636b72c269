"""Progress on standard error: one line that is drawn again in a terminal, one line for each stage elsewhere."""

import sys
import threading
import time
from collections.abc import Callable
from types import TracebackType

import click

from leadscoring.cli.page import has_colour, is_lively, put, width_of
from leadscoring.standard_streams import silence

STAGES = {
    "reading": "reading the file",
    "columns": "examining the columns",
    "leaks": "looking for leaks",
    "recipes": "comparing recipes",
    "rehearsing": "training without the held-out leads",
    "folds": "cross-validating",
    "trees": "growing trees",
    "training": "training on all leads",
    "measuring": "measuring",
    "scoring": "scoring",
    "counting": "counting",
    "certifying": "certifying",
    "recording": "recording",
    "recomputing": "recomputing",
    "writing": "writing",
}
"""What each stage is called; a stage that is not listed has its own name."""

END = "done"
EVERY = 1.0
"""Seconds after which the line is drawn again though no progress was reported, so that the time goes on."""

EARLY = 0.04
"""The completed share from which the remaining time is estimated."""

SOON = 2.0
"""Seconds from which it is estimated."""

BAR = 20
LONGEST_WAIT = 0.5


class Progress:
    """Shows the progress of some work from its beginning to its end; call it with a stage and the completed share."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock, self.out = clock, sys.stderr
        self.lively, self.start = is_lively(self.out), clock()
        self.stage, self.share, self.shown = "", 0.0, ""
        self.lock, self.over = threading.Lock(), threading.Event()
        self.ticking = threading.Thread(target=self.tick, daemon=True)

    def __enter__(self) -> "Progress":
        """Begins to show the time."""
        if self.lively:
            self.ticking.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, failure: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Clears the line: nothing of it stays above a result or an error."""
        self.end()
        if self.lively:
            self.ticking.join()

    def __call__(self, stage: str, share: float) -> None:
        """Shows a stage, and the completed share of all work, 0..1; it never goes back."""
        with self.lock:
            begins = stage != self.stage
            self.stage, self.share = stage, max(self.share, min(share, 1.0))
            if self.lively:
                self.draw()
            elif begins and stage != END:
                put(f"{clock_text(self.elapsed)} {STAGES.get(stage, stage)}", self.out)

    @property
    def elapsed(self) -> float:
        """Seconds since the beginning."""
        return self.clock() - self.start

    def tick(self) -> None:
        """Draws the line again and again."""
        while not self.over.wait(EVERY):
            with self.lock:
                self.draw()

    def draw(self) -> None:
        """Draws the line in one piece, if it differs from what is shown."""
        line = self.line(width_of(self.out) - 1)
        if line != self.shown and not self.over.is_set():
            self.shown = line
            self.write(f"\r{click.style(line, fg='cyan') if has_colour(self.out) else line}\x1b[K")

    def line(self, width: int) -> str:
        """The stage in words, a bar, the percentage, the elapsed and the remaining time, within ``width`` columns."""
        if not self.stage:
            return ""
        seconds, share = self.elapsed, self.share
        words = [f"{share:4.0%}", f"{clock_text(seconds)} elapsed"]
        if share >= EARLY and seconds >= SOON:
            words.append(f"about {clock_text(seconds * (1.0 - share) / share)} left")
        stage, full = STAGES.get(self.stage, self.stage), round(BAR * share)
        bar = f"[{'#' * full}{'-' * (BAR - full)}]"
        return next(
            (
                line
                for line in (f"{stage} {bar} {', '.join(words)}", f"{stage} {', '.join(words)}")
                if len(line) <= width
            ),
            f"{words[0].strip()} {words[1]}"[:width],
        )

    def end(self) -> None:
        """Removes the line from the terminal, and draws none any more."""
        self.over.set()
        held = self.lock.acquire(timeout=LONGEST_WAIT)  # whoever draws may wait for a terminal that was stopped
        if self.shown:
            self.shown = ""
            self.write("\r\x1b[K")
        if held:
            self.lock.release()

    def write(self, text: str) -> None:
        """Writes to the terminal at once; one that has gone does not end the work."""
        try:
            self.out.write(text)
            self.out.flush()
        except OSError:
            silence(self.out)


def clock_text(seconds: float) -> str:
    """A duration as minutes and seconds, or as hours, minutes and seconds."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
