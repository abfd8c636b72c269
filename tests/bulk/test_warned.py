"""The warnings of a table are made by column: each distinct one once, and each lead has its own in the service's order."""

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from bulk_oracle import NOW
from hypothesis import given
from hypothesis import strategies as st
from timed import FEATURES, timed_model

from leadscoring.bulk.chunk import BulkScorer
from leadscoring.bulk.warned import firsts
from leadscoring.model.file import open_model

VALUES: tuple[tuple[Any, Any], ...] = (
    (pl.String, st.sampled_from(["a", "b", "", "a longer text than before"])),
    (pl.Float64, st.sampled_from([1.0, 2.5, -3.0])),
    (pl.Int64, st.integers(0, 3)),
    (pl.List(pl.String), st.lists(st.sampled_from(["a", "b"]), max_size=2)),
)


@given(st.data(), st.sampled_from(VALUES), st.booleans())
def test_values_are_numbered_in_the_order_in_which_they_come(
    data: st.DataObject, kind: tuple[Any, Any], stamped: bool
) -> None:
    """With moments, the pairs of both."""
    rows = data.draw(st.lists(st.tuples(st.none() | kind[1], st.integers(0, 2)), min_size=1))
    values = pl.Series([value for value, _ in rows], dtype=kind[0])
    stamps = np.array([stamp for _, stamp in rows], dtype=np.int64) if stamped else None
    keys = [repr(row) if stamped else repr(row[0]) for row in rows]
    distinct = list(dict.fromkeys(keys))
    first, codes = firsts(values, stamps)
    assert first.tolist() == [keys.index(key) for key in distinct]
    assert codes.tolist() == [distinct.index(key) for key in keys]


def test_each_lead_has_its_warnings_in_order(tmp_path: Path) -> None:
    """Unknown values come before dates in the future; leads with the same warnings share them."""
    model = open_model(timed_model(tmp_path))
    late, fair = {"created": "2027-03-07"}, {"source": "fair"}
    leads = [FEATURES, FEATURES | late, FEATURES | fair, FEATURES | late | fair, FEATURES | {"source": None}] * 50
    table = pl.DataFrame({name: pl.Series([one[name] for one in leads], strict=False) for name in model.names})
    warnings = BulkScorer(model, 0, now=NOW).score(table).warnings
    found = {index: [one.code for one in warned] for index, warned in warnings}
    one, other = ["future_date"], ["unseen_category"]
    expected = [[], one, other, [*other, *one], []] * 50
    assert found == {index: codes for index, codes in enumerate(expected) if codes}
    assert len(warnings) == 150
    assert len(warnings.distinct) == 4
    assert warnings.distinct[0] == ()


def test_rejected_leads_have_no_warnings(tmp_path: Path) -> None:
    """Warnings are of the leads that were scored, counted without the others."""
    model = open_model(timed_model(tmp_path))
    fair = FEATURES | {"source": "fair"}
    leads = [fair | {"created": "no date"}, FEATURES, fair]
    table = pl.DataFrame({name: pl.Series([one[name] for one in leads], strict=False) for name in model.names})
    chunk = BulkScorer(model, 0, now=NOW).score(table)
    assert [one.position for one in chunk.rejected] == [0]
    assert [index for index, _ in chunk.warnings] == [1]
    assert len(BulkScorer(model, 0, now=NOW).score(table[:1]).warnings) == 0
    assert len(BulkScorer(model, 0, now=NOW).score(table.clear()).warnings) == 0
