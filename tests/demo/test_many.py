"""Leads made as arrays: of the same distribution as those made one by one, with the same truth."""

import math

import polars as pl
import pytest

from leadscoring.demo.contract import CONTRACT
from leadscoring.demo.leads import demo_leads
from leadscoring.demo.many import CHUNK, SCHEMA, many_leads
from leadscoring.demo.truth import true_probability

ROWS = 40_000


@pytest.fixture(scope="module")
def many() -> pl.DataFrame:
    """Enough leads to compare distributions, drawn as arrays."""
    return pl.concat(many_leads(ROWS, seed=5))


@pytest.fixture(scope="module")
def singly() -> pl.DataFrame:
    """As many, made one by one."""
    rows = [
        (one.lead_id, one.created_at, *one.features.values(), int(one.converted), one.probability)
        for one in demo_leads(ROWS, seed=5)
    ]
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def apart(one: pl.Series, other: pl.Series) -> float:
    """How far the means of two columns are apart, in standard errors."""
    known, others = (column.drop_nulls().cast(pl.Float64).to_numpy() for column in (one, other))
    error = math.hypot(known.std() / math.sqrt(len(known)), others.std() / math.sqrt(len(others)))
    return float(abs(known.mean() - others.mean()) / error)


@pytest.mark.parametrize("name", [*CONTRACT.names, "converted", "true_probability"])
def test_each_column_is_distributed_as_when_made_one_by_one(
    many: pl.DataFrame, singly: pl.DataFrame, name: str
) -> None:
    """What is missing, the values, and how they hang together with the truth: within five standard errors."""
    assert apart(many[name].is_null(), singly[name].is_null()) < 5 if many[name].null_count() else True
    assert many[name].null_count() > 0 or singly[name].null_count() == 0
    for power in (1.0, 0.5):
        shifted = many[name] - singly[name].min(), singly[name] - singly[name].min()
        assert apart(shifted[0].clip(0) ** power, shifted[1] ** power) < 5
    joint = [frame[name] * frame["true_probability"] for frame in (many, singly)]
    assert apart(joint[0], joint[1]) < 5


def test_the_probability_is_the_truth_of_each_lead(many: pl.DataFrame) -> None:
    """The same function of the features as for a single lead, but for the last bits."""
    for row in many.head(3_000).iter_rows(named=True):
        assert row["true_probability"] == pytest.approx(
            true_probability({k: row[k] for k in CONTRACT.names}), rel=1e-12
        )


def test_values_keep_to_the_contract(many: pl.DataFrame) -> None:
    """Bounds hold, whole numbers are whole, and what is required is known."""
    for feature in CONTRACT.features:
        values = many[feature.name].drop_nulls().cast(pl.Float64)
        assert feature.minimum is None or values.min() >= feature.minimum, feature.name  # type: ignore[operator]
        assert feature.maximum is None or values.max() <= feature.maximum, feature.name  # type: ignore[operator]
        assert values.is_finite().all(), feature.name
        assert (many[feature.name].null_count() == 0) == feature.required, feature.name


def test_equal_seeds_give_equal_leads() -> None:
    """Over the borders of chunks, which have random numbers of their own."""
    one, again, other = (pl.concat(many_leads(CHUNK + 10, seed)) for seed in (-7, -7, 8))
    assert one.equals(again)
    assert not one.equals(other)
    assert one["lead_id"].to_list() == [f"lead-{row + 1:06d}" for row in range(CHUNK + 10)]
    assert one["created_at"].is_sorted()
    assert not one[:10].drop("lead_id", "created_at").equals(one[CHUNK:].drop("lead_id", "created_at"))


def test_days_are_those_of_leads_made_one_by_one(many: pl.DataFrame, singly: pl.DataFrame) -> None:
    """The same number of leads is spread over the same days."""
    assert many["created_at"].equals(singly["created_at"])


def test_counts_and_flags_are_whole_numbers() -> None:
    """As in the files of leads made one by one: 1, not 1.0."""
    for feature in CONTRACT.features:
        assert SCHEMA[feature.name] == (pl.Float64 if feature.kind == "number" else pl.Int64)
