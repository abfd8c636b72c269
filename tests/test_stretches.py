"""Work pauses where it says, and gives its result at the end."""

import pytest

from leadscoring.stretches import Stretches, Work, at_once


def counting(pauses: int, done: list[int]) -> Stretches[str]:
    """Work with so many pauses, which notes how far it has come."""
    for place in range(pauses):
        done.append(place)
        yield
    return "counted"


def test_nothing_is_done_beyond_a_pause_until_somebody_goes_on() -> None:
    """The time between is for whoever shares the processor."""
    done: list[int] = []
    work = Work(counting(3, done))
    seen = [list(done) for _ in work]
    assert seen == [[0], [0, 1], [0, 1, 2]]
    assert work.result == "counted"


@pytest.mark.parametrize("pauses", [0, 1, 5])
def test_at_once_gives_the_same_result_without_a_pause(pauses: int) -> None:
    """Also of work that never pauses."""
    done: list[int] = []
    assert at_once(counting(pauses, done)) == "counted"
    assert len(done) == pauses


def test_work_that_fails_has_no_result() -> None:
    """The failure comes to whoever iterates."""

    def failing() -> Stretches[str]:
        yield
        raise ValueError("failed")

    work = Work(failing())
    with pytest.raises(ValueError, match="failed"):
        list(work)
    assert not hasattr(work, "result")
