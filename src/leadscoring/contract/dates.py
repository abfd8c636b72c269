"""The kind of dates: moments in time, of which the trees see how long ago they were."""

import json
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from leadscoring._engine import parse_moment
from leadscoring.contract.aspects import UNKNOWN, Aspected, Sort
from leadscoring.errors import CardInvalid

if TYPE_CHECKING:
    from leadscoring.contract.features import Feature

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")

EXAMPLE = "2026-01-31T10:00:00Z"

FEW = 3
"""Numbers of days from this on are described without decimals."""

HOURS = 24
"""Hours of a day: less than a day is described in hours."""


class Date(Aspected):
    """A date, or a date and time; one without an offset is in UTC."""

    engine = 6
    is_timed = True
    noun = "a date, such as 2026-01-31 or 2026-01-31T10:00:00Z"
    sorts = {"age": Sort(), "since": Sort(takes=True), "weekday": Sort(most=6), "hour": Sort(most=23)}

    def check_extras(self, feature: "Feature") -> None:
        """Also allows dates that lie in the future; there are no weights."""
        if feature.groups or feature.roles or feature.weights:
            raise CardInvalid(f"feature {feature.name!r} is a date, but has groups, roles or weights")

    def accepts(self, feature: "Feature", value: object) -> bool:
        """Accepts ISO 8601, and texts that mean missing, as blank ones do."""
        if not isinstance(value, str):
            return False
        return parse_moment(value) is not None or value in feature.missing or not value.strip()

    def schema(self, _feature: "Feature") -> dict[str, Any]:
        """Names the formats of RFC 3339; a blank text means unknown."""
        forms = ({"format": "date-time"}, {"format": "date"}, {"pattern": "^ *$"})
        return {"anyOf": [{"type": "string", **form} for form in forms]}

    def example(self, _feature: "Feature") -> float | int | str:
        """Returns a date and time."""
        return EXAMPLE

    def json_of(self, cell: str) -> str:
        """Returns the cell as a JSON text, without spaces around it; a blank one is unknown."""
        plain = cell.strip()
        return json.dumps(plain) if plain else "null"

    def spec(self, feature: "Feature", places: Mapping[str, int]) -> tuple[Any, ...] | None:
        """Refers to other dates by their place."""
        aspects, *rest = super().spec(feature, places) or ()
        return (tuple((what, places.get(of, 0)) for what, of in aspects), *rest)

    def phrase(self, feature: "Feature", place: int, value: float | None) -> str:
        """Describes an age, or the time between two dates, in days; or a day of the week, or an hour."""
        aspect = feature.aspects[place]
        if value is None or math.isnan(value):
            return UNKNOWN
        if aspect.what == "weekday":
            return f"on a {WEEKDAYS[int(value)]}"
        if aspect.what == "hour":
            return f"between {int(value)}:00 and {int(value)}:59 UTC"
        if aspect.what == "since":
            return (
                f"{span(value)} {'before' if value < 0 else 'after'} {aspect.of}" if value else f"same as {aspect.of}"
            )
        if not value:
            return "just now"
        return f"in {span(value)}" if value < 0 else f"{span(value)} ago"


def span(days: float) -> str:
    """Describes a number of days without its sign: less than one in hours, a few with a decimal."""
    count = abs(days)
    hours = round(count * HOURS)
    if not hours:
        return "less than an hour"
    if hours < HOURS:
        return f"{hours} hour{'' if hours == 1 else 's'}"
    shown = f"{count:.0f}" if count >= FEW else f"{round(count, 1):g}"
    return f"{shown} day{'' if shown == '1' else 's'}"
