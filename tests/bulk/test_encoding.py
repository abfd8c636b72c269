"""The columns of the trees are those of training and of the API; what is not clear is marked, and nothing else."""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import factories
import numpy as np
import polars as pl
import pytest
from bulk_oracle import NOW, answered, asked
from every_form import VALUES, every_form_model
from hypothesis import given, settings
from hypothesis import strategies as st

from leadscoring.bulk.cells import Reader
from leadscoring.bulk.chunk import BulkScorer
from leadscoring.bulk.encoding import TableEncoder
from leadscoring.lead import LEAD_BYTES
from leadscoring.model.file import open_model
from leadscoring.model.loaded import LoadedModel
from leadscoring.model.reading import Reading


@pytest.fixture(scope="module")
def model() -> Iterator[LoadedModel]:
    """The small model."""
    with tempfile.TemporaryDirectory() as folder:
        yield open_model(factories.model_file(Path(folder)))


def frame(**columns: Any) -> pl.DataFrame:
    """Sound leads with other columns; as many as the longest has."""
    rows = max((len(column) for column in columns.values()), default=1)
    sound = {name: [value] * rows for name, value in factories.LEAD["features"].items()}
    return pl.DataFrame(sound | columns)


@pytest.mark.parametrize("dtype", [pl.Int8, pl.Int16, pl.Int32, pl.Int64, pl.UInt8, pl.UInt64, pl.Float32, pl.Float64])
def test_numbers_of_any_type_are_the_same_leads(model: LoadedModel, dtype: Any) -> None:
    """A whole number scores alike as each of them, with unknown ones between, and in any part of a longer table."""
    cells = [*range(40), None, 7, None, 127]
    column = pl.Series([0, 0, 0, *cells], dtype=dtype).slice(3)
    chunk = BulkScorer(model, 2, now=NOW).score(frame(visits=column))
    leads = [factories.lead(visits=cell) for cell in cells]
    assert answered(model, chunk, leads) == [asked(model, lead, 2) for lead in leads]


def test_only_doubtful_leads_are_marked(model: LoadedModel) -> None:
    """Those that lack a required value or hold one that may not fit: the others need no second look."""
    contract = model.card.contract
    table = frame(
        revenue=[1.0, -1.0, None, float("inf"), 5.0],
        visits=[1.0, 2.0, 3.0, 4.0, 0.5],
        source=["web", "fair", None, "unknown", "web"],
    )
    cells = Reader(contract.features, Reading()).read(table)
    scorer = BulkScorer(model, 0, now=NOW)
    encoded = TableEncoder(contract, LEAD_BYTES).encode(cells, 5, None)
    scorer._compute(encoded)
    assert encoded.doubtful.tolist() == [0, 1, 1, 1, 1]
    assert [(column, places.tolist()) for column, places in encoded.unseen if len(places)] == [(4, [1])]


def test_a_lead_longer_than_the_service_reads_is_rejected(model: LoadedModel) -> None:
    """As the API rejects it, by its length."""
    long = "x" * LEAD_BYTES
    chunk = BulkScorer(model, 0, now=NOW).score(frame(source=["web", long]))
    assert [one.position for one in chunk.rejected] == [1]
    assert chunk.rejected[0].faults[0].message.startswith("a lead must have at most 524288 bytes")


def test_threads_change_nothing(model: LoadedModel) -> None:
    """The shares of several threads are put together as one computes them."""
    chance = np.random.default_rng(1)
    table = frame(revenue=pl.Series(chance.gamma(2, 1e5, 40_000)), visits=pl.Series(chance.integers(0, 9, 40_000)))
    one, three = (BulkScorer(model, 3, threads, now=NOW).score(table) for threads in (1, 3))
    assert np.array_equal(one.margins, three.margins)
    assert one.reasons is not None
    assert three.reasons is not None
    for name in one.reasons.__struct_fields__:
        assert np.array_equal(getattr(one.reasons, name), getattr(three.reasons, name), equal_nan=True)


@pytest.fixture(scope="module", params=[None, -1.0, 2.0])
def every_form(request: pytest.FixtureRequest) -> Iterator[LoadedModel]:
    """A model with every form of category, and a number that means missing."""
    with tempfile.TemporaryDirectory() as folder:
        yield open_model(every_form_model(Path(folder), request.param))


@settings(max_examples=40)
@given(st.lists(st.fixed_dictionaries(VALUES), min_size=1, max_size=8))
def test_every_form_of_number_and_category_is_encoded_as_by_the_api(
    every_form: LoadedModel, made: list[dict[str, Any]]
) -> None:
    """Numbers that are categories, codes, other spellings, weights, and numbers that mean missing."""
    texts = {"source", "industry", "region"}
    columns = {
        name: pl.Series([one[name] for one in made], dtype=pl.String if name in texts else pl.Float64, strict=False)
        for name in VALUES
    }
    chunk = BulkScorer(every_form, 4, now=NOW).score(pl.DataFrame(columns))
    sent = [
        {"lead_id": "lead", "features": {name: float(v) if isinstance(v, int) else v for name, v in one.items()}}
        for one in made
    ]
    assert answered(every_form, chunk, sent) == [asked(every_form, lead, 4) for lead in sent]
