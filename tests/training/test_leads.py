"""Leads whose outcome is known are gathered, and what is kept aside is fair to judge by."""

import numpy as np
import polars as pl
import pytest
from past_leads import leads

from leadscoring.errors import TrainingDataError
from leadscoring.training.leads import (
    ENOUGH_ROWS,
    FEWEST_HELD,
    FEWEST_OF_EACH,
    FEWEST_ROWS,
    HELD_OUT,
    Leads,
    few,
    gather,
    hold_out,
    refuse_few,
)
from leadscoring.training.reading.missing import MissingTokens
from leadscoring.training.reading.table import read_source


def gathered(frame: pl.DataFrame, **options: str) -> Leads:
    """The leads of a frame."""
    return gather(read_source(frame), "won", MissingTokens(), **options)  # type: ignore[arg-type]  # all are names


def outcomes(won: int, lost: int) -> pl.DataFrame:
    """So many leads of each outcome, in turn as far as they go."""
    return pl.DataFrame({"x": range(won + lost), "won": ["yes"] * won + ["no"] * lost})


def test_a_row_without_an_outcome_is_left_out_and_noted() -> None:
    """The others keep their order and their columns."""
    frame = leads(50).with_columns(won=pl.Series([None, "yes", "no", *leads(50)["won"].to_list()[3:]]))
    found = gathered(frame)
    assert (len(found.y), found.frame.height) == (49, 49)
    assert any("1 of 50 rows" in note for note in found.notes)
    assert found.y[:2].tolist() == [1.0, 0.0]
    assert found.named == {"won": "the target"}
    assert found.positive == "yes"


def test_columns_that_are_named_are_no_features() -> None:
    """The time, the identifier and the target, each for its reason."""
    frame = leads(40).with_columns(
        day=pl.Series([f"2026-01-{1 + k % 28:02}" for k in range(40)]), id=pl.Series(range(40))
    )
    found = gathered(frame, time="day", id_column="id")
    assert set(found.named) == {"won", "day", "id"}
    assert found.period == ("2026-01-01", "2026-01-28")
    assert found.time is not None
    assert len(found.time) == 40
    with pytest.raises(TrainingDataError, match="--time and --target both name 'won'"):
        gathered(frame, time="won")


def test_some_of_the_leads_are_taken_by_number_or_by_a_mask() -> None:
    """Everything of a lead goes with it."""
    frame = leads(30).with_columns(day=pl.Series([f"2026-01-{1 + k % 28:02}" for k in range(30)]))
    every = gathered(frame, time="day")
    mask = np.arange(30) % 3 == 0
    by_mask, by_number = every.take(mask), every.take(np.flatnonzero(mask))
    assert by_mask.frame.equals(by_number.frame)
    assert by_mask.y.tolist() == by_number.y.tolist() == every.y[::3].tolist()
    assert by_mask.time is not None
    assert every.time is not None
    assert by_mask.time.tolist() == every.time[::3].tolist()


@pytest.mark.parametrize(
    ("won", "lost", "words"),
    [
        (FEWEST_ROWS // 2 - 1, FEWEST_ROWS // 2, f"{FEWEST_ROWS - 1} rows with an outcome"),
        (FEWEST_OF_EACH - 1, FEWEST_ROWS, f"{FEWEST_OF_EACH - 1} of .* converted"),
        (FEWEST_ROWS, FEWEST_OF_EACH - 1, f"{FEWEST_OF_EACH - 1} of .* did not convert"),
    ],
)
def test_too_few_leads_are_refused(won: int, lost: int, words: str) -> None:
    """Altogether, or of one outcome; with how many are needed."""
    with pytest.raises(TrainingDataError, match=words):
        refuse_few(gathered(outcomes(won, lost)))


def test_just_enough_leads_are_taken() -> None:
    """Of each outcome too."""
    refuse_few(gathered(outcomes(FEWEST_OF_EACH, FEWEST_ROWS - FEWEST_OF_EACH)))


def test_fewer_leads_than_make_a_reliable_model_are_warned_of() -> None:
    """They are taken all the same."""
    assert few(gathered(leads(ENOUGH_ROWS))) == ()
    (words,) = few(gathered(leads(ENOUGH_ROWS - 1)))
    assert f"{ENOUGH_ROWS - 1} rows with an outcome, fewer than {ENOUGH_ROWS}" in words


def test_the_fewest_leads_can_be_held_out_from() -> None:
    """A fifth of them has leads of both outcomes to measure on, and so has the rest."""
    least = gathered(outcomes(FEWEST_OF_EACH, FEWEST_ROWS - FEWEST_OF_EACH))
    for seed in range(20):
        held = hold_out(least, least.frame.drop("won"), seed)
        assert FEWEST_HELD <= least.y[held].sum() <= held.sum() - FEWEST_HELD


def test_a_fifth_is_held_out_with_duplicates_on_one_side() -> None:
    """At random, where nothing says when a lead came."""
    frame = leads(500)
    twice = pl.concat([frame, frame])
    every = gathered(twice)
    held = hold_out(every, every.frame.drop("won"), seed=1)
    assert abs(held.mean() - 1 / HELD_OUT) < 0.03
    assert held[:500].tolist() == held[500:].tolist()
    assert held.tolist() == hold_out(every, every.frame.drop("won"), seed=1).tolist()


def test_over_time_the_latest_are_held_out() -> None:
    """Nothing that is learned comes after them."""
    days = [f"2026-{1 + k % 12:02}-{1 + k % 28:02}" for k in range(500)]
    every = gathered(leads(500).with_columns(day=pl.Series(days)), time="day")
    held = hold_out(every, every.frame, seed=1)
    assert every.time is not None
    assert every.time[held].min() > every.time[~held].max()


def test_a_part_without_both_outcomes_is_refused() -> None:
    """Nothing could be judged on it."""
    frame = outcomes(100, 400).with_columns(day=pl.Series([f"2026-01-01 {k // 60:02}:{k % 60:02}" for k in range(500)]))
    every = gathered(frame, time="day")
    with pytest.raises(TrainingDataError, match="the latest fifth of the leads holds 0 conversions"):
        hold_out(every, every.frame, seed=1)


def test_what_open_leads_have_is_counted() -> None:
    """Column by column, where there are enough of them."""
    frame = leads(300).with_columns(won=pl.Series(["open"] * 100 + leads(300)["won"].to_list()[100:]))
    frame = frame.with_columns(account=pl.Series([None] * 90 + ["a"] * 210))
    found = gathered(frame)
    assert len(found.y) == 200
    assert found.filled_open["account"] == pytest.approx(0.1)
    assert found.filled_open["visits"] == 1.0
    assert gathered(leads(300)).filled_open == {}
