"""The column of outcomes is recognised by its name and by values that mean converted."""

import polars as pl
import pytest
from past_leads import leads

from leadscoring.demo.exports.crm import CRMS
from leadscoring.demo.exports.write import Style, write
from leadscoring.training.candidates import candidates
from leadscoring.training.outcome import outcomes
from leadscoring.training.reading.missing import parse_tokens
from leadscoring.training.reading.table import read_table


def test_the_outcome_is_before_other_columns_of_two_values() -> None:
    """Whatever stands first in the table."""
    frame = leads(600).with_columns(pl.col("opt in").cast(pl.String))
    found = candidates(frame)
    assert [one.column for one in found] == ["won", "opt in"]
    assert found[0].converted == ("yes",)
    assert found[0].values == {"no": (frame["won"] == "no").sum(), "yes": (frame["won"] == "yes").sum()}
    assert found[0].share == pytest.approx((frame["won"] == "yes").mean())


@pytest.mark.parametrize("like", list(CRMS))
def test_the_outcome_of_an_export_is_recognised(tmp_path_factory: pytest.TempPathFactory, like: str) -> None:
    """Though stages of open deals are among its values, and leaks are as clear as it."""
    crm = CRMS[like]
    path = tmp_path_factory.mktemp(like) / "deals.csv"
    write(crm, 3000, 1, path, None, Style(**{part: getattr(crm, part) for part in Style._fields}))
    frame = read_table(path).frame
    right = outcomes(frame, crm.target, crm.positive, (), parse_tokens((), frame.columns)).column
    found = candidates(frame)[0]
    best = outcomes(frame, found.column, found.converted, (), parse_tokens((), frame.columns)).column
    assert best.to_list() == right.to_list()


def test_a_table_without_outcomes_has_none() -> None:
    """Neither dates nor many values nor one value alone."""
    frame = pl.DataFrame({"a": range(200), "b": ["x"] * 200, "c": [f"text {place}" for place in range(200)]})
    assert candidates(frame) == []
