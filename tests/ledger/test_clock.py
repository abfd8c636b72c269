"""A jump of the clock is noticed, and the clock is not trusted for a day."""

import pytest

from leadscoring.ledger import clock
from leadscoring.ledger.clock import JUMP_SECONDS, PAUSE_SECONDS, Clock


class Times:
    """Both clocks of a machine, which go on together until the one on the wall is set."""

    def __init__(self) -> None:
        self.steady, self.ahead = 1000.0, 1.7e9

    def time(self) -> float:
        """The wall clock."""
        return self.steady + self.ahead

    def monotonic(self) -> float:
        """The steady clock."""
        return self.steady


@pytest.mark.parametrize("jump", [JUMP_SECONDS + 1, -JUMP_SECONDS - 100, 3e9])
def test_a_jump_is_noticed_once_and_not_trusted_for_a_day(jump: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """In both directions; time that passes is no jump, nor is a clock that is set right by a little."""
    times = Times()
    monkeypatch.setattr(clock, "time", times)
    one = Clock()
    times.steady += 1e6
    times.ahead += 60
    assert (one.jumped(), one.trusted) == (0, True)
    times.ahead += jump
    assert one.jumped() == pytest.approx(jump + 60)
    assert (one.jumped(), one.trusted) == (0, False)
    times.steady += PAUSE_SECONDS
    assert one.trusted
