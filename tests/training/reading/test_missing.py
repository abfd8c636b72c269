"""What means unknown is read as such, in the columns that it is meant for, and counted."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadscoring.errors import TrainingDataError
from leadscoring.training.reading.missing import SPELLINGS, MissingTokens, blank, parse_tokens

EVERYWHERE = MissingTokens().everywhere


@given(st.sampled_from(SPELLINGS), st.sampled_from([str.upper, str.lower, str.title]), st.sampled_from(["", " ", "\t"]))
def test_a_spelling_of_unknown_means_so_in_any_case_and_between_blanks(token: str, case: object, space: str) -> None:
    """As people and programs write it."""
    text = space + case(token) + space  # type: ignore[operator]  # a way to write a text
    column, counts = blank(pl.Series("a", [text, "red"]), EVERYWHERE)
    assert column.to_list() == [None, "red"]
    assert counts == {text: 1}


def test_a_token_for_one_column_leaves_the_others_alone() -> None:
    """One for all is everywhere; the last sign parts a name from its token."""
    tokens = parse_tokens(["void", "a=b= X ", "c=-1"], ["a=b", "c"])
    assert "void" in tokens.of("anything")
    assert "x" in tokens.of("a=b")
    assert "x" not in tokens.of("c")
    assert "-1" in tokens.of("c")
    assert tokens.of("c") > EVERYWHERE


def test_a_token_for_a_column_that_is_not_there_is_refused() -> None:
    """With a guess at the one meant."""
    with pytest.raises(TrainingDataError, match=r"'revenu'.*did you mean 'revenue'\?"):
        parse_tokens(["revenu=0"], ["revenue"])


def test_numbers_may_be_tokens_and_stay_numbers() -> None:
    """A whole float is the same as the number without its fraction."""
    column, counts = blank(pl.Series("a", [1.0, 999.0, 2.5]), frozenset({"999"}))
    assert column.to_list() == [1.0, None, 2.5]
    assert column.dtype == pl.Float64
    assert counts == {"999": 1}


def test_what_is_neither_text_nor_number_is_left_as_it_is() -> None:
    """A flag is never unknown."""
    column, counts = blank(pl.Series("a", [True, False]), frozenset({"true"}))
    assert (column.to_list(), counts) == ([True, False], {})


def test_how_often_each_spelling_stands_there_is_counted_apart() -> None:
    """As it is spelled in the file."""
    _, counts = blank(pl.Series("a", ["NA", "na", "NA", "", None]), EVERYWHERE)
    assert counts == {"": 1, "NA": 2, "na": 1}
