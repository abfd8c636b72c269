"""A plot holds its marks where the data are, for wide and narrow screens alike."""

import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadscoring.pages.plot import (
    NARROW,
    WIDE,
    Plot,
    Scale,
    Size,
    chart,
    known,
    log_odds,
    odds_ticks,
    percent_ticks,
    round_top,
)


@pytest.mark.parametrize("value", [1e-6, 0.03, 0.21, 1.0, 2.4, 9.9, 130.0])
def test_axes_end_at_a_round_number_above(value: float) -> None:
    """An axis holds its value, wastes less than two thirds, and has few ticks."""
    top, step = round_top(value)
    assert value <= top * (1 + 1e-9)
    assert top <= value * 3
    assert 1 <= round(top / step) <= 10


@given(st.floats(-1e9, 1e9), st.floats(0.001, 0.4), st.floats(0.6, 0.999))
def test_marks_stay_within_their_area(value: float, low: float, high: float) -> None:
    """Whatever the value is; the ends of the scale are its corners."""
    for size in (WIDE, NARROW):
        plot = Plot(size, Scale(low, high), Scale(low, high, log_odds))
        assert size.left <= plot.across(value) <= size.end
        assert size.top <= plot.down(min(1.0, max(0.0, value))) <= size.floor
        assert (plot.across(low), plot.across(high)) == (size.left, size.end)
        assert (plot.down(low), plot.down(high)) == (size.floor, size.top)


@given(st.floats(0.0, 1.0))
def test_log_odds_are_finite_and_rise(share: float) -> None:
    """At 0 and 1 too."""
    assert math.isfinite(log_odds(share))
    assert log_odds(share) <= log_odds(min(1.0, share + 0.01))


def test_a_scale_without_width_does_not_divide_by_nothing() -> None:
    """Of data that are all equal."""
    assert Scale(0.5, 0.5).at(0.5) == 0.0


def test_ticks_are_round_and_fewer_on_a_narrow_screen() -> None:
    """And no more than what lies on the axis."""
    assert percent_ticks(0.25) == [(0.0, "0%"), (0.25, "25%"), (0.5, "50%"), (0.75, "75%"), (1.0, "100%")]
    wide, narrow = (odds_ticks(0.004, 0.85, narrow) for narrow in (False, True))
    assert [words for _, words in wide] == ["0.5%", "1%", "2%", "5%", "10%", "20%", "40%", "60%", "80%"]
    assert len(narrow) < len(wide)


def test_a_chart_is_drawn_twice_and_says_what_it_shows() -> None:
    """Of which the stylesheet shows one; without scripts, styles or addresses."""

    def draw(size: Size) -> Plot:
        plot = Plot(size, Scale(0, 1), Scale(0, 1)).axes([(0.5, "<half>")], [(1.0, "1")], "share")
        plot.line([(0, 0), (1, 1)], "c-line")
        plot.band([(0, 0), (1, 0)], [(0, 1), (1, 1)])
        plot.bar(0, 1, 0, 1, "c-bar", "a <hint>")
        plot.whisker(0.5, 0, 1)
        plot.dot(0.5, 0.5)
        plot.upright(0.5, "c-edge")
        return plot

    text = chart('a "rising" line', draw)
    assert text.count("<svg") == text.count('role="img" aria-label="a &quot;rising&quot; line"') == 2
    assert [int(width) for width in re.findall(r'<svg class="chart only-\w+" width="(\d+)"', text)] == [580, 340]
    assert "<half>" not in text
    assert "<title>a &lt;hint&gt;</title>" in text
    assert not re.search(r"style=|script|https?:|onload", text)


def test_numbers_that_are_absent_are_left_out() -> None:
    """Such as a prediction that was not made."""
    assert known([1.0, None, 0.0]) == [1.0, 0.0]
