"""The evidence on columns is worded for who has never heard of a leak."""

from typing import Any

from leadscoring.training.report.evidence import HEAD, by_suspicion, evidence_row, verdict_text


def one(column: str, alone: float, signs: tuple[str, ...] = (), because: str = "", **more: Any) -> dict[str, Any]:
    """The evidence on a column, as a report has it."""
    measured = {"filled": [0.5, 1.0], "roc_auc_with": None, "roc_auc_without": None} | more
    out = bool(signs) and not because
    return {"column": column, "roc_auc_alone": alone, "signs": list(signs), "because": because} | measured | {
        "left_out": out
    }  # fmt: skip


FINE, KEPT = one("fine", 0.7), one("kept", 0.8, ("it is late",), because="it is early here")
OUT = one("out", 0.6, ("its name speaks of it", "it changes"), roc_auc_with=0.91, roc_auc_without=0.88)


def test_suspects_come_first_and_the_clearest_of_the_others() -> None:
    """What was left out, then what was kept nevertheless, then the rest by what it says alone."""
    every = [one("weak", 0.5), FINE, KEPT, OUT]
    assert [row["column"] for row in by_suspicion(every)] == ["out", "kept", "fine", "weak"]


def test_a_verdict_says_what_was_done_and_why() -> None:
    """With all signs, and the reason of the user."""
    assert verdict_text(OUT) == "left out: its name speaks of it; it changes"
    assert verdict_text(KEPT) == "kept, because it is early here, although it is late"
    assert verdict_text(FINE) == "no sign of a leak"


def test_a_row_has_a_cell_for_each_heading() -> None:
    """A dash stands for what was not measured."""
    assert evidence_row(OUT) == ["out", verdict_text(OUT), "0.600", "0.910", "0.880", "50% / 100%"]
    assert evidence_row(FINE)[3:5] == ["\N{EN DASH}"] * 2
    assert len(evidence_row(FINE)) == len(HEAD)
