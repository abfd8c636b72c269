"""What was left out, and how columns were read, can be looked up."""

import json
from typing import Any

import pytest
from past_leads import trained

from leadscoring.training.report.parts.columns import about, columns, evidence, excluded, recipe_text, unknown


def data(**more: Any) -> dict[str, Any]:
    """The report of made-up leads."""
    copy: dict[str, Any] = json.loads(json.dumps(trained(2000).report))
    return copy | more


def test_long_lists_are_folded_but_not_leaks() -> None:
    """Leaks with their evidence stay in sight, and stand first."""
    dropped = {f"c{k}": "constant: always 1" for k in range(20)} | {f"l{k}": "a probable leak: late" for k in range(20)}
    text = excluded(data(columns=data()["columns"] | {"dropped": dropped}))
    assert text.index("<h3>Probable leaks (20)</h3>") < text.index("<summary>Constant or empty (20)</summary>")
    assert "No column was left out." in excluded(data(columns=data()["columns"] | {"dropped": {}}))


def test_what_an_evaluation_does_not_know_is_not_shown() -> None:
    """It has no columns, no evidence and no recipe."""
    bare: dict[str, Any] = {"unknown": [], "model": {}, "data": {}, "notes": []}
    assert [part(bare) for part in (excluded, unknown, evidence, columns, about)] == [""] * 5


def test_unknown_shares_and_columns_are_listed() -> None:
    """The largest shares in sight, the others folded away."""
    every = [{"feature": f"f{k}", "share": 0.5 - k / 100} for k in range(12)]
    assert unknown(data(unknown=every)).index("f7") < unknown(data(unknown=every)).index("<summary>4 more</summary>")
    assert "<summary>4 features</summary>" in columns(data())
    assert "Libraries" in about(data())


@pytest.mark.parametrize(
    ("leaves", "words"),
    [(0, "90 trees of depth 10, rate 0.04"), (31, "90 trees of at most 31 leaves, rate 0.04"), (None, "of depth 10,")],
)
def test_trees_are_described_by_what_limits_them(leaves: int | None, words: str) -> None:
    """By leaves where they grow by their best leaf; old reports know only the depth."""
    recipe = {"rounds": 90, "depth": 10, "rate": 0.04} | ({} if leaves is None else {"leaves": leaves})
    assert words in recipe_text(recipe)
