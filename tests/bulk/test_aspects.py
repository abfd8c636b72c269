"""Dates, texts, e-mail addresses and sets of a table are encoded as the API encodes them, each lead as of its moment."""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from bulk_oracle import NOW, answered, asked
from hypothesis import given, settings
from hypothesis import strategies as st
from timed import TIMED, near_dates, timed_model

from leadscoring.bulk.chunk import BulkScorer
from leadscoring.contract.moment import written
from leadscoring.model.file import open_model
from leadscoring.model.loaded import LoadedModel

DATES = ("created", "due")


@pytest.fixture(scope="module")
def model() -> Iterator[LoadedModel]:
    """A model with a date, a planned date, a text, an address and a set."""
    with tempfile.TemporaryDirectory() as folder:
        yield open_model(timed_model(Path(folder)))


moments = st.integers(-(10**16), 10**16)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20) | st.sampled_from(
    ["Director", "n/a", "an intern"]
)
addresses = st.sampled_from(["info@acme.com", "a.b+c@web.de", "nobody", "x@y", "", "jane@gmail.com"])
sets = st.lists(st.sampled_from(["pricing", "demo", "Other", " ", "a,b"]), max_size=5)


@st.composite
def rows(draw: st.DrawFn) -> dict[str, Any]:
    """The features of one lead, dates in microseconds."""
    return {
        "amount": draw(st.none() | st.floats(-1, 1e6, allow_nan=False)),
        "created": draw(st.none() | moments),
        "due": draw(st.none() | moments),
        "title": draw(st.none() | texts),
        "email": draw(st.none() | addresses),
        "interests": draw(st.none() | sets),
        "source": draw(st.sampled_from([None, "web", "event", "fair"])),
    }


def frame_of(made: list[dict[str, Any]]) -> pl.DataFrame:
    """The leads as a typed table."""
    types: dict[str, Any] = {"amount": pl.Float64, "interests": pl.List(pl.String)}
    return pl.DataFrame(
        {
            name: pl.Series([one[name] for one in made], dtype=pl.Int64).cast(pl.Datetime("us"))
            if name in DATES
            else pl.Series([one[name] for one in made], dtype=types.get(name, pl.String))
            for name in TIMED.names
        }
    )


def lead_of(one: dict[str, Any], as_of: int | None, missing: frozenset[str]) -> dict[str, Any]:
    """The lead as a client sends it."""
    features: dict[str, Any] = {}
    for name, value in one.items():
        shown = written(value) if name in DATES and value is not None else value
        features[name] = None if isinstance(shown, str) and shown.strip().lower() in missing else shown
    return {"lead_id": "lead", "features": features} | ({} if as_of is None else {"as_of": written(as_of)})


def missing_of() -> frozenset[str]:
    """The missing tokens of every file."""
    from leadscoring.training.reading.missing import SPELLINGS

    return frozenset(text.lower() for text in SPELLINGS)


@settings(max_examples=40)
@given(st.lists(st.tuples(rows(), st.none() | moments), min_size=1, max_size=8))
def test_a_table_of_every_kind_gets_what_the_api_answers(
    model: LoadedModel, made: list[tuple[dict[str, Any], int | None]]
) -> None:
    """Scores, reasons with their aspects, and warnings of addresses and of dates in the future are equal."""
    as_of = pl.Series([moment for _, moment in made], dtype=pl.Int64)
    chunk = BulkScorer(model, 4, now=NOW).score(frame_of([one for one, _ in made]), as_of)
    sent = [lead_of(one, moment, missing_of()) for one, moment in made]
    assert answered(model, chunk, sent) == [asked(model, lead, 4) for lead in sent]


@settings(max_examples=40)
@given(st.lists(near_dates(), min_size=1, max_size=8))
def test_a_text_that_the_api_takes_as_a_date_is_that_date(model: LoadedModel, dates: list[str]) -> None:
    """What the API reads is read alike; training reads more forms, and those have one meaning."""
    features = [{"created": date} for date in dates]
    chunk = BulkScorer(model, 0, now=NOW).score(pl.DataFrame({"created": pl.Series(dates, dtype=pl.String)}))
    margins = dict(zip(chunk.kept.tolist(), chunk.margins.tolist(), strict=True))
    for position, one in enumerate(features):
        answer = asked(model, {"lead_id": "lead", "features": one}, 0)
        if len(answer) == 2 and isinstance(answer[0], float):
            if one["created"].strip().lower() in missing_of():
                continue
            assert margins[position] == answer[0]
