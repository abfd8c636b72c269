"""A picture is one SVG that holds its marks where the data are."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadscoring.training.report.plots import BOTTOM, HEIGHT, LEFT, RIGHT, TOP, WIDTH, Plot, percents, round_top


@pytest.mark.parametrize("value", [1e-6, 0.03, 0.21, 1.0, 2.4, 9.9, 130.0])
def test_axes_end_at_a_round_number_above(value: float) -> None:
    """An axis holds its value, wastes less than two thirds, and has few ticks."""
    top, step = round_top(value)
    assert value <= top * (1 + 1e-9) <= 3.5 * value
    assert 1 <= round(top / step) <= 6


@given(x=st.floats(-2, 3), y=st.floats(0, 10))
def test_every_point_within_the_axes_lies_within_the_picture(x: float, y: float) -> None:
    """More to the right and higher up, the more it is."""
    plot = Plot("a", (-2, 3), (0, 10), "x", "y")
    assert LEFT <= plot.across(x) <= WIDTH - RIGHT
    assert TOP <= plot.down(y) <= HEIGHT - BOTTOM
    assert plot.across(x) <= plot.across(3)
    assert plot.down(y) >= plot.down(10)


def test_each_mark_is_drawn_once_and_what_it_says_is_escaped() -> None:
    """Labels, hints and the title are texts, whatever stands in them."""
    plot = Plot("<title>", (0, 1), (0, 1), "<x>", "<y>").axes(percents(0.5), [(0.5, "<half>")])
    plot.line([(0, 0), (1, 1)], "main").bar(0, 0.5, 0, 1, "fill", "<bar>").bar(0.5, 1, 0, 1, "fill")
    plot.whisker(0.5, 0.2, 0.8).dot(0.5, 0.5, "<dot>")
    text = plot.svg()
    counts = {tag: len(re.findall(f"<{tag}[ >]", text)) for tag in ("svg", "polyline", "rect", "circle", "title")}
    assert counts == {"svg": 1, "polyline": 1, "rect": 2, "circle": 1, "title": 2}
    for words in ("title", "x", "y", "half", "bar", "dot"):
        assert f"&lt;{words}&gt;" in text


def test_ticks_go_from_nothing_to_the_end() -> None:
    """As percentages."""
    assert percents(0.25) == [(0, "0%"), (0.25, "25%"), (0.5, "50%"), (0.75, "75%"), (1, "100%")]
    assert [text for _, text in percents(0.1, 0.2)] == ["0%", "10%", "20%"]
