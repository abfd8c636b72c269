"""The reasons of a table are those of the API, as columns: feature, value, contribution and aspect."""

import tempfile
from pathlib import Path
from typing import Any

import factories
import polars as pl
from bulk_oracle import NOW, answered
from msgspec import UNSET
from timed import FEATURES, timed_model

from leadscoring.bulk.chunk import BulkScorer
from leadscoring.bulk.reason_columns import reason_columns
from leadscoring.model.file import open_model


def test_columns_hold_what_the_api_answers() -> None:
    """For a contract with texts, values are texts; a lead with fewer reasons has null in their place."""
    with tempfile.TemporaryDirectory() as folder:
        model = open_model(timed_model(Path(folder)))
    leads: list[dict[str, Any]] = [FEATURES, FEATURES | {"title": "an intern " * 40, "interests": None}, FEATURES]
    table = pl.DataFrame({name: pl.Series([one[name] for one in leads], strict=False) for name in model.names})
    chunk = BulkScorer(model, 7, now=NOW).score(table)
    columns = pl.DataFrame(reason_columns(chunk, model, aspects=True))
    sent = [{"lead_id": "lead", "features": one} for one in leads]
    for row, (_, scored) in zip(columns.rows(named=True), answered(model, chunk, sent), strict=True):
        for place in range(7):
            name = f"reason_{place + 1}"
            if place >= len(scored.reasons):
                assert row[f"{name}_feature"] is None
                continue
            reason = scored.reasons[place]
            assert (row[f"{name}_feature"], row[f"{name}_contribution"]) == (reason.feature, reason.contribution)
            assert row[f"{name}_aspect"] == (None if reason.aspect is UNSET else reason.aspect)
            if reason.feature in ("title", "email", "source"):
                assert row[f"{name}_value"] == reason.value


def test_values_are_numbers_if_all_features_are() -> None:
    """Without a text in the contract nothing needs to be formatted, and a spreadsheet can compute with them."""
    model = open_model("models/model.json")
    features = {feature.name: [feature.form.example(feature)] for feature in model.card.contract.features}
    chunk = BulkScorer(model, 2, now=NOW).score(pl.DataFrame(features))
    columns = pl.DataFrame(reason_columns(chunk, model))
    assert columns["reason_1_value"].dtype == pl.Float64
    assert columns["reason_1_value"][0] == features[columns["reason_1_feature"][0]][0]
    assert reason_columns(BulkScorer(model, 0, now=NOW).score(pl.DataFrame(features)), model) == []
    assert factories.SMALL.names


def test_nan_is_unknown_whatever_the_contract(tmp_path: Path) -> None:
    """NaN in a column of floats is null among the values of reasons, also where these are texts."""
    model = open_model(timed_model(tmp_path))
    table = pl.DataFrame({name: pl.Series([FEATURES[name]], strict=False) for name in model.names})
    chunk = BulkScorer(model, 7, now=NOW).score(table.with_columns(amount=pl.lit(float("nan"))))
    row = pl.DataFrame(reason_columns(chunk, model)).row(0, named=True)
    values = {row[f"reason_{place}_feature"]: row[f"reason_{place}_value"] for place in range(1, 8)}
    assert values["amount"] is None
