"""Lists in one cell are distinguished from texts with a comma."""

import numpy as np
import polars as pl
import pytest

from leadscoring.contract.aspects import Aspect
from leadscoring.contract.features import Feature
from leadscoring.model.reading import Reading
from leadscoring.training.column import Read
from leadscoring.training.derived.kind import Evidence
from leadscoring.training.derived.sets import COUNT, Sets, closed, combined

ROWS = 600
RANDOM = np.random.default_rng(4)


def lists(separator: str, values: str = "abcdef") -> pl.Series:
    """Some of the values in each cell, in any order."""
    return pl.Series("c", [separator.join(RANDOM.permutation(list(values))[: 1 + k % 3]) for k in range(ROWS)])


@pytest.mark.parametrize("separator", [";", "; ", ", ", ","])
def test_lists_are_recognised_by_their_separator(separator: str) -> None:
    """Values that recur in different combinations."""
    column = lists(separator)
    assert Sets().detects(Read(column, column))


def test_places_and_free_texts_are_no_lists() -> None:
    """Their parts are always in the same place, or do not recur."""
    places = pl.Series("c", [f"Town {k % 40}, Land {k % 7}" for k in range(ROWS)])
    notes = pl.Series("c", [f"word {k}; and {k * 7}" for k in range(ROWS)])
    assert not combined(places, ",")
    for column in (places, notes, pl.Series("c", range(ROWS))):
        assert not Sets().detects(Read(column, column))


def test_frequent_values_and_their_number_become_columns() -> None:
    """A value of few leads does not."""
    column = pl.concat([lists(";"), pl.Series("c", ["rare;a"] * 3)])
    read = Read(column, column)
    Sets().read(read)
    assert read.feature is not None
    evidence = Evidence(np.ones(ROWS + 3, dtype=bool), np.zeros(ROWS + 3), {}, Sets().tokens(column))
    aspects = Sets().choose(read.feature, evidence).aspects
    assert {aspect.of for aspect in aspects} == {*"abcdef", ""}
    assert COUNT in aspects
    assert Aspect("weight") not in aspects


def test_a_value_with_a_comma_is_one_where_semicolons_separate() -> None:
    """Also alone in its cell, in training and in later files; where commas separate, they do."""
    values = ["Data, AI", "Data, AI;pricing", "pricing", None, "demo;pricing"]
    column = pl.Series("c", values * 20)
    read = Read(column, column)
    Sets().read(read)
    assert read.notes == ["'c': several values in one cell, separated by ';'"]
    assert sorted(Sets().tokens(read.column).names) == ["data, ai", "demo", "pricing"]
    feature = Feature("c", "set", aspects=(Aspect("value", "data, ai"),))
    assert Sets().parse(feature, pl.Series("c", ["Data, AI", "demo"]), Reading()).to_list() == ["Data, AI;", "demo"]
    commas = pl.Series("c", ["a,b", "b"])
    assert closed(commas).to_list() == ["a,b", "b"]
