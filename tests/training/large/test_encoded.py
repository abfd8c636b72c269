"""Leads that are encoded part by part, by what a sample of them showed."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leadscoring.training.encode import encode_table
from leadscoring.training.large.parts import Parts
from leadscoring.training.large.settled import settled
from leadscoring.training.leads import quiet
from leadscoring.training.options import TrainOptions
from leadscoring.training.prepared import Prepared, of_parts, of_table
from leadscoring.training.reading.table import read_table
from leadscoring.training.split import groups_of_frame

OPTIONS = TrainOptions(target="stage", positive="Won", time="created", missing=("keine",), read=("seats=integer",))


def export(rows: int, seed: int) -> pl.DataFrame:
    """An export with a column of each kind, gaps, open leads, rare values and duplicates."""
    random = np.random.default_rng(seed)
    seats = random.integers(0, 40, rows)
    won = random.random(rows) < 0.2 + seats / 80
    day = np.datetime64("2025-01-01") + random.integers(0, 300, rows).astype("timedelta64[D]")
    words = np.array(["sales director", "head of sales", "assistant", "owner", "engineer of software"])
    frame = pl.DataFrame(
        {
            "created": day.astype(str),
            "seats": seats.astype(str),
            "budget": [f"{value:,.2f} €" for value in random.gamma(2.0, 900.0, rows)],
            "score": random.normal(size=rows).round(1),
            "source": random.choice([*["web", "Web ", "fair", "partner"] * 8, *(f"rare {i}" for i in range(9))], rows),
            "title": [f"{words[place]} {at % 8}" for at, place in enumerate(random.integers(0, 5, rows))],
            "opened": (day - random.integers(0, 90, rows).astype("timedelta64[D]")).astype(str),
            "mail": [f"a{place % 50}@{'gmail.com' if place % 3 else 'acme.com'}" for place in range(rows)],
            "stage": np.where(random.random(rows) < 0.1, "Open", np.where(won, "Won", "Lost")),
        }
    )
    gaps = [
        pl.when(pl.Series(random.random(rows) < 0.9)).then(pl.col(name)).alias(name) for name in frame.columns[1:-1]
    ]
    frame = frame.with_columns(gaps).with_columns(pl.col("seats").fill_null("keine"))
    return pl.concat([frame, frame[: rows // 10]])


def in_parts(path: Path, rows: np.ndarray, step: int = 70) -> Prepared:
    """The leads of a file as if they did not fit in memory, by a sample of some rows."""
    parts = Parts(path)
    parts.step = step
    return of_parts(parts, OPTIONS, quiet, rows)


@settings(max_examples=6, deadline=None)
@given(seed=st.integers(0, 99), rows=st.integers(250, 500), step=st.integers(1, 400))
def test_a_sample_of_all_leads_gives_what_a_table_gives(
    tmp_path_factory: pytest.TempPathFactory, seed: int, rows: int, step: int
) -> None:
    """Contract, reading, outcomes, moments, duplicates and matrix do not depend on whether the leads fit in memory."""
    path = tmp_path_factory.mktemp("large") / "leads.parquet"
    export(rows, seed).write_parquet(path)
    whole = of_table(read_table(path), OPTIONS, quiet)
    own = settled(whole.options, whole.leads, whole.guarded.inferred, np.arange(len(whole.leads.y)))
    past = in_parts(path, np.arange(rows + rows // 10), step)
    assert past.encoded is not None
    assert past.encoded.inferred.contract == own.inferred.contract
    assert past.encoded.reading == own.reading
    assert past.encoded.inferred.dropped == own.inferred.dropped
    assert past.table.data_hash == whole.table.data_hash
    for name in ("y", "time", "as_of"):
        np.testing.assert_array_equal(getattr(past.leads, name), getattr(whole.leads, name))
    assert past.leads.groups is not None
    assert len(np.unique(past.leads.groups)) == groups_of_frame(own.inferred.alike).max() + 1
    served = encode_table(own.inferred.contract, own.inferred.frame, whole.leads.as_of)
    np.testing.assert_array_equal(past.encoded.x, served if own.x is None else own.x)


def test_what_the_sample_did_not_show_is_read_as_in_a_later_file_and_counted(tmp_path: Path) -> None:
    """A text in a column of numbers is missing, a new value of a category is unseen, and both are in the warnings."""
    path = tmp_path / "leads.parquet"
    frame = export(400, 1)
    odd = pl.int_range(pl.len()) >= 400
    frame = frame.with_columns(
        seats=pl.when(odd).then(pl.lit("many")).otherwise("seats"),
        source=pl.when(odd).then(pl.lit("podcast")).otherwise("source"),
    )
    frame.write_parquet(path)
    past = in_parts(path, np.arange(0, 400, 2))
    assert past.encoded is not None
    leads = int((frame["stage"][400:] != "Open").sum())
    warnings = " ".join(past.leads.warnings)
    assert f"{leads} values of 'seats' are not numbers as training read them" in warnings
    assert f"{leads} of {len(past.leads.y)} leads have a 'source' that training" in warnings
    contract, x = past.encoded.inferred.contract, past.encoded.x[-leads:]
    places = dict(zip(contract.names, contract.columns.first, strict=True))
    source = contract.features[contract.names.index("source")]
    assert np.isnan(x[:, places["seats"]]).all()
    assert (x[:, places["source"]] == source.other_code).all()


def test_what_the_sample_always_had_is_not_required_if_some_lead_lacks_it(tmp_path: Path) -> None:
    """The service must not reject a lead like one that the model was trained on."""
    path = tmp_path / "leads.parquet"
    frame = export(400, 2).with_columns(score=pl.int_range(pl.len()) * 0.37 % 5)
    frame.with_columns(pl.when(pl.int_range(pl.len()) < 430).then("score").alias("score")).write_parquet(path)
    past = in_parts(path, np.arange(0, 400, 2))
    assert past.encoded is not None
    feature = next(one for one in past.encoded.inferred.contract.features if one.name == "score")
    assert not feature.required
    assert past.guarded.inferred.contract.features[past.guarded.inferred.contract.names.index("score")].required
    assert "lack" not in " ".join(past.leads.warnings)


def test_duplicates_are_in_one_group_whatever_their_spelling(tmp_path: Path) -> None:
    """Two leads that differ in the case of a text, or in a date, are the same lead for the folds."""
    path = tmp_path / "leads.parquet"
    frame = export(300, 3)
    again = frame[:50].with_columns(pl.col("source").str.to_uppercase())
    pl.concat([frame, again]).write_parquet(path)
    past = in_parts(path, np.arange(300))
    assert past.leads.groups is not None
    decided = frame["stage"] != "Open"
    first = past.leads.groups[: int(decided[:50].sum())]
    last = past.leads.groups[-len(first) :]
    assert (first == last).all()
