"""Tables are scored column by column with the bits of lead by lead, on every instruction set."""

import math
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leadscoring import _engine
from leadscoring._engine import Forest, Ranking, ReasonFinder, Rows, TableScorer, mark_tokens
from leadscoring.model.calibration import Calibration
from leadscoring.model.card import Tiers, percentile

FEATURES = 7
ANY = (-math.inf, math.inf, 0, False, math.nan)


def stump(feature: int, low: float) -> tuple[list[float | None], ...]:
    """A tree of one split at zero; equal ones make equal contributions."""
    return (
        [1, -1, -1], [2, -1, -1], [feature, 0, 0], [1, 0, 0], [], [0.0, low, 0.25],
        [8.0, 4.0, 4.0], [1.0, 0.0, 0.0], [], [], [], [],
    )  # fmt: skip


FOREST = Forest(FEATURES, 0.0, [stump(feature, -0.5 - feature % 3) for feature in range(FEATURES) for _ in range(5)])


def score(finder: ReasonFinder, columns: list[Any], leads: int, limit: int, rules: Any = None) -> dict[str, Any]:
    """The arrays that a table of these columns fills."""
    shape = (leads, limit)
    arrays = {
        "doubtful": np.zeros(leads, np.uint8),
        "margins": np.empty(leads),
        "features": np.empty(shape, np.int32),
        "contributions": np.empty(shape),
        "leading": np.empty(shape, np.int32),
        "values": np.empty(shape, np.float32),
        "sent": np.empty(shape),
    }
    TableScorer(finder, rules or [ANY] * FEATURES).score(columns, 0, leads, limit, *arrays.values())
    return arrays


rows_of_leads = st.lists(
    st.lists(st.sampled_from([None, -1.0, 1.0]), min_size=FEATURES, max_size=FEATURES), min_size=1, max_size=40
)


@pytest.mark.parametrize("variant", _engine.variants())
@settings(max_examples=30)
@given(rows_of_leads, st.integers(0, FEATURES + 2), st.sampled_from([None, (1,) * 7, (3, 1, 2, 1)]))
def test_margins_and_reasons_are_those_of_single_leads(variant: str, rows: Any, limit: int, widths: Any) -> None:
    """In the same order, the first of equals first, and by feature if one has several columns."""
    columns = [pl.Series([row[place] for row in rows], dtype=pl.Float64) for place in range(FEATURES)]
    finder = ReasonFinder(FOREST, None, widths or (1,) * FEATURES)
    active = _engine.variant()
    _engine.use_variant(variant)
    try:
        found = score(finder, columns, len(rows), limit)
    finally:
        _engine.use_variant(active)
    assert found["margins"].tolist() == FOREST.predict(Rows(rows))
    for place, strongest in enumerate(finder.reasons(Rows(rows), limit)):
        count = len(strongest)
        assert found["features"][place].tolist() == [one[0] for one in strongest] + [-1] * (limit - count)
        assert found["contributions"][place][:count].tolist() == [one[1] for one in strongest]
        assert found["leading"][place][:count].tolist() == [one[2] for one in strongest]
        values = [None if math.isnan(one) else one for one in found["values"][place][:count].tolist()]
        assert values == [one[3] for one in strongest]


cells = st.none() | st.sampled_from([0, 1, 2, -3, 0.5, 1e300, 2.0**53, 16777217, math.inf, math.nan, -0.0])


@pytest.mark.parametrize("variant", _engine.variants())
@settings(max_examples=30)
@given(st.lists(cells, min_size=1, max_size=40), st.integers(0, 9))
def test_what_does_not_fit_is_marked(variant: str, given_cells: Any, offset: int) -> None:
    """Bounds, whole numbers, flags, required ones, and the number that means missing, from any place of a column on."""
    column = pl.Series([0.0] * offset + given_cells, dtype=pl.Float64).slice(offset)
    rules = [(-3, 2, 0, False, math.nan), (-1e9, 1e9, 1, False, math.nan), (0, 1, 2, False, math.nan),
             (-math.inf, math.inf, 0, True, math.nan), (5, 6, 0, True, 2.0)]  # fmt: skip
    active = _engine.variant()
    _engine.use_variant(variant)
    try:
        marked = [
            score(ReasonFinder(FOREST), [column] * FEATURES, len(column), 0, [rule, *[ANY] * (FEATURES - 1)])[
                "doubtful"
            ]
            for rule in rules
        ]
    finally:
        _engine.use_variant(active)
    for place, cell in enumerate(column.to_list()):
        absent = cell is None or math.isnan(cell)
        wanted = [
            not absent and not -3 <= cell <= 2,
            not absent and not (abs(cell) <= 1e9 and cell % 1 == 0),
            not absent and cell not in (0, 1),
            absent,
            absent or (cell != 2 and not 5 <= cell <= 6),
        ]
        assert [bool(marks[place]) for marks in marked] == wanted


@pytest.mark.parametrize("dtype", [pl.Int8, pl.Int64, pl.UInt16, pl.UInt64, pl.Float32, pl.Boolean, pl.Null])
def test_columns_of_any_type_are_read(dtype: Any) -> None:
    """Numbers and booleans of Arrow, and arrays of numpy; null is missing."""
    values = [None] * 20 if dtype == pl.Null else [1, 0, None, 1] * 5
    column = pl.Series([1 if dtype != pl.Null else None, *values]).cast(dtype).slice(1)
    rest = [np.zeros(20)] * (FEATURES - 2) + [np.ones(20, np.float32)]
    found = score(ReasonFinder(FOREST), [column, *rest], 20, FEATURES)
    wanted = [[cell, *[0] * (FEATURES - 2), 1] for cell in values]
    assert found["margins"].tolist() == FOREST.predict(Rows(wanted))


def test_what_does_not_match_is_refused() -> None:
    """Other types, lengths and numbers of columns, and several chunks, before anything is read."""
    finder, good = ReasonFinder(FOREST), [np.zeros(4)] * FEATURES
    several = pl.concat([pl.Series([1.0, 2.0]), pl.Series([1.0, 2.0])], rechunk=False)
    for wrong, error in (
        ([np.zeros(4)], ValueError),
        ([np.zeros(3), *good[1:]], ValueError),
        ([pl.Series(["a"] * 4), *good[1:]], TypeError),
        ([np.zeros(4, np.int64), *good[1:]], TypeError),
        ([several, *good[1:]], ValueError),
    ):
        with pytest.raises(error):
            score(finder, wrong, 4, 0)
    with pytest.raises(ValueError, match="a rule for each column"):
        TableScorer(finder, [ANY])


probabilities = st.floats(0, 1)


@given(
    st.lists(st.tuples(st.floats(-20, 20), probabilities), unique_by=lambda knot: knot[0], max_size=6),
    st.lists(probabilities, min_size=2, max_size=8) | st.just([]),
    st.lists(st.floats(-30, 30), max_size=20),
)
def test_ranks_are_those_of_single_margins(knots: Any, quantiles: list[float], margins: list[float]) -> None:
    """To the last bit: probability, bucket and percentile, with its two decimals as Python rounds them."""
    xs, ps = sorted(x for x, _ in knots), sorted(p for _, p in knots)
    calibration = Calibration(tuple(xs), tuple(ps), "sigmoid") if len(xs) > 1 else Calibration()
    tiers, known = Tiers(), sorted(quantiles)
    ranking = Ranking(calibration.margins, calibration.probabilities, tiers.thresholds, known)
    found, buckets, places = np.empty(len(margins)), np.empty(len(margins), np.uint8), np.empty(len(margins))
    ranking.rank(np.array(margins, dtype=np.float64), found, buckets, places)
    wanted = calibration.all(margins)
    assert found.tolist() == wanted
    assert buckets.tolist() == [tiers.bucket(one) for one in wanted]
    ranks = [percentile(known, one) for one in wanted]
    assert [None if math.isnan(place) else place for place in places.tolist()] == ranks


def test_missing_tokens_are_found_in_any_case() -> None:
    """With spaces around them; texts that are not ASCII are left to the caller."""
    texts = pl.Series(["n/a", " N/A\t", "na", None, "\u2014", "", "a text that is longer than any token"])
    marks = np.empty(len(texts), np.uint8)
    mark_tokens(texts, ["n/a", ""], marks)
    assert marks.tolist() == [1, 1, 0, 0, 2, 1, 0]
