"""The charts of live quality draw what they are given, for both widths."""

from leadscoring.pages.live_charts import DayMark, MonthMark, WeekMark, by_month, delays, evidence, weeks


def test_young_weeks_stand_on_a_shaded_ground() -> None:
    """As bars and diamonds; mature ones are circles within a band."""
    marks = [WeekMark("1 Jan", 0.1, 0.11, 0.05, 0.2, True, None), WeekMark("8 Jan", 0.1, 0.04, 0.02, 0.1, False, 0.09)]
    svg = weeks("Two weeks", marks)
    assert svg.count("c-ground") == svg.count('class="c-soft"') == svg.count("to expect in the end") == 2
    assert svg.count("c-dot") == 2
    assert "c-ground" not in weeks("One week", marks[:1])


def test_evidence_beyond_the_axis_is_drawn_at_its_end() -> None:
    """Neither 0 nor a huge value leaves the chart."""
    svg = evidence("Evidence", [DayMark("1 Jan", 0.0), DayMark("2 Jan", 1e300)], 100.0)
    assert "1,000,000" in svg
    assert "nan" not in svg
    assert "inf" not in svg
    assert evidence("None", [], 100.0).count("<svg") == 2


def test_a_figure_by_month_is_compared() -> None:
    """With a dashed line, if there is anything to compare with."""
    marks = [MonthMark("2026-01", 0.9, 0.88, 0.92)]
    assert "in training 0.880" in by_month("AUC", marks, 0.88, "in training 0.880")
    assert "c-dash" not in by_month("AUC", marks, None, "")


def test_delays_reach_all() -> None:
    """From the score to the last age."""
    assert delays("Delays", [0.1, 0.6, 1.0]).count("c-line") == 2
