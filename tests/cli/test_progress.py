"""Progress: one line that is drawn again in a terminal, one line for each stage elsewhere, and nothing of it remains."""

import io
import sys

import pytest
from terminal import in_terminal

from leadscoring.cli.progress import STAGES, Progress, clock_text


class Clock:
    """A clock that stands still unless it is moved."""

    now = 0.0

    def __call__(self) -> float:
        """The time."""
        return self.now


@pytest.mark.parametrize(("seconds", "text"), [(0, "0:00"), (59.6, "1:00"), (754, "12:34"), (3661, "1:01:01")])
def test_a_duration_is_minutes_and_seconds(seconds: float, text: str) -> None:
    """Or hours too."""
    assert clock_text(seconds) == text


def test_the_line_has_stage_percentage_elapsed_and_remaining_time() -> None:
    """The remaining time once there is something to estimate it from."""
    clock = Clock()
    progress = Progress(clock)
    progress("folds", 0.01)
    assert progress.line(80).startswith("cross-validating [----")
    assert progress.line(80).endswith("   1%, 0:00 elapsed")
    clock.now = 60.0
    progress("folds", 0.25)
    assert progress.line(80).endswith("  25%, 1:00 elapsed, about 3:00 left")


@pytest.mark.parametrize("width", [10, 30, 50, 60, 80])
@pytest.mark.parametrize("stage", [*STAGES, "a stage of a name that nobody thought of"])
def test_the_line_fits_into_the_terminal(width: int, stage: str) -> None:
    """Since one that is longer cannot be drawn again."""
    clock = Clock()
    progress = Progress(clock)
    clock.now = 7200.0
    progress(stage, 0.5)
    assert 0 < len(progress.line(width)) <= width


def test_progress_never_goes_back(capsys: pytest.CaptureFixture[str]) -> None:
    """Nor beyond the end."""
    with Progress() as progress:
        for share in (0.5, 0.2, 7.0):
            progress("folds", share)
        assert progress.share == 1.0
    assert "-" not in capsys.readouterr().err.replace("cross-validating", "")


def test_what_is_piped_has_a_line_for_each_stage(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the time at which it began, and without anything that is drawn again."""
    out, clock = io.StringIO(), Clock()
    monkeypatch.setattr(sys, "stderr", out)
    with Progress(clock) as progress:
        for number in range(100):
            clock.now = float(number)
            progress("reading" if number < 50 else "folds", number / 100)
        progress("done", 1.0)
    assert out.getvalue().splitlines() == ["0:00 reading the file", "0:50 cross-validating"]


PROGRAM = """
import sys, time
from leadscoring.cli.progress import Progress
with Progress() as progress:
    for number in range(400):
        progress("folds", number / 400)
print("Error: something", file=sys.stderr)
"""


@pytest.mark.parametrize("width", [40, 80])
def test_nothing_of_it_stays_above_what_follows(width: int) -> None:
    """Neither None nor 0%."""
    shown = in_terminal(PROGRAM, width=width)
    assert shown.lines == ["Error: something"]
    assert "cross-validating" in shown.raw or width == 40


def test_the_line_is_drawn_only_when_it_differs() -> None:
    """Four hundred steps of a hundred percent are not four hundred lines, and nothing is erased before it is drawn."""
    drawn = in_terminal(PROGRAM).raw.count("\r\x1b[36m")
    assert 10 < drawn <= 110
    assert "\x1b[2K" not in in_terminal(PROGRAM).raw


@pytest.mark.parametrize("environ", [{"TERM": "dumb"}, {"CI": "true"}])
def test_a_terminal_that_draws_no_line_again_gets_one_for_each_stage(environ: dict[str, str]) -> None:
    """As the logs of CI, and the shell of an editor."""
    shown = in_terminal(PROGRAM, environ=environ)
    assert shown.lines == ["0:00 cross-validating", "Error: something"]
    assert "\x1b" not in shown.raw


def test_no_colour_is_no_colour_of_the_line_either() -> None:
    """It is still drawn again."""
    assert "\x1b[36m" not in in_terminal(PROGRAM, environ={"NO_COLOR": "1"}).raw
