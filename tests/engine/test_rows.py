"""Leads become rows exactly, or are refused by row and feature; rows score without numpy."""

import enum
import io
import math
import threading
from array import array
from typing import Any

import msgspec
import numpy as np
import pytest
from grown import Grow
from hypothesis import given
from hypothesis import strategies as st

from leadscoring import _engine
from leadscoring.model.trees import TreeEnsemble

UNSET = msgspec.UNSET
TABLE = {"red": 0.0, "green": 1.0, "n/a": None, "": 2.0, "\ud800": 3.0}
ENCODER = _engine.Encoder([0, 1, 2, 3, 3], [None, None, None, TABLE, TABLE], [None, None, None, 9.0, None], UNSET)


def test_every_kind_of_value_has_its_place() -> None:
    """Numbers, integers, flags and categories become floats; missing and left-out values NaN."""
    rows = ENCODER.encode([(1.5, 7, True, "green", "red"), (None, UNSET, 0, "n/a", None), (3, 5.0, 1.0, "", "\ud800")])
    assert (rows.n_rows, rows.n_features, len(rows)) == (3, 5, 3)
    assert rows.row(0) == [1.5, 7.0, 1.0, 1.0, 0.0]
    assert rows.row(1) == [None, None, 0.0, None, None]
    assert rows.row(2) == [3.0, 5.0, 1.0, 2.0, 3.0]
    assert rows.present == [5, 4, 5]
    assert rows.unseen == []


def test_unseen_texts_are_named() -> None:
    """A text outside of its table takes the code for others, or counts as missing; either way it is reported."""
    rows = ENCODER.encode([(1.0, 1, 1, "blue", "blue"), (1.0, 1, 1, "red", "Red")])
    assert rows.row(0)[3:] == [9.0, None]
    assert rows.unseen == [(0, 3), (0, 4), (1, 4)]
    assert rows.present == [5, 5]


@pytest.mark.parametrize("together", [True, False])
def test_rare_texts_have_the_code_of_others_and_are_counted_by_it(together: bool) -> None:
    """They are outside of the table like unseen ones, but a counter takes them for what they are, joined or not."""
    encoder = _engine.Encoder([3, 3], [TABLE, TABLE], [9.0, None], UNSET, [("pink", "grey"), ["pink"]])
    leads = [("pink", "pink"), ("blue", "blue"), ("red", "red")]
    rows = encoder.encode(leads) if together else _engine.join_rows([encoder.encode([lead]) for lead in leads])
    assert [rows.row(place) for place in range(3)] == [[9.0, None], [9.0, None], [0.0, 0.0]]
    assert rows.unseen == [(0, 0), (0, 1), (1, 0), (1, 1)]
    numbers = array("d", [0.0] * 40)
    codes = (0, 0, 0, 0, 0, 0, 0, 0, 0, 5)
    counter = _engine.BinCounter(numbers, [(10, None, codes), (22, None, codes)], (), 0)
    counter.count(rows, [0.0, 0.0, 0.0])
    assert {place - 10: count for place, count in enumerate(numbers[:22]) if count and place >= 10} == {
        0: 1,
        5: 1,
        11: 1,
    }
    assert {place - 22: count for place, count in enumerate(numbers) if count and place >= 22} == {0: 1, 10: 1, 11: 1}


@pytest.mark.parametrize("rare", [[()], [(), (), ()], [(), 5], 5, [(), [[]]]])
def test_rare_texts_that_are_none_are_refused(rare: object) -> None:
    """One collection of texts a feature."""
    with pytest.raises((ValueError, TypeError)):
        _engine.Encoder([3, 3], [TABLE, TABLE], [9.0, None], UNSET, rare)  # type: ignore[arg-type]


class Whole(int):
    """An int with a class of its own."""


class Colour(enum.StrEnum):
    """A text with a class of its own."""

    RED = "red"


def test_subclasses_of_plain_values_are_taken() -> None:
    """Subclasses of int and str count as what they are."""
    assert ENCODER.encode([(Whole(2), Whole(3), Whole(1), Colour.RED, "red")]).row(0) == [2.0, 3.0, 1.0, 0.0, 0.0]


@pytest.mark.parametrize(
    ("feature", "value", "said"),
    [
        (0, math.nan, "not a finite float32"),
        (0, math.inf, "not a finite float32"),
        (0, 1e39, "not a finite float32"),
        (0, 10**400, "not a finite float32"),
        (0, "1", "not a number"),
        (0, True, "not a number"),
        (0, [1], "not a number"),
        (0, 1j, "not a number"),
        (1, 5.5, "not a whole number"),
        (1, True, "not a number"),
        (1, -(10**400), "not a finite float32"),
        (1, 10**39, "not a finite float32"),
        (2, 2, "neither 0 nor 1"),
        (2, 0.5, "neither 0 nor 1"),
        (2, math.nan, "neither 0 nor 1"),
        (2, "true", "not a number"),
        (3, 1.0, "not text"),
        (3, b"red", "not text"),
        (4, ["red"], "not text"),
    ],
)
def test_values_that_do_not_fit_are_refused_by_place(feature: int, value: Any, said: str) -> None:
    """The message names the row, the feature and the reason."""
    good: list[Any] = [1.0, 1, 1, "red", "red"]
    bad = [*good[:feature], value, *good[feature + 1 :]]
    with pytest.raises(ValueError, match=f"^row 1, feature {feature}: {said}$"):
        ENCODER.encode([tuple(good), tuple(bad)])


@pytest.mark.parametrize("leads", [[(1.0,)], [()], [(1.0,) * 6]])
def test_leads_of_another_width_are_refused(leads: list[tuple[Any, ...]]) -> None:
    """A tuple must have one value a feature."""
    with pytest.raises(ValueError, match=f"row 0 has {len(leads[0])} values for 5 features"):
        ENCODER.encode(leads)


@pytest.mark.parametrize("leads", [None, 5, [None], [[1.0, 1, 1, "red", "red"]], ["abcde"]])
def test_what_is_no_list_of_tuples_is_a_type_error(leads: Any) -> None:
    """Other containers are a mistake of the program's, not of the lead's."""
    with pytest.raises(TypeError):
        ENCODER.encode(leads)


@pytest.mark.parametrize(
    ("kinds", "tables", "other"),
    [
        ([0], [], []),
        ([6], [None], [None]),
        ([-1], [None], [None]),
        ([2**80], [None], [None]),
        ([3], [{"a": math.inf}], [None]),
        ([3], [{"a": 1.0}], [math.nan]),
    ],
)
def test_encoders_that_make_no_sense_are_refused(kinds: Any, tables: Any, other: Any) -> None:
    """Lengths, kinds and codes are checked when the encoder is made."""
    with pytest.raises((ValueError, OverflowError)):
        _engine.Encoder(kinds, tables, other, UNSET)


@pytest.mark.parametrize("table", [{1: 1.0}, {"a": "b"}, ["a"]])
def test_tables_of_other_types_are_refused(table: Any) -> None:
    """A table maps text to numbers."""
    with pytest.raises(TypeError):
        _engine.Encoder([3], [table], [None], UNSET)


GRID = {"a1": (1.0, 10.0), "b2": (2.0, None), "none": None}
WIDE = _engine.Encoder(
    [0, 3, 4, 2], [None, GRID, {7: (0.5,) * 3}, None], [None, 5.0, None, None], UNSET, widths=[1, 2, 3, 1]
)


def test_a_feature_may_make_several_columns() -> None:
    """Each of its values has a number for each of them, and those of other features stand before and behind."""
    rows = WIDE.encode([(1.5, "a1", 7, True), (2.5, "b2", 8, False), (None, "none", None, UNSET), (1, "new", UNSET, 1)])
    assert (rows.n_features, rows.present) == (7, [4, 4, 3, 3])
    assert rows.row(0) == [1.5, 1.0, 10.0, 0.5, 0.5, 0.5, 1.0]
    assert rows.row(1) == [2.5, 2.0, None, None, None, None, 0.0]
    assert rows.row(2) == [None] * 7
    assert rows.row(3) == [1.0, 5.0, 5.0, None, None, None, 1.0]
    assert rows.unseen == [(1, 3), (3, 1)]


def test_a_value_outside_of_the_table_may_differ_by_column() -> None:
    """A code for others in one, a number in another; or one for all."""
    for other, found in (((5.0, 0.0), [5.0, 0.0]), ((None, 0.5), [None, 0.5]), (5.0, [5.0, 5.0]), (None, [None, None])):
        encoder = _engine.Encoder([3], [GRID], [other], UNSET, widths=[2])
        rows = encoder.encode([("new",), ("a1",)])
        assert (rows.row(0), rows.row(1), rows.unseen) == (found, [1.0, 10.0], [(0, 0)])
    wrong: list[Any] = [(5.0,), (1.0, 2.0, 3.0), (1.0, "x"), (1.0, math.inf), "x", [1.0, 2.0]]
    for other in wrong:
        with pytest.raises((ValueError, TypeError)):
            _engine.Encoder([3], [GRID], [other], UNSET, widths=[2])


@pytest.mark.parametrize(
    ("kind", "table", "width"),
    [
        (0, None, 2), (3, GRID, 3), (3, GRID, 1), (3, {"a": 1.0}, 2), (3, GRID, 0), (3, GRID, -1), (3, {}, 10**6),
        (3, {"a": (1.0, math.inf)}, 2), (3, {"a": (1.0, "b")}, 2), (3, GRID, None),
    ],
)  # fmt: skip
def test_columns_that_do_not_fit_their_table_are_refused(kind: int, table: Any, width: Any) -> None:
    """When the encoder is made."""
    with pytest.raises((ValueError, TypeError)):
        _engine.Encoder([kind], [table], [None], UNSET, widths=[width])
    with pytest.raises(ValueError, match="widths must have one entry a feature"):
        _engine.Encoder([0], [None], [None], UNSET, widths=[1, 1])


def test_bounds_hold_where_a_number_means_missing() -> None:
    """Without one nothing is looked at, since the decoder has."""
    for missing, refused in ((-999.0, True), (math.nan, False)):
        encoder = _engine.Encoder([0, 1], [None] * 2, [None] * 2, UNSET, None, missing, None, [(0.0, 1.0), None])
        assert encoder.encode([(0.5, -5)]).row(0) == [0.5, -5.0]
        if refused:
            assert encoder.encode([(-999.0, -999)]).row(0) == [None, None]
            with pytest.raises(ValueError, match="row 0, feature 0: out of bounds"):
                encoder.encode([(-998.0, 1)])


@pytest.mark.parametrize("bounds", [[], [None], [(0.0,), None], [5, None], [("a", "b"), None]])
def test_bounds_that_are_none_are_refused(bounds: Any) -> None:
    """A pair of numbers for each feature, or nothing."""
    with pytest.raises((ValueError, TypeError, RuntimeError)):
        _engine.Encoder([0, 0], [None] * 2, [None] * 2, UNSET, None, -1.0, None, bounds)


def test_tables_are_copied() -> None:
    """What happens to a table after the encoder was made does not change it."""
    table: dict[str, float | None] = {"a": 1.0}
    encoder = _engine.Encoder([3], [table], [None], UNSET)
    table["a"], table["b"] = 5.0, 6.0
    rows = encoder.encode([("a",), ("b",)])
    assert rows.row(0) == [1.0]
    assert rows.unseen == [(1, 0)]


@given(st.floats(allow_nan=False, width=64))
def test_numbers_are_rounded_to_the_nearest_float32(value: float) -> None:
    """A number is taken as numpy would take it, unless that is infinite."""
    with np.errstate(over="ignore"):
        single = np.float32(value)
    encoder = _engine.Encoder([0], [None], [None], UNSET)
    if np.isfinite(single):
        assert encoder.encode([(value,)]).row(0) == [float(single)]
    else:
        with pytest.raises(ValueError, match="not a finite float32"):
            encoder.encode([(value,)])


def test_rows_are_a_read_only_buffer() -> None:
    """Numpy sees the floats without copying, and cannot change them."""
    rows = ENCODER.encode([(1.5, 7, True, "green", None)])
    table = np.asarray(rows)
    assert table.dtype == np.float32
    assert table.shape == (1, 5)
    assert not table.flags.writeable
    np.testing.assert_array_equal(table, [[1.5, 7, 1, 1, np.nan]])
    del rows
    np.testing.assert_array_equal(table[0, :4], [1.5, 7, 1, 1])
    assert np.asarray(ENCODER.encode([])).shape == (0, 5)
    with pytest.raises(TypeError, match="read-write"):
        io.BytesIO(b"1234").readinto(_engine.Rows([[1.0]]))


def test_rows_are_made_of_lists() -> None:
    """Golden rows come as numbers and None; lists of unequal length and other things are refused."""
    rows = _engine.Rows([[1.0, None], (2, -0.5)])
    assert [rows.row(0), rows.row(1)] == [[1.0, None], [2.0, -0.5]]
    assert rows.present == [1, 2]
    assert _engine.Rows([]).n_rows == 0
    for bad in ([[1.0], [1.0, 2.0]], [["a"]], [[math.nan]], [[True]]):
        with pytest.raises(ValueError, match="row"):
            _engine.Rows(bad)  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        _engine.Rows([1.0])  # type: ignore[list-item]
    for index in (-1, 2):
        with pytest.raises(IndexError):
            rows.row(index)


def as_lists(table: Any) -> list[list[float | None]]:
    """The rows as JSON would hold them."""
    return [[None if math.isnan(value) else value for value in row] for row in table.tolist()]


@pytest.mark.parametrize("leads", [0, 1, 2, 40])
@pytest.mark.parametrize("depth", [4, 10])
def test_scoring_rows_equals_scoring_arrays(leads: int, depth: int, grow: Grow, variant: str) -> None:
    """predict, explain and reasons give the bits of margins and contributions."""
    model = grow(depth, 20, categories=20)
    trees = TreeEnsemble.from_bytes(model.raw())
    table = model.rows[:leads]
    rows = (
        _engine.Rows(as_lists(table)) if leads else _engine.Encoder([0] * 6, [None] * 6, [None] * 6, UNSET).encode([])
    )
    contributions = trees.contributions(table)
    assert trees.predict(rows) == trees.margins(table).tolist()
    assert trees.explain(rows) == contributions.tolist()
    for limit in (0, 1, 3, 6, 2**40):
        for row, found in zip(contributions[:, :-1].tolist(), trees.reasons(rows, limit), strict=True):
            order = sorted((i for i in range(6) if row[i] != 0), key=lambda i: (-abs(row[i]), i))
            assert found == [(i, row[i]) for i in order[:limit]]


def test_reasons_leave_out_what_did_nothing(grow: Grow) -> None:
    """Features that no tree uses are no reasons."""
    trees = TreeEnsemble.from_bytes(grow(1, 1, eta=1.0).raw())
    assert len(trees.reasons(_engine.Rows([[1.0] * 6]), 6)[0]) == 1


def test_rows_of_another_width_are_refused(grow: Grow) -> None:
    """Rows of one contract cannot be scored by the trees of another."""
    trees = TreeEnsemble.from_bytes(grow(4, 20).raw())
    rows = _engine.Rows([[1.0] * 5])
    for score in (trees.predict, trees.explain, lambda rows: trees.reasons(rows, 0)):
        with pytest.raises(ValueError, match="rows have 5 features, but the model has 6"):
            score(rows)
    with pytest.raises(ValueError, match="limit must be 0 or more"):
        trees.reasons(rows, -1)


def test_threads_score_side_by_side(grow: Grow) -> None:
    """Many threads share one model, with batches of different sizes, and get the same answers."""
    model = grow(6, 40)
    trees = TreeEnsemble.from_bytes(model.raw())
    expected = trees.contributions(model.rows)
    wrong: list[int] = []

    def work(seed: int) -> None:
        sizes = np.random.default_rng(seed).integers(1, 500, 30)
        wrong.extend(n for n in sizes if not (trees.contributions(model.rows[:n]) == expected[:n]).all())

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_buffers_that_do_not_fit_are_refused(grow: Grow) -> None:
    """The raw entry points check sizes and types, and write nowhere else."""
    trees = TreeEnsemble.from_bytes(grow(4, 20).raw())
    forest = _engine.Forest(2, 0.0, [])
    rows, out = np.zeros((2, 2), np.float32), np.zeros(2, np.float32)
    forest.margins_into(rows, out)
    for bad_rows, bad_out in ((rows, out[:1]), (rows[:1], out), (np.zeros(3, np.float32), out)):
        with pytest.raises(ValueError, match="sizes do not fit"):
            forest.margins_into(bad_rows, bad_out)
    for bad in (rows.astype(np.float64), rows.astype(np.int32), b"12345678", None):
        with pytest.raises(TypeError):
            forest.margins_into(bad, out)
    with pytest.raises(ValueError, match=r"read-only|writable|not C-contiguous"):
        forest.margins_into(rows, np.broadcast_to(np.float32(0), 2))
    assert trees.n_trees == 20


@given(st.text(alphabet='":\\ab{}[],\n é', max_size=300).map(str.encode) | st.binary(max_size=300))
def test_colons_are_counted_alike_at_any_width(body: bytes) -> None:
    """The wide way of counting agrees with the plain one on any bytes."""
    assert _engine.count_colons(body) == _engine._count_colons_plain(body)


@given(st.recursive(st.text() | st.integers(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))
def test_colons_of_json_are_its_keys(value: Any) -> None:
    """In sound JSON there is one colon outside of strings for each key."""

    def keys(value: Any) -> int:
        if isinstance(value, dict):
            return len(value) + sum(map(keys, value.values()))
        return sum(map(keys, value)) if isinstance(value, list) else 0

    assert _engine.count_colons(msgspec.json.encode(value)) == keys(value)


def test_variants_can_be_listed_and_chosen() -> None:
    """The widest is in use at first; an unknown name is refused with the known ones."""
    assert _engine.variants()[0] == "baseline"
    assert _engine.variant() == _engine.variants()[-1]
    with pytest.raises(ValueError, match=r"baseline.*not 'sse9'"):
        _engine.use_variant("sse9")
