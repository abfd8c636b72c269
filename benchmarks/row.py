"""One result of a benchmark: a ratio to a reference of the same run, and its bound."""

from dataclasses import dataclass

HEAD = ["what", "ours", "against", "figure", "bound", "holds"]


@dataclass(frozen=True)
class Row:
    """The name of a measurement, our value, the reference, their ratio (or the value itself), and the bound.

    ``at_most`` makes the bound a maximum; ``aim`` is the target.
    """

    what: str
    ours: str
    reference: str
    figure: float
    bound: float
    at_most: bool = False
    aim: float | None = None

    @property
    def holds(self) -> bool:
        """Whether the result meets its bound."""
        return self.figure <= self.bound if self.at_most else self.figure >= self.bound

    def cells(self) -> list[str]:
        """Returns the result as a row of a table."""
        sign = "at most" if self.at_most else "at least"
        aim = f" (aim {self.aim:g})" if self.aim is not None else ""
        return [
            self.what,
            self.ours,
            self.reference,
            f"{self.figure:.3g}",
            f"{sign} {self.bound:g}{aim}",
            "yes" if self.holds else "**no**",
        ]


def table(rows: list[Row]) -> str:
    """Formats results as a Markdown table that is readable in a terminal, too."""
    cells = [HEAD, *(row.cells() for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = ["| " + " | ".join(map(str.ljust, row, widths)) + " |" for row in cells]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(lines)
