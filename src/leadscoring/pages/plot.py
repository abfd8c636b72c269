"""One plot as inline SVG: scales, axes and marks. Rendered for wide and for narrow screens, of which CSS shows one."""

import math
from collections.abc import Callable, Iterable, Sequence
from html import escape
from typing import NamedTuple

Pairs = Sequence[tuple[float, float]]
Ticks = Sequence[tuple[float, str]]


class Size(NamedTuple):
    """The size of a plot, and the room around its area."""

    width: int
    height: int
    left: int = 46
    right: int = 14
    top: int = 20
    bottom: int = 40
    narrow: bool = False

    @property
    def floor(self) -> int:
        """The lower edge of the area."""
        return self.height - self.bottom

    @property
    def end(self) -> int:
        """The right edge of the area."""
        return self.width - self.right


FEW_ODDS = (0.0001, 0.001, 0.01, 0.1, 0.3, 0.6, 0.9, 0.99)
SMALL_ODDS = (0.0001, 0.0003, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2)
ODDS = (*SMALL_ODDS, 0.4, 0.6, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.999)

WIDE = Size(580, 320)
NARROW = Size(340, 260, narrow=True)


class Scale(NamedTuple):
    """Maps values from ``low`` to ``high`` to 0..1; ``shape`` is applied first."""

    low: float
    high: float
    shape: Callable[[float], float] = float

    def at(self, value: float) -> float:
        """Returns the place of a value, held within 0..1."""
        low, high = self.shape(self.low), self.shape(self.high)
        return min(1.0, max(0.0, (self.shape(value) - low) / (high - low or 1.0)))


def log_odds(share: float) -> float:
    """Returns the log-odds of a share, which is held within what a float can tell from 0 and 1."""
    share = min(1.0 - 1e-6, max(1e-6, share))
    return math.log(share / (1.0 - share))


class Plot:
    """Marks in data coordinates, collected as SVG."""

    def __init__(self, size: Size, x: Scale, y: Scale) -> None:
        self.size, self.x, self.y = size, x, y
        self.marks: list[str] = []

    def across(self, value: float) -> float:
        """Returns the horizontal place of a value of x."""
        return self.size.left + (self.size.end - self.size.left) * self.x.at(value)

    def down(self, value: float) -> float:
        """Returns the vertical place of a value of y."""
        return self.size.floor - (self.size.floor - self.size.top) * self.y.at(value)

    def axes(self, x_ticks: Ticks, y_ticks: Ticks, x_label: str = "") -> "Plot":
        """Adds grid lines, their labels and the label of x."""
        size = self.size
        for value, words in y_ticks:
            at = self.down(value)
            self.marks.append(f'<line class="c-grid" x1="{size.left}" x2="{size.end}" y1="{at:.1f}" y2="{at:.1f}"/>')
            self.text(size.left - 7, at + 4, words, "end")
        for value, words in x_ticks:
            self.text(self.across(value), size.floor + 16, words, "middle")
        self.marks.append(
            f'<line class="c-axis" x1="{size.left}" x2="{size.end}" y1="{size.floor}" y2="{size.floor}"/>'
        )
        if x_label:
            self.text((size.left + size.end) / 2, size.height - 6, x_label, "middle", "lab")
        return self

    def text(self, x: float, y: float, words: str, anchor: str = "start", css: str = "") -> None:
        """Adds a text at a place in the SVG."""
        mark = f' class="{css}"' if css else ""
        self.marks.append(f'<text{mark} x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(words)}</text>')

    def line(self, points: Pairs, css: str) -> None:
        """Adds a line through points."""
        self.marks.append(f'<path class="{css}" d="M{self.path(points)}"/>')

    def band(self, low: Pairs, high: Pairs, css: str = "c-band") -> None:
        """Adds the area between two lines."""
        self.marks.append(f'<path class="{css}" d="M{self.path(low)} L{self.path([*reversed(high)])}Z"/>')

    def path(self, points: Pairs) -> str:
        """Returns points as coordinates."""
        return " ".join(f"{self.across(x):.1f},{self.down(y):.1f}" for x, y in points)

    def bar(self, left: float, right: float, low: float, high: float, css: str, hint: str = "") -> None:
        """Adds a box."""
        x, y = self.across(left), self.down(high)
        width, height = self.across(right) - x, self.down(low) - y
        self.marks.append(
            f'<rect class="{css}" x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}">{tip(hint)}</rect>'
        )

    def whisker(self, x: float, low: float, high: float) -> None:
        """Adds a 95 % interval."""
        at = self.across(x)
        self.marks.append(
            f'<line class="c-whisk" x1="{at:.1f}" x2="{at:.1f}" y1="{self.down(low):.1f}" y2="{self.down(high):.1f}"/>'
        )

    def dot(self, x: float, y: float, hint: str = "") -> None:
        """Adds a circle, which is something observed."""
        self.marks.append(
            f'<circle class="c-dot" cx="{self.across(x):.1f}" cy="{self.down(y):.1f}" r="4.5">{tip(hint)}</circle>'
        )

    def upright(self, x: float, css: str) -> None:
        """Adds a line from the floor to the top."""
        at = self.across(x)
        self.marks.append(
            f'<line class="{css}" x1="{at:.1f}" x2="{at:.1f}" y1="{self.size.top}" y2="{self.size.floor}"/>'
        )


def tip(hint: str) -> str:
    """Returns what a mark says when it is pointed at."""
    return f"<title>{escape(hint)}</title>" if hint else ""


def chart(sentence: str, draw: Callable[[Size], Plot], wide: Size = WIDE, narrow: Size = NARROW) -> str:
    """Returns a chart for both widths; ``sentence`` says what it shows to those who do not see it."""
    return "".join(
        f'<svg class="chart {css}" width="{size.width}" height="{size.height}" viewBox="0 0 {size.width} {size.height}"'
        f' role="img" aria-label="{escape(sentence)}">{"".join(draw(size).marks)}</svg>'
        for size, css in ((wide, "only-wide"), (narrow, "only-narrow"))
    )


def percent_ticks(step: float, top: float = 1.0) -> list[tuple[float, str]]:
    """Returns ticks from 0 to ``top`` as percentages."""
    return [(k * step, f"{k * step * 100:g}%") for k in range(round(top / step) + 1)]


def odds_ticks(low: float, high: float, narrow: bool) -> list[tuple[float, str]]:
    """Returns ticks of an axis in log-odds: the round percentages within it, fewer on a narrow screen."""
    return [(share, f"{share * 100:g}%") for share in (FEW_ODDS if narrow else ODDS) if low <= share <= high]


def round_top(value: float) -> tuple[float, float]:
    """Returns the upper end of an axis that includes ``value``, and its tick step: 1, 2 or 5 times a power of ten."""
    power = 10.0**-12
    while power * 50 < value:
        power *= 10
    step = next(power * factor for factor in (1, 2, 5, 10, 20, 50) if power * factor * 5 >= value)
    return step * max(1, -int(-value // step)), step


def known(values: Iterable[float | None]) -> list[float]:
    """Returns the values that are numbers."""
    return [value for value in values if value is not None]
