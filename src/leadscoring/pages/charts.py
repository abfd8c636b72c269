"""The charts of the report and the console: each is a function of plain numbers.

Everywhere a circle is observed, a diamond or a dashed line is predicted, and a line or band is a 95 % interval.
"""

from collections.abc import Sequence
from html import escape
from typing import NamedTuple

from leadscoring.pages.plot import Plot, Scale, Size, chart, known, log_odds, odds_ticks, percent_ticks, round_top


class Group(NamedTuple):
    """A group of leads: observed rate with its interval, and the mean prediction, if there was one."""

    name: str
    observed: float
    low: float
    high: float
    predicted: float | None = None


class Level(NamedTuple):
    """The effect of a feature at one level, in log-odds: mean, spread, and the share of leads."""

    name: str
    effect: float
    low: float
    high: float
    leads: int


def share(value: float) -> str:
    """Formats a share."""
    return f"{value:.1%}"


def calibration(sentence: str, groups: Sequence[Group]) -> str:
    """Observed against predicted rates, both in log-odds, so that small percentages can be distinguished."""
    values = [bound for one in groups for bound in (one.predicted or 0.0, one.observed) if bound > 0.0]
    least = max(0.0005, min(values, default=0.01) / 2.0)
    most = min(0.9995, 1.0 - (1.0 - max(values, default=0.5)) / 2.0)
    scale = Scale(least, most, log_odds)

    def draw(size: Size) -> Plot:
        ticks = odds_ticks(least, most, size.narrow)
        plot = Plot(size, scale, scale).axes(ticks, odds_ticks(least, most, narrow=False), "predicted")
        plot.line([(least, least), (most, most)], "c-ideal")
        for one in groups:
            plot.whisker(one.predicted or 0.0, one.low, one.high)
        for one in groups:
            plot.dot(
                one.predicted or 0.0,
                one.observed,
                f"predicted {share(one.predicted or 0.0)}, observed {share(one.observed)}",
            )
        plot.text(size.left + 8, size.top + 4, "observed", css="lab")
        return plot

    return chart(sentence, draw)


def gains(
    sentence: str, curve: Sequence[tuple[float, float, float, float]], tiers: Sequence[tuple[float, str]] = ()
) -> str:
    """The share of all conversions among the best leads: (share worked, value, low, high); ``tiers`` end at a share."""
    points = [(0.0, 0.0, 0.0, 0.0), *curve]

    def draw(size: Size) -> Plot:
        step = 0.25 if size.narrow else 0.1
        plot = Plot(size, Scale(0, 1), Scale(0, 1))
        plot.axes(percent_ticks(step), percent_ticks(0.25), "share of the leads worked, best first")
        plot.line([(0, 0), (1, 1)], "c-ideal")
        plot.band([(x, low) for x, _, low, _ in points], [(x, high) for x, _, _, high in points])
        plot.line([(x, value) for x, value, _, _ in points], "c-line")
        start = 0.0
        for end, letter in tiers:
            if end < 1.0:
                plot.upright(end, "c-edge")
            plot.text(plot.across((start + end) / 2), size.top - 7, letter, "middle")
            start = end
        plot.text(plot.across(0.98), plot.down(0.55), "picked by chance", "end")
        return plot

    return chart(sentence, draw)


def over_time(sentence: str, groups: Sequence[Group]) -> str:
    """The conversions of each period: observed as a band with circles, predicted as a dashed line."""
    top, step = round_top(max([*known(one.predicted for one in groups), *(one.high for one in groups)], default=1.0))
    count = len(groups)

    def draw(size: Size) -> Plot:
        plot = Plot(size, Scale(-0.5, count - 0.5), Scale(0, top))
        every = max(1, -(-count // (4 if size.narrow else 8)))
        labels = [(place, one.name) for place, one in enumerate(groups) if place % every == 0]
        plot.axes(labels, percent_ticks(step, top))
        first = next((place for place, one in enumerate(groups) if one.predicted is not None), count)
        if 0 < first < count:
            plot.marks.insert(0, ground(plot, first - 0.5))
            plot.text(plot.across(first - 0.5) + 6, size.top - 6, "held out", css="lab")
        plot.band([(k, one.low) for k, one in enumerate(groups)], [(k, one.high) for k, one in enumerate(groups)])
        plot.line([(k, one.observed) for k, one in enumerate(groups)], "c-line")
        said = [(float(k), one.predicted) for k, one in enumerate(groups) if one.predicted is not None]
        if said:
            plot.line(said, "c-dash")
        for k, one in enumerate(groups):
            plot.dot(k, one.observed, f"{one.name}: {described(one)}")
        return plot

    return chart(sentence, draw, Size(1180, 270, bottom=26), Size(340, 230, bottom=26, narrow=True))


def ground(plot: Plot, start: float) -> str:
    """Returns a shaded ground from a value of x to the right edge."""
    left, size = plot.across(start), plot.size
    return (
        f'<rect class="c-ground" x="{left:.1f}" y="{size.top}" width="{size.end - left:.1f}" '
        f'height="{size.floor - size.top}"/>'
    )


def histogram(sentence: str, edges: Sequence[float], series: Sequence[tuple[str, str, Sequence[float]]]) -> str:
    """Shares of leads by score, for several (class, name, shares)."""
    top, step = round_top(max((max(shares, default=0.0) for _, _, shares in series), default=1.0) or 1.0)

    def draw(size: Size) -> Plot:
        plot = Plot(size, Scale(0, 1), Scale(0, top))
        plot.axes(percent_ticks(0.25 if size.narrow else 0.1), percent_ticks(step, top), "score")
        for number, (css, words, shares) in enumerate(series):
            for place, value in enumerate(shares):
                room = (edges[place + 1] - edges[place]) * 0.9 / len(series)
                left = edges[place] + (edges[place + 1] - edges[place]) * 0.05 + number * room
                hint = f"{edges[place]:.0%} to {edges[place + 1]:.0%}: {share(value)} of those that {words}"
                plot.bar(left, left + room, 0, value, css, hint if value else "")
        return plot

    return chart(sentence, draw)


def effect(sentence: str, levels: Sequence[Level]) -> str:
    """The effect of a feature from its low to its high values, with the spread, and the share of leads under it."""
    low, high = min(0.0, *(one.low for one in levels)), max(0.0, *(one.high for one in levels))
    step = round_top((high - low) or 1.0)[1]
    total = sum(one.leads for one in levels) or 1
    most = max(one.leads for one in levels) / total or 1.0

    def draw(size: Size) -> Plot:
        plot = Plot(size, Scale(-0.5, len(levels) - 0.5), Scale(low, high))
        steps = range(-int(-low // step), int(high // step) + 1)
        ticks = [(k * step, f"{k * step:+g}".replace("-", "\N{MINUS SIGN}") if k else "0") for k in steps]
        every = max(1, -(-len(levels) // 3)) if size.narrow else 1
        named = [(float(k), one.name) for k, one in enumerate(levels) if k % every == 0]
        plot.axes([(place, words) for place, words in named], ticks)
        plot.line([(-0.5, 0.0), (len(levels) - 0.5, 0.0)], "c-zero")
        for k, one in enumerate(levels):
            plot.bar(k - 0.46, k + 0.46, one.low, one.high, "c-band")
        plot.line([(k + side, one.effect) for k, one in enumerate(levels) for side in (-0.46, 0.46)], "c-line")
        for k, one in enumerate(levels):
            height = 26.0 * one.leads / total / most
            left, width = plot.across(k - 0.46), plot.across(k + 0.46) - plot.across(k - 0.46)
            plot.marks.append(
                f'<rect class="c-spread" x="{left:.1f}" y="{size.height - height:.1f}" width="{width:.1f}" '
                f'height="{height:.1f}"><title>{one.leads:,} leads</title></rect>'
            )
        return plot

    return chart(sentence, draw, Size(580, 240, top=10, bottom=58), Size(340, 220, top=10, bottom=58, narrow=True))


def small_effect(sentence: str, levels: Sequence[Level], most: float) -> str:
    """The effects of a feature in a table's cell; all rows of a table have the same scale, up to ``most``."""
    places = [48.0] if len(levels) == 1 else [2 + 92 * k / (len(levels) - 1) for k in range(len(levels))]
    heights = [13 - 11 * max(-1.0, min(1.0, one.effect / (most or 1.0))) for one in levels]
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in zip(places, heights, strict=True))
    return (
        f'<svg class="effect" viewBox="0 0 96 26" role="img" aria-label="{escape(sentence)}">'
        f'<line class="c-grid" x1="0" x2="96" y1="13" y2="13"/><path class="c-line" d="M{path}"/></svg>'
    )


def dots(group: Group, scale: Scale) -> str:
    """One group in a table's cell: circle observed, diamond predicted, line 95 %; the same scale in all rows."""
    low, high, at = (100 * scale.at(value) for value in (group.low, group.high, group.observed))
    said = ""
    if group.predicted is not None:
        at_said = f'x="{100 * scale.at(group.predicted):.1f}%" overflow="visible"'
        said = f'<svg {at_said}><path class="c-said" d="M0,5 4.5,12 0,19 -4.5,12Z"/></svg>'
    return (
        f'<svg class="dots" height="24" role="img" aria-label="{escape(described(group))}">'
        f'<line class="c-grid" x1="0" x2="100%" y1="12" y2="12"/>'
        f'<line class="c-whisk" x1="{low:.1f}%" x2="{high:.1f}%" y1="12" y2="12"/>'
        f'<circle class="c-dot" cx="{at:.1f}%" cy="12" r="4.5"/>{said}</svg>'
    )


def difference(sentence: str, value: float, low: float, high: float, most: float) -> str:
    """A difference with its interval in a table's cell, around zero in the middle."""
    scale = Scale(-most, most)
    left, right, at = (100 * scale.at(one) for one in (low, high, value))
    return (
        f'<svg class="dots" height="24" role="img" aria-label="{escape(sentence)}">'
        '<line class="c-grid" x1="0" x2="100%" y1="12" y2="12"/><line class="c-zero" x1="50%" x2="50%" y1="2" y2="22"/>'
        f'<line class="c-whisk" x1="{left:.1f}%" x2="{right:.1f}%" y1="12" y2="12"/>'
        f'<circle class="c-dot" cx="{at:.1f}%" cy="12" r="4.5"/></svg>'
    )


def bar(part: float) -> str:
    """A bar in a table's cell, ``part`` of the longest."""
    width = max(1.0, 92 * min(1.0, part))
    return (
        f'<svg class="bar" viewBox="0 0 92 8" aria-hidden="true"><rect class="c-bar" width="{width:.1f}" height="8" '
        'rx="2"/></svg>'
    )


def described(group: Group) -> str:
    """Describes a group in words."""
    said = "" if group.predicted is None else f"predicted {share(group.predicted)}, "
    return f"{said}observed {share(group.observed)}, 95%: {share(group.low)} to {share(group.high)}"


def key(mark: str, words: str) -> str:
    """One line of a legend: a mark of 20 by 12, and what it stands for."""
    return f'<li><svg viewBox="0 0 20 12" aria-hidden="true">{mark}</svg>{escape(words)}</li>'


def legend(*keys: str) -> str:
    """A legend."""
    return f'<ul class="legend">{"".join(keys)}</ul>'


WHISKER, CIRCLE = (
    '<line class="c-whisk" x1="0" x2="20" y1="6" y2="6"/>',
    '<circle class="c-dot" cx="10" cy="6" r="4.5"/>',
)
OBSERVED = key(WHISKER + CIRCLE, "observed, with 95% interval")
BAND = key('<rect class="c-band" width="20" height="12"/>' + CIRCLE, "observed, with 95% interval")
DIAMOND = key('<path class="c-said" d="M10,0 14,6 10,12 6,6Z"/>', "predicted")
DASHED = key('<path class="c-dash" d="M0,6 20,6"/>', "predicted")
WON = key('<rect class="c-bar" x="4" width="12" height="12" rx="2"/>', "converted")
LOST = key('<rect class="c-soft" x="4" width="12" height="12" rx="2"/>', "did not convert")

OBSERVED_LEGEND, LEGEND = legend(OBSERVED), legend(OBSERVED, DIAMOND)
TIME_LEGEND, SCORE_LEGEND = legend(BAND, DASHED), legend(WON, LOST)
