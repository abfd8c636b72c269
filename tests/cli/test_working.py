"""The work of a command: errors in words, and what was written is known."""

from pathlib import Path

import click
import pytest

from leadscoring.cli.working import working
from leadscoring.errors import TrainingDataError


@pytest.mark.parametrize(
    ("failure", "words"),
    [
        (TrainingDataError("there is no file a.csv"), "there is no file a.csv"),
        (OSError(28, "No space left on device", "m.json"), "cannot write m.json: No space left on device"),
        (OSError(28, "No space left on device"), "cannot write: No space left on device; nothing was written"),
        (MemoryError(), "there is not enough memory for this; nothing was written"),
    ],
)
def test_an_error_is_told_in_words(failure: Exception, words: str) -> None:
    """Exit code 1."""
    with pytest.raises(click.ClickException, match=words) as told, working():
        raise failure
    assert told.value.exit_code == 1


def test_a_fault_is_none_of_them() -> None:
    """It is for the one who catches faults."""
    with pytest.raises(ZeroDivisionError), working():
        raise ZeroDivisionError


def test_what_was_written_is_known(tmp_path: Path) -> None:
    """To whoever interrupts after it, and to the summary."""
    with working() as work:
        assert work.interruption.left == "nothing was written"
        with work.writing():
            work.wrote(tmp_path / "model.json")
            assert work.interruption.left == f"{tmp_path / 'model.json'} was written"
            work.wrote(tmp_path / "report.html")
    assert work.interruption.left.endswith("report.html were written")
    assert len(work.written) == 2
