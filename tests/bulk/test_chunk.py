"""A table gets the same scores, reasons, warnings and rejections as its leads get from the API, to the last bit."""

import math
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import factories
import polars as pl
import pytest
from bulk_oracle import NOW, answered, asked
from hypothesis import given, settings
from hypothesis import strategies as st
from lead_strategies import leads

from leadscoring.bulk.chunk import BulkScorer
from leadscoring.model.file import open_model
from leadscoring.model.loaded import LoadedModel


@pytest.fixture(scope="module")
def model() -> Iterator[LoadedModel]:
    """The small model, opened as the service opens it."""
    with tempfile.TemporaryDirectory() as folder:
        yield open_model(factories.model_file(Path(folder)))


WRONG = st.sampled_from([-1, 2, 0.5, 1e39, 2**53, -0.0, math.inf])
"""Numbers, of which most features reject some."""


@st.composite
def tables(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Leads of the small contract as the rows of a table: every row has every column, and some cells do not fit."""
    made = draw(st.lists(leads(factories.SMALL), min_size=1, max_size=12))
    names = factories.SMALL.names
    for lead in made:
        features = {name: lead["features"].get(name) for name in names}
        if draw(st.booleans()):
            features[draw(st.sampled_from(["revenue", "visits", "growth", "open_rate"]))] = draw(WRONG)
        if draw(st.integers(0, 5)) == 0:
            features[draw(st.sampled_from(names))] = None
        lead["features"] = features
    return made


def typed(made: list[dict[str, Any]]) -> pl.DataFrame:
    """The leads as a table of typed columns."""
    texts = {feature.name for feature in factories.SMALL.features if feature.is_text}
    return pl.DataFrame(
        {
            name: pl.Series(
                [lead["features"][name] for lead in made],
                dtype=pl.String if name in texts else pl.Float64,
                strict=False,
            )
            for name in factories.SMALL.names
        }
    )


def as_typed(made: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The leads as a client would send the rows of ``typed``; "unknown" is a missing token of every file."""

    def value(cell: Any) -> Any:
        return None if cell == "unknown" else cell if cell is None or isinstance(cell, str) else float(cell)

    return [lead | {"features": {name: value(cell) for name, cell in lead["features"].items()}} for lead in made]


@settings(max_examples=40)
@given(tables(), st.integers(0, 8))
def test_a_table_of_typed_columns_gets_what_the_api_answers(
    model: LoadedModel, made: list[dict[str, Any]], reasons: int
) -> None:
    """Margins, probabilities, tiers, percentiles, reasons, warnings and the faults of rejected leads are equal."""
    chunk = BulkScorer(model, reasons, now=NOW).score(typed(made))
    sent = as_typed(made)
    assert answered(model, chunk, sent) == [asked(model, lead, reasons) for lead in sent]


@settings(max_examples=40)
@given(tables())
def test_a_table_of_texts_is_read_as_its_numbers_are_written(model: LoadedModel, made: list[dict[str, Any]]) -> None:
    """A CSV whose cells are texts gets the same, with faults about the numbers as they are written."""

    def written(value: Any) -> str | None:
        return None if value is None else repr(value).lower() if isinstance(value, bool) else str(value)

    texts = {feature.name for feature in factories.SMALL.features if feature.is_text}
    frame = pl.DataFrame(
        {
            name: pl.Series([written(lead["features"][name]) for lead in made], dtype=pl.String)
            for name in factories.SMALL.names
        }
    )
    sent = [
        lead | {"features": {name: sent_as(cell, name in texts) for name, cell in lead["features"].items()}}
        for lead in made
    ]
    chunk = BulkScorer(model, 3, now=NOW).score(frame)
    assert answered(model, chunk, sent) == [asked(model, lead, 3) for lead in sent]


def sent_as(cell: Any, text: bool) -> Any:
    """A cell as a client sends it: "unknown" is missing, and what is no finite number stays text."""
    if cell == "unknown":
        return None
    return str(cell) if not text and isinstance(cell, float) and not math.isfinite(cell) else cell
