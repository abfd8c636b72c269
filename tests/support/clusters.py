"""What tests of Spark, Ray and Arrow share: whether their libraries are here, a table of leads, and its scores."""

import os
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import factories
import numpy as np
import polars as pl
import pytest

from leadscoring.bulk.chunk import BulkScorer
from leadscoring.bulk.columns import Columns
from leadscoring.bulk.scores import rejects
from leadscoring.model.loaded import LoadedModel

NOW = 1_790_000_000_000_000
"""The moment as of which the leads of these tests are scored."""

Row = dict[str, Any]


def needs(*libraries: str) -> pytest.MarkDecorator:
    """Skips the tests of a file where a library is absent; ``make clusters-test`` runs them, and fails instead."""
    absent = [name for name in libraries if find_spec(name) is None]
    reason = f"{', '.join(absent)} is not installed here: make clusters-test runs this"
    if absent and os.environ.get("CLUSTERS_TEST"):
        raise RuntimeError(reason)
    return pytest.mark.skipif(bool(absent), reason=reason)


def module(name: str, *libraries: str) -> Any:
    """Imports a module where the libraries that it needs are installed."""
    return import_module(name) if all(map(find_spec, libraries or (name,))) else None


def leads(rows: int = 3000, seed: int = 3) -> pl.DataFrame:
    """Leads of the small contract, of which some are rejected, and some have warnings.

    Every 7th lacks what is required, every 11th has two faults, every 13th a source that nobody knows.
    """
    chance = np.random.default_rng(seed)
    at = np.arange(rows)
    holes = chance.random((rows, 3)) < 0.2
    return pl.DataFrame(
        {
            "lead": [f"lead-{place}" for place in range(rows)],
            "revenue": np.where(at % 11 == 3, -5.0, chance.integers(0, 10**6, rows) / 4),
            "visits": pl.Series(np.where(at % 11 == 3, 2.5, chance.integers(0, 40, rows))),
            "growth": pl.Series(chance.normal(0, 1, rows)).scatter(np.flatnonzero(holes[:, 0]), None),
            "decision_maker": pl.Series(chance.random(rows) < 0.5).scatter(np.flatnonzero(at % 7 == 5), None),
            "source": np.where(at % 13 == 2, "fax", chance.choice(["web", "event", "partner"], rows)),
            "region / city (ü)": chance.choice(["north", "south"], rows),
            "open_rate": pl.Series(chance.random(rows)).scatter(np.flatnonzero(holes[:, 2]), None),
        }
    )


def expected(model: LoadedModel, table: pl.DataFrame, reasons: int = 5) -> dict[str, Row]:
    """What the chunk function gives for the leads of a table, by their ids, as a row of a cluster has it."""
    chunk = BulkScorer(model, reasons, now=NOW).score(table, ids=table["lead"])
    found = Columns(model, True, reasons).table(chunk, table["lead"]).to_dicts()
    faults = rejects(chunk)
    refused = {
        table["lead"][row]: dict.fromkeys(found[0]) | {"id": table["lead"][row], "rejected": each}
        for row, each in faults.iter_rows()
    }
    return {row["id"]: row | {"rejected": None} for row in found} | refused


def by_id(rows: list[Row]) -> dict[str, Row]:
    """Rows by their ids, none of which is there twice."""
    assert len({row["id"] for row in rows}) == len(rows)
    return {row["id"]: row for row in rows}


def model_file(folder: Path) -> Path:
    """The file of the small model."""
    return factories.model_file(folder)
