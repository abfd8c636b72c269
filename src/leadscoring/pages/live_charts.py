"""The charts of live quality: weeks of scores, evidence by day, a figure by month. Functions of plain numbers."""

import math
from collections.abc import Sequence
from typing import NamedTuple

from leadscoring.pages.charts import BAND, DASHED, ground, key, legend, share
from leadscoring.pages.plot import Plot, Scale, Size, chart, percent_ticks, round_top


class WeekMark(NamedTuple):
    """The leads of one week: predicted, observed so far with its interval, and expected in the end if it is young."""

    name: str
    predicted: float
    observed: float
    low: float
    high: float
    mature: bool
    in_the_end: float | None


class DayMark(NamedTuple):
    """The evidence at the end of one day."""

    name: str
    evidence: float


class MonthMark(NamedTuple):
    """A figure of one month with its interval."""

    name: str
    value: float
    low: float
    high: float


SO_FAR = key('<rect class="c-soft" x="4" width="12" height="12" rx="2"/>', "so far")
IN_THE_END = key('<path class="c-said" d="M10,0 14,6 10,12 6,6Z"/>', "to expect in the end")
WEEK_LEGEND = legend(BAND, DASHED, SO_FAR, IN_THE_END)

WAITING = 150
"""The width that the words above young weeks need, with a reserve."""

WIDE, NARROW = Size(1180, 290), Size(340, 240, narrow=True)
HALF_WIDE, HALF_NARROW = Size(560, 230, bottom=28), Size(340, 210, bottom=28, narrow=True)
LEAST, MOST = 0.01, 1e6
"""The ends of the axis of evidence; what lies beyond is drawn there."""


def weeks(sentence: str, marks: Sequence[WeekMark]) -> str:
    """Predicted and observed by week; young weeks, on a shaded ground, as what came so far and is still to expect."""
    values = [value for one in marks for value in (one.predicted, one.high if one.mature else one.in_the_end or 0.0)]
    top, step = round_top(max(values, default=1.0) or 1.0)
    count = len(marks)

    def draw(size: Size) -> Plot:
        plot = Plot(size, Scale(-0.5, count - 0.5), Scale(0, top))
        plot.axes(labels(size, [one.name for one in marks]), percent_ticks(step, top), "week of the score")
        ripe = [(float(k), one) for k, one in enumerate(marks) if one.mature]
        young = [(float(k), one) for k, one in enumerate(marks) if not one.mature]
        if young:
            plot.marks.insert(0, ground(plot, young[0][0] - 0.5))
            waiting(plot, plot.across(young[0][0] - 0.5) + 6)
        if ripe:
            plot.band([(k, one.low) for k, one in ripe], [(k, one.high) for k, one in ripe])
        for k, one in young:
            plot.bar(k - 0.3, k + 0.3, 0.0, one.observed, "c-soft", f"{one.name}: {share(one.observed)} so far")
        plot.line([(float(k), one.predicted) for k, one in enumerate(marks)], "c-dash")
        for k, one in ripe:
            plot.dot(k, one.observed, f"{one.name}: predicted {share(one.predicted)}, observed {share(one.observed)}")
        for k, one in young:
            if one.in_the_end is not None:
                diamond(plot, k, one.in_the_end)
        return plot

    return chart(sentence, draw, WIDE, NARROW)


def waiting(plot: Plot, left: float) -> None:
    """Says above young weeks what is missing, ending with the plot where there are few of them."""
    words, top = "still waiting for outcomes", plot.size.top - 6
    if left + WAITING > plot.size.end:
        plot.text(plot.size.end, top, words, "end", "lab")
    else:
        plot.text(left, top, words, css="lab")


def diamond(plot: Plot, x: float, y: float) -> None:
    """Adds a diamond, which is something expected."""
    left, top = plot.across(x), plot.down(y)
    plot.marks.append(
        f'<path class="c-said" d="M{left - 4.5:.1f},{top:.1f} {left:.1f},{top - 5.5:.1f} {left + 4.5:.1f},{top:.1f} '
        f'{left:.1f},{top + 5.5:.1f}Z"><title>to expect in the end: {share(y)}</title></path>'
    )


def evidence(sentence: str, marks: Sequence[DayMark], alarm: float) -> str:
    """The evidence by day in powers of ten, with the line of the alarm."""
    top = min(MOST, max(10.0 * alarm, *(one.evidence for one in marks))) if marks else 10.0 * alarm
    scale = Scale(LEAST, top, math.log10)

    def draw(size: Size) -> Plot:
        plot = Plot(size, Scale(0, max(1, len(marks) - 1)), scale)
        ticks = [(10.0**power, f"{10.0**power:,.{max(0, -power)}f}") for power in range(-2, round(math.log10(top)) + 1)]
        plot.axes(labels(size, [one.name for one in marks], 3), ticks)
        plot.line([(0, alarm), (max(1, len(marks) - 1), alarm)], "c-dash")
        plot.text(size.left + 6, plot.down(alarm) - 5, "alarm", css="lab")
        if marks:
            plot.line([(float(k), max(LEAST, one.evidence)) for k, one in enumerate(marks)], "c-line")
        return plot

    return chart(sentence, draw, HALF_WIDE, HALF_NARROW)


def by_month(sentence: str, marks: Sequence[MonthMark], compared: float | None, words: str) -> str:
    """A figure by month with its interval; a dashed line is what it is compared with."""
    every = [value for one in marks for value in (one.low, one.high)] + ([] if compared is None else [compared])
    low, high = math.floor(min(every) * 20.0) / 20.0, math.ceil(max(every) * 20.0) / 20.0
    step = 0.05 if high - low <= 0.31 else 0.1

    def draw(size: Size) -> Plot:
        plot = Plot(size, Scale(-0.5, len(marks) - 0.5), Scale(low, high))
        ticks = [(low + k * step, f"{low + k * step:.2f}") for k in range(round((high - low) / step) + 1)]
        plot.axes(labels(size, [one.name for one in marks]), ticks)
        if compared is not None:
            plot.line([(-0.5, compared), (len(marks) - 0.5, compared)], "c-dash")
            plot.text(size.end, size.top - 6, words, "end", "lab")
        for k, one in enumerate(marks):
            plot.whisker(k, one.low, one.high)
        for k, one in enumerate(marks):
            plot.dot(k, one.value, f"{one.name}: {one.value:.3f}, 95%: {one.low:.3f} to {one.high:.3f}")
        return plot

    return chart(sentence, draw, HALF_WIDE, HALF_NARROW)


def delays(sentence: str, shares: Sequence[float]) -> str:
    """The share of eventual conversions by age in days."""

    def draw(size: Size) -> Plot:
        last = max(1, len(shares) - 1)
        plot = Plot(size, Scale(0, last), Scale(0, 1))
        step = max(1, round(last / 6))
        plot.axes([(age, str(age)) for age in range(0, last + 1, step)], percent_ticks(0.25), "days after the score")
        plot.line([(float(age), value) for age, value in enumerate(shares)], "c-line")
        return plot

    wide, narrow = Size(560, 230, bottom=40), Size(340, 210, bottom=40, narrow=True)
    return chart(sentence, draw, wide, narrow)


def labels(size: Size, names: Sequence[str], most: int = 8) -> list[tuple[float, str]]:
    """Returns names of places as ticks, as many as there is room for."""
    every = max(1, -(-len(names) // (min(most, 4) if size.narrow else most)))
    return [(float(place), name) for place, name in enumerate(names) if place % every == 0]
