"""The part about groups says what is off, and nothing where nobody has looked."""

import re

from leadscoring.quality.figure import Figure
from leadscoring.quality.groups import GroupInfo, Groups
from leadscoring.quality.groups_page import where_off

FAIR = GroupInfo(
    "source", "fair", 500, 0.2, Figure(0.1, 0.08, 0.13), "fewer than predicted", "2026-05-01", 900.0, "fewer"
)


def words(html: str) -> str:
    """The text of a page."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", html))


def test_a_group_that_is_off_has_its_figures() -> None:
    """Those of mature leads, and since when its evidence is an alarm."""
    said = words(where_off(Groups(40, 1, (FAIR,))))
    for part in ("source : fair", "500", "20.0%", "10.0%", "8.0% to 13.0%", "fewer than predicted", "2026-05-01"):
        assert part in said
    assert "1 of 40 groups with enough leads is off." in said


def test_a_group_without_mature_leads_says_so() -> None:
    """Its evidence alone is there."""
    young = GroupInfo("source", "fair", 12, None, None, None, "2026-05-01", 900.0, "more")
    said = words(where_off(Groups(2, 1, (young,))))
    assert "too few" in said
    assert "more since 2026-05-01" in said


def test_what_is_not_shown_is_counted() -> None:
    """The strongest of many."""
    assert "45 of 80 groups with enough leads are off. The 2 strongest are shown." in words(
        where_off(Groups(80, 45, (FAIR, FAIR)))
    )


def test_none_is_off() -> None:
    """It stands there only if any group was examined."""
    assert "None of 40 groups with enough leads is off by more than chance explains." in words(
        where_off(Groups(40, 0, ()))
    )
    assert "The one group with enough leads is not off" in words(where_off(Groups(1, 0, ())))
    assert where_off(Groups(0, 0, ())) == where_off(None) == ""


def test_names_of_features_and_values_stay_text() -> None:
    """Whatever was sent."""
    html = where_off(Groups(2, 1, (GroupInfo("<script>", '"><img>', 1, None, None, None, None, None, None),)))
    assert "<script>" not in html
    assert "<img>" not in html
