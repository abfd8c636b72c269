"""One thing is not many."""

from leadscoring.counted import counted


def test_one_thing_has_no_plural() -> None:
    """None and many have; thousands are separated."""
    assert [counted(count, "row") for count in (0, 1, 2, 1000)] == ["0 rows", "1 row", "2 rows", "1,000 rows"]
    assert counted(2, "line without a value", "lines without a value") == "2 lines without a value"
