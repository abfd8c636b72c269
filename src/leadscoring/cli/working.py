"""How a command works: with progress, interruptible, and with errors in words."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from leadscoring.cli.interruption import Interruption, interruptible
from leadscoring.cli.progress import Progress
from leadscoring.errors import LeadScoringError
from leadscoring.system_error import why


class Work:
    """The work of a command: call ``progress`` with a stage and the completed share; write files in ``writing``."""

    def __init__(self, progress: Progress, interruption: Interruption) -> None:
        self.progress, self.interruption = progress, interruption
        self.written: list[Path] = []

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Writes files that belong together: an interruption waits until they are there, and names them."""
        with self.interruption.waiting():
            yield

    def wrote(self, path: Path) -> None:
        """Notes that a file is written."""
        self.written.append(path)
        self.interruption.left = (
            f"{' and '.join(map(str, self.written))} {'was' if len(self.written) == 1 else 'were'} written"
        )


@contextmanager
def working() -> Iterator[Work]:
    """Runs the work of a command in its block.

    Raises ``click.ClickException``, which exits with code 1, for our own errors and for files that cannot be read or
    written.
    """
    with Progress() as progress, interruptible(progress.end) as interruption:
        work = Work(progress, interruption)
        try:
            yield work
        except LeadScoringError as failure:
            raise click.ClickException(in_words(failure)) from failure
        except BrokenPipeError:  # whoever read standard output has seen enough
            raise
        except MemoryError as failure:
            raise click.ClickException(f"there is not enough memory for this; {interruption.left}") from failure
        except OSError as failure:
            raise click.ClickException(f"{named(failure)}; {interruption.left}") from failure


def in_words(failure: LeadScoringError) -> str:
    """One of our errors, without the name that the logs of the service have for an absent model."""
    return str(failure).removeprefix("FileNotFoundError: ")


def named(failure: OSError) -> str:
    """An error of the operating system, with the file that it is about."""
    named = "cannot write" if failure.filename is None else f"cannot write {failure.filename}"
    return f"{named}: {why(failure)}"
