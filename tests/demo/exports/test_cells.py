"""The cells of an export: every CRM's are filled, and agree with each other and with the course of the deal."""

import numpy as np
import polars as pl
import pytest

from leadscoring.demo.exports.cells import CELLS, Deals, cell, table
from leadscoring.demo.exports.crm import CRMS, SALESFORCE
from leadscoring.demo.exports.write import made

ROWS = 4_000


@pytest.fixture(scope="module")
def deals() -> Deals:
    """Some deals of Salesforce."""
    return made(SALESFORCE, np.random.default_rng(3), np.arange(ROWS), ROWS)


@pytest.mark.parametrize("name", sorted(CELLS))
def test_every_cell_has_a_value_for_each_deal(deals: Deals, name: str) -> None:
    """Some are empty, none are empty in every row."""
    values = cell(deals, name)
    assert len(values) == ROWS
    assert values.null_count() < ROWS


@pytest.mark.parametrize("name", list(CRMS))
def test_a_table_has_the_columns_of_its_crm_as_text(name: str) -> None:
    """In order; constants are constant."""
    crm = CRMS[name]
    frame = table(made(crm, np.random.default_rng(3), np.arange(500), 500), crm.locale)
    assert frame.columns == [column.label for column in crm.columns]
    assert set(frame.dtypes) == {pl.String}
    for column in crm.columns:
        if column.cell in crm.constants:
            assert frame[column.label].unique().to_list() == [crm.constants[column.cell]]


def test_the_stage_is_that_of_the_course(deals: Deals) -> None:
    """Open deals have an open stage, and what existing customers buy is an upsell."""
    kind = np.array([SALESFORCE.stages[place].kind for place in deals.stage])
    assert np.array_equal(kind == "open", deals.course.is_open)
    assert np.array_equal(np.isin(kind, ["won", "upsell"]), deals.course.won & ~deals.course.is_open)
    assert set(cell(deals, "type").to_numpy()[kind == "upsell"]) == {"Existing Business"}


def test_a_weighted_amount_is_amount_times_probability(deals: Deals) -> None:
    """Unknown where the amount is."""
    expected = cell(deals, "amount") * cell(deals, "chance")
    assert cell(deals, "weighted").equals(expected, null_equal=True)


def test_only_lost_deals_have_a_reason(deals: Deals) -> None:
    """Neither won nor open ones."""
    given = cell(deals, "lost reason").is_not_null().to_numpy()
    assert np.array_equal(given, ~deals.course.won & ~deals.course.is_open)


def test_people_type_some_levels_in_another_case(deals: Deals) -> None:
    """Each level in up to three ways, and not in the same rows in two columns."""
    industry, source = cell(deals, "industry"), cell(deals, "source")
    assert industry.n_unique() > 2 * industry.str.to_lowercase().n_unique()
    shouted = industry.str.to_uppercase() == industry
    assert 0.01 < shouted.mean() < 0.04  # type: ignore[operator]  # the mean of booleans is a float
    assert not shouted.equals(source.str.to_uppercase() == source)


def test_several_products_are_separated_by_semicolons(deals: Deals) -> None:
    """As many as were chosen; none is empty."""
    counts = cell(deals, "products").str.count_matches(";").to_numpy() + 1
    chosen = deals.facts.products.sum(axis=1)
    assert np.array_equal(np.nan_to_num(counts, nan=0.0), chosen)
