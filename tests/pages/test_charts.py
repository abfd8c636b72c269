"""Each chart is a function of plain numbers that marks what was observed and what was predicted."""

import re

import pytest

from leadscoring.pages import charts
from leadscoring.pages.charts import Group, Level
from leadscoring.pages.plot import Scale

GROUPS = [Group("Jan 2025", 0.02, 0.01, 0.04, None), Group("Feb 2025", 0.5, 0.4, 0.6, 0.45)]
LEVELS = [Level("0", -0.5, -0.7, -0.2, 30), Level("1", 0.1, 0.0, 0.2, 60), Level("2", 0.9, 0.5, 1.2, 10)]

DRAWN = {
    "calibration": charts.calibration("says", [one._replace(predicted=one.predicted or 0.03) for one in GROUPS]),
    "gains": charts.gains("says", [(0.1, 0.4, 0.3, 0.5), (1.0, 1.0, 1.0, 1.0)], [(0.1, "A"), (1.0, "B")]),
    "over_time": charts.over_time("says", GROUPS),
    "histogram": charts.histogram("says", [0.0, 0.5, 1.0], [("c-bar", "won", [0.9, 0.1])]),
    "effect": charts.effect("says", LEVELS),
}


@pytest.mark.parametrize("name", DRAWN)
def test_a_chart_is_marked_by_classes_alone(name: str) -> None:
    """So that the console's policy, which forbids styles in the page, can hold; numbers are finite."""
    text = DRAWN[name]
    assert text.count('<svg class="chart') == 2
    assert not re.search(r"style=|nan|inf\b|https?:", text)
    assert text.count('aria-label="says"') == 2


@pytest.mark.parametrize(
    ("groups"),
    [[Group("", 0.0, 0.0, 0.3, 0.0)], [Group("", 1.0, 0.7, 1.0, 1.0)], [Group("", 0.3, 0.2, 0.4, 0.3)] * 2, []],
)
def test_calibration_is_drawn_at_the_ends_too(groups: list[Group]) -> None:
    """Where log-odds are infinite."""
    assert "nan" not in charts.calibration("says", groups)
    assert charts.calibration("says", groups).count("c-dot") == 2 * len(groups)


def test_periods_before_the_held_out_ones_have_no_prediction() -> None:
    """And the ground of the others is shaded."""
    assert DRAWN["over_time"].count("held out") == 2
    assert "c-dash" in DRAWN["over_time"]
    assert "c-dash" not in charts.over_time("says", GROUPS[:1])


def test_marks_in_cells_share_a_scale() -> None:
    """A circle is observed, a diamond predicted; without a prediction there is none."""
    scale = Scale(0.0, 0.5)
    assert 'cx="100.0%"' in charts.dots(GROUPS[1], scale)
    assert "c-said" in charts.dots(GROUPS[1], scale)
    assert "c-said" not in charts.dots(GROUPS[0], scale)
    assert "observed 50.0%, 95%: 40.0% to 60.0%" in charts.dots(GROUPS[1], scale)
    assert 'cx="75.0%"' in charts.difference("says", 0.5, 0.2, 0.9, 1.0)
    assert 'width="46.0"' in charts.bar(0.5)
    assert charts.small_effect("says", LEVELS, 1.0).count(",") == 3
    assert charts.small_effect("says", LEVELS[:1], 0.0).count("c-line") == 1


def test_a_legend_names_what_is_drawn() -> None:
    """In words."""
    assert re.findall(r"</svg>([^<]+)", charts.LEGEND) == ["observed, with 95% interval", "predicted"]
    assert all("predicted" in one for one in (charts.LEGEND, charts.TIME_LEGEND))
    assert "predicted" not in charts.OBSERVED_LEGEND + charts.SCORE_LEGEND
