import pytest

from leadscoring.training.share import Share


def test_a_part_of_the_work_stays_within_its_share() -> None:
    """From its start to its end, whatever it reports."""
    seen: list[tuple[str, float]] = []
    share = Share(lambda stage, value: seen.append((stage, value)), 0.2, 0.6)
    for done in (-1.0, 0.0, 0.5, 1.0, 7.0):
        share.report("folds", done)
    assert [value for _, value in seen] == pytest.approx([0.2, 0.2, 0.4, 0.6, 0.6])
    assert {stage for stage, _ in seen} == {"folds"}


def test_it_never_goes_back() -> None:
    """Where two fits report at once, the one that is behind changes nothing."""
    seen: list[float] = []
    share = Share(lambda _, value: seen.append(value), 0.0, 1.0)
    for done in (0.5, 0.3, 0.6):
        share.report("trees", done)
    assert seen == [0.5, 0.5, 0.6]


def test_steps_and_rounds_are_counted_within_a_part_of_a_part() -> None:
    """Half of the second half of a share."""
    seen: list[float] = []
    part = Share(lambda _, value: seen.append(value), 0.2, 0.6).of(0.5, 1.0)
    tick = part.ticks("folds", 4)
    tick()
    tick()
    assert seen == pytest.approx([0.45, 0.5])
    part.rounds("trees", 10)(9)
    assert seen[-1] == pytest.approx(0.58)
