"""The columns that were left out stand in the order of what matters."""

from leadscoring.training.report.left_out import SORTS, left_out, probable_leaks


def test_leaks_stand_first_and_the_clearest_of_them() -> None:
    """Then columns that may say something, then empty ones, then those that were named."""
    dropped = {
        "won": "the target",
        "one value": "constant: always 'x'",
        "weak": "a probable leak: it changes",
        "closed": "9 of 9 dates are after the moment at which a lead is scored",
        "phone": "personal data (how to reach a person): kept only where --keep names it",
        "clear": "a probable leak: its name",
        "total": "leaks the outcome: it determines the outcome of every row",
    }
    evidence = [{"column": "weak", "roc_auc_alone": 0.6}, {"column": "clear", "roc_auc_alone": 0.1}]
    found = left_out(dropped, evidence)
    assert [one.column for one in found] == ["clear", "weak", "closed", "total", "phone", "one value", "won"]
    assert probable_leaks(dropped) == ["weak", "closed", "clear", "total"]
    assert {one.sort for one in found} == set(range(len(SORTS)))
