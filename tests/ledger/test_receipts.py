"""Receipts: the contributions of two rows account for the difference of their margins, feature by feature."""

import struct
from pathlib import Path

import pytest
from factories import SMALL, model_file
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from timed import timed_lead, timed_model

from leadscoring.ledger.receipts import Explained, as_sent, boundary, nearest_tier, numbers_of, rows_from
from leadscoring.model.card import TIERS
from leadscoring.model.file import open_model
from leadscoring.model.loaded import LoadedModel

maybe = st.floats(0, 1e6, width=32) | st.none()
any_row = st.tuples(
    maybe, st.integers(0, 99).map(float) | st.none(), maybe, st.sampled_from((0.0, 1.0)),
    st.sampled_from((0.0, 1.0, 2.0, None)), st.sampled_from((0.0, 1.0)), st.floats(0, 1, width=32) | st.none(),
)  # fmt: skip


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> LoadedModel:
    """The small model."""
    return open_model(model_file(tmp_path_factory.mktemp("receipts")))


def stored(row: tuple[float | None, ...]) -> bytes:
    """A row as the ledger has it."""
    return struct.pack(f"<{len(row)}f", *(float("nan") if value is None else value for value in row))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(any_row, any_row)
def test_differences_of_contributions_add_up_to_that_of_the_margins(
    model: LoadedModel, first: tuple[float | None, ...], second: tuple[float | None, ...]
) -> None:
    """But for float32 arithmetic, which stands beside them; each feature whose value differs is there."""
    before, after = Explained(model, stored(first)), Explained(model, stored(second))
    margins = model.trees.predict(rows_from([stored(first), stored(second)]))
    receipt = after.receipt(before, margins[1] - margins[0])
    total = sum(one.contribution for one in receipt.differences)
    assert total + receipt.rest == pytest.approx(receipt.margin, abs=1e-12)
    assert abs(receipt.rest) < 1e-4
    changed = {name for name, old, new in zip(SMALL.names, first, second, strict=True) if old != new}
    assert changed <= {one.feature for one in receipt.differences}
    strengths = [abs(one.contribution) for one in receipt.differences]
    assert strengths == sorted(strengths, reverse=True)


def test_rows_are_read_back_as_they_were_stored() -> None:
    """NaN is missing; other numbers keep their bits."""
    row = (0.1, None, -0.0, 3.0)
    assert numbers_of(stored(row)) == [pytest.approx(0.1), None, 0.0, 3.0]
    assert str(numbers_of(stored(row))[2]) == "-0.0"


def test_values_are_shown_as_they_were_sent(model: LoadedModel) -> None:
    """The shortest number with the same bits; flags as such; texts of categories; what cannot be read back is null."""
    explained = Explained(model, stored((1e6, 3.0, 0.35, 1.0, 1.0, None, 1e-7)))
    assert explained.values == [1000000, 3, 0.35, True, "event", None, 1e-07]
    assert explained.values[3] is True
    assert as_sent(SMALL.features[0], ["a"]) is None


def test_contributions_of_features_with_several_columns_are_summed(tmp_path: Path) -> None:
    """A date has no value that could be read back, but one contribution."""
    import json

    loaded = open_model(timed_model(tmp_path))
    _, rows = loaded.decoder.one(json.dumps(timed_lead()).encode())
    explained = Explained(loaded, bytes(memoryview(rows)))
    (margin,) = loaded.trees.predict(rows)
    assert len(explained.contributions) == len(loaded.names)
    assert sum(explained.contributions) + loaded.trees.base_value == pytest.approx(margin, abs=1e-5)
    assert None in explained.values


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.floats(-8, 8, width=32))
def test_the_nearest_tier_is_the_nearest(model: LoadedModel, margin: float) -> None:
    """At that margin the tier is the one that is named, and between the two it is as before, in both directions."""
    found = nearest_tier(model, margin)
    assert found is not None
    here = model.score(margin).tier
    assert model.score(margin + found.margin).tier == found.tier != here
    for part in (0.25, 0.5, 0.99):
        for way in (1, -1):
            assert model.score(margin + way * part * found.margin).tier == here


def test_there_is_no_boundary_beyond_the_last_tier(model: LoadedModel) -> None:
    """Upwards of A, and downwards of E."""
    assert model.score(20).tier == TIERS[0]
    assert boundary(model, 20.0, up=True) is None
    assert boundary(model, -20.0, up=False) is None
