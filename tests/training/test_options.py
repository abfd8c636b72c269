"""The options of training."""

from leadscoring.training.options import TrainOptions


def test_the_dates_by_which_outcomes_are_judged_follow_from_the_options() -> None:
    """``--within 2w`` is 14 days; columns that are not named are empty."""
    dated = TrainOptions(target="won", won_date="Closed", within="2w").dated
    assert (dated.won, dated.lost, dated.within, dated.as_of) == ("Closed", "", 14, "")
