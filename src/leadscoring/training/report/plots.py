"""Small plots as inline SVG: lines, bars, points with intervals. Without scripts, URLs or embedded fonts."""

from collections.abc import Sequence
from html import escape

WIDTH, HEIGHT = 520, 300
LEFT, RIGHT, TOP, BOTTOM = 56, 22, 14, 46

Pairs = Sequence[tuple[float, float]]


class Plot:
    """One plot with two axes; marks are added in data coordinates, ``svg`` renders it."""

    def __init__(self, title: str, x: tuple[float, float], y: tuple[float, float], x_label: str, y_label: str) -> None:
        self.title, self.x, self.y = title, x, y
        self.marks: list[str] = []
        self.labels = (x_label, y_label)

    def across(self, value: float) -> float:
        """Converts a value of x to a horizontal position in the SVG."""
        low, high = self.x
        return LEFT + (WIDTH - LEFT - RIGHT) * (value - low) / (high - low)

    def down(self, value: float) -> float:
        """Converts a value of y to a vertical position in the SVG."""
        low, high = self.y
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * (value - low) / (high - low)

    def axes(self, x_ticks: Sequence[tuple[float, str]], y_ticks: Sequence[tuple[float, str]]) -> "Plot":
        """Adds grid lines and their labels."""
        for value, text in y_ticks:
            at = self.down(value)
            self.marks.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{at:.1f}" y2="{at:.1f}"/>')
            self.marks.append(f'<text x="{LEFT - 7}" y="{at + 4:.1f}" text-anchor="end">{escape(text)}</text>')
        under = HEIGHT - BOTTOM + 17
        for value, text in x_ticks:
            at = self.across(value)
            self.marks.append(f'<text x="{at:.1f}" y="{under}" text-anchor="middle">{escape(text)}</text>')
        return self

    def line(self, points: Pairs, css: str) -> "Plot":
        """Adds a polyline."""
        path = " ".join(f"{self.across(x):.1f},{self.down(y):.1f}" for x, y in points)
        self.marks.append(f'<polyline class="{css}" points="{path}"/>')
        return self

    def bar(self, left: float, right: float, low: float, high: float, css: str, hint: str = "") -> "Plot":
        """Adds a filled box from ``low`` to ``high``."""
        x, width = self.across(left), self.across(right) - self.across(left)
        y, height = self.down(high), self.down(low) - self.down(high)
        tip = f"<title>{escape(hint)}</title>" if hint else ""
        self.marks.append(
            f'<rect class="{css}" x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}">{tip}</rect>'
        )
        return self

    def whisker(self, x: float, low: float, high: float) -> "Plot":
        """Adds an interval."""
        at, top, bottom = self.across(x), self.down(high), self.down(low)
        self.marks.append(f'<line class="whisker" x1="{at:.1f}" x2="{at:.1f}" y1="{top:.1f}" y2="{bottom:.1f}"/>')
        return self

    def dot(self, x: float, y: float, hint: str) -> "Plot":
        """Adds a point."""
        self.marks.append(
            f'<circle class="dot" cx="{self.across(x):.1f}" cy="{self.down(y):.1f}" r="4">'
            f"<title>{escape(hint)}</title></circle>"
        )
        return self

    def svg(self) -> str:
        """Renders the plot as an SVG element."""
        middle_x, middle_y = (LEFT + WIDTH - RIGHT) / 2, (TOP + HEIGHT - BOTTOM) / 2
        x_label, y_label = map(escape, self.labels)
        bottom = HEIGHT - BOTTOM
        return (
            f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(self.title)}">'
            + "".join(self.marks)
            + f'<line class="axis" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{bottom}" y2="{bottom}"/>'
            + f'<text class="label" x="{middle_x}" y="{HEIGHT - 8}" text-anchor="middle">{x_label}</text>'
            + f'<text class="label" text-anchor="middle" transform="translate(13 {middle_y}) rotate(-90)">'
            + f"{y_label}</text>"
            + "</svg>"
        )


def percents(step: float, top: float = 1.0) -> list[tuple[float, str]]:
    """Returns ticks from 0 to ``top``, as percentages."""
    count = round(top / step)
    return [(k * step, f"{k * step:.0%}") for k in range(count + 1)]


def round_top(value: float) -> tuple[float, float]:
    """Returns the upper end of an axis that includes ``value``, and its tick step: 1, 2 or 5 times a power of ten."""
    power = 10.0**-12
    while power * 50 < value:
        power *= 10
    step = next(power * factor for factor in (1, 2, 5, 10, 20, 50) if power * factor * 5 >= value)
    count = max(1, -int(-value // step))
    return step * count, step
