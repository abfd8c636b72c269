"""The tests that a change needs are found by what they import and name."""

from pathlib import Path

import pytest
from changed import needs

TEST = """
from leadscoring.api.score import Scoring
from leadscoring.model import trees
from serving import start
PAGE = "docs/API.md"
"""


@pytest.mark.parametrize(
    "changed",
    [
        "src/leadscoring/api/score.py", "src/leadscoring/model/trees.py", "tests/serving.py", "docs/API.md",
        "tests/api/test_score.py",
    ],
)  # fmt: skip
def test_a_test_needs_what_it_imports_names_and_is(changed: str) -> None:
    """Each of these alone puts it first."""
    assert needs(Path("tests/api/test_score.py"), TEST, [changed])


@pytest.mark.parametrize(
    "changed", ["src/leadscoring/api/scores.py", "src/leadscoring/model/card.py", "tests/wire.py", "docs/MY_API.mdx"]
)
def test_a_test_does_not_need_anything_else(changed: str) -> None:
    """A name that only resembles another is another."""
    assert not needs(Path("tests/api/test_score.py"), TEST, [changed])
