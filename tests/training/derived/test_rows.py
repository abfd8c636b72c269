"""Each kind with aspects has a row in training, and no other kind has."""

import polars as pl
import pytest

from leadscoring.contract.features import Feature
from leadscoring.contract.kinds import KINDS
from leadscoring.model.reading import Notation
from leadscoring.training.column import Read
from leadscoring.training.derived.rows import DERIVED, derived_of, fitting, row_of
from leadscoring.training.reading.how import How


@pytest.mark.parametrize("kind", KINDS)
def test_the_rows_are_those_of_the_kinds_with_aspects(kind: str) -> None:
    """A new one needs its row here."""
    assert (row_of(Feature("x", kind)) is not None) == KINDS[kind].is_aspected
    assert derived_of(None) is None


def test_the_user_comes_before_what_is_detected() -> None:
    """A kind or a notation that is asked for is not overruled."""
    days = pl.Series("d", ["2026-01-31"] * 30)
    assert fitting(Read(days, days), DERIVED) is derived_of("date")
    assert fitting(Read(days, days, How(kind="text")), DERIVED) is derived_of("text")
    for how in (How(kind="category"), How(notation=Notation(",", "."))):
        assert fitting(Read(days, days, how), DERIVED) is None
