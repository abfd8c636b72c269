"""One column: the feature that its numbers or texts make, with bounds that nothing legitimate crosses."""

import numpy as np
import polars as pl
import pytest
from inferring import BEGINNING, ROWS, drawing, feature, inferred, text

from leadscoring.errors import TrainingDataError

RANDOM = drawing()


@pytest.fixture(autouse=True)
def same_numbers() -> None:
    """Each test draws the same numbers, whichever ran before it in its process."""
    RANDOM.bit_generator.state = BEGINNING


def test_whole_numbers_are_integers_without_an_invented_maximum() -> None:
    """Whole numbers from 0 on get a minimum of 0 and no maximum."""
    one = feature(text(RANDOM.integers(0, 90, ROWS)))
    assert (one.kind, one.minimum, one.maximum, one.required) == ("integer", 0.0, None, True)


def test_negative_numbers_have_no_minimum() -> None:
    """A column that goes below 0 is unbounded."""
    one = feature(text(RANDOM.normal(size=ROWS).round(3)))
    assert (one.kind, one.minimum, one.maximum) == ("number", None, None)


def test_whole_numbers_written_with_a_fraction() -> None:
    """12.0 means number, unless it is only so because a value is missing beside it."""
    whole = RANDOM.integers(0, 90, ROWS).astype(float)
    assert feature(text(whole)).kind == "number"
    assert feature(text([None, *whole[1:]])).kind == "integer"


@pytest.mark.parametrize(
    ("name", "pair", "kind"),
    [
        ("c", ("True", "false"), "flag"),
        ("is_member", ("0", "1"), "flag"),
        ("hasDemo", ("0.0", "1.0"), "flag"),
        ("Opt in", ("0", "1"), "flag"),
        ("Newsletter?", ("0", "1"), "flag"),
        ("connections", ("0", "1"), "integer"),
        ("c", ("0", "1"), "number"),
        ("amount", ("0", "1"), "number"),
    ],
)
def test_a_flag_needs_booleans_or_a_name_that_says_so(name: str, pair: tuple[str, str], kind: str) -> None:
    """0 and 1 so far do not mean that 2 never comes."""
    one = feature(text([pair[k % 2] for k in RANDOM.integers(0, 2, ROWS)], name))
    assert (one.kind, one.maximum) == (kind, None)


@pytest.mark.parametrize(
    ("name", "values", "kind"),
    [
        ("amount", RANDOM.integers(0, 30, ROWS), "number"),
        ("Number of employees", RANDOM.integers(5, 5000, ROWS) * 10, "integer"),
        ("c", RANDOM.integers(500, 90000, ROWS), "number"),
        ("page_views_30d", RANDOM.integers(0, 4, ROWS), "integer"),
        ("days since contact", RANDOM.integers(0, 30, ROWS), "number"),
        ("clicks", RANDOM.integers(2**53, 2**55, ROWS), "number"),
    ],
)
def test_an_integer_needs_a_column_that_counts(name: str, values: object, kind: str) -> None:
    """Whole amounts may come with a fraction, and what the service refuses as a whole number is none here."""
    assert feature(text(values, name)).kind == kind


def test_the_kind_may_be_named() -> None:
    """--read COLUMN=flag, integer, number or category decides, and must fit."""
    column = text(RANDOM.integers(0, 2, ROWS))
    for kind in ("flag", "integer", "number"):
        assert feature(column, read=(f"c={kind}",)).kind == kind
    assert feature(column, read=("c=category",)).values == ("0", "1")
    with pytest.raises(TrainingDataError, match="is a flag, but it holds 2"):
        feature(text(["2", *RANDOM.integers(0, 2, ROWS - 1)]), read=("c=flag",))
    with pytest.raises(TrainingDataError, match="do not fit, such as 'x'"):
        feature(text(["x"] * 50 + ["1"] * (ROWS - 50)), read=("c=number",))
    with pytest.raises(TrainingDataError, match=r"--read 'c' must be one of .*'day-first'.*, not 'flags'"):
        feature(column, read=("c=flags",))
    with pytest.raises(TrainingDataError, match="--read takes COLUMN=HOW"):
        feature(column, read=("d=flag",))


def test_yes_and_no_are_a_category() -> None:
    """Texts stay texts, so that a lead may send them as they are."""
    one = feature(text([("Yes", "No")[k] for k in RANDOM.integers(0, 2, ROWS)]))
    assert (one.kind, sorted(one.values), one.other) == ("category", ["No", "Yes"], False)


def test_one_missing_value_makes_a_feature_optional() -> None:
    """Only what was never missing in training is required."""
    assert not feature(text([None, *RANDOM.integers(0, 90, ROWS - 1)])).required


def test_a_numeric_token_bounds_the_feature() -> None:
    """Where 999 means unknown, a lead that sends 999 is refused rather than scored as a number."""
    one = feature(text(np.where(RANDOM.random(ROWS) < 0.5, 999, RANDOM.integers(0, 30, ROWS))), "c=999")
    assert (one.maximum, one.required) == (998.0, False)
    assert "999 meant unknown" in one.help


def test_a_numeric_token_among_real_values_is_warned_of() -> None:
    """A token that no bound can keep out is warned of."""
    found = inferred(text(RANDOM.integers(0, 30, ROWS)), missing=("c=7",))
    assert any("7 means unknown" in words for words in found.warnings)


def test_rare_levels_fold_into_other() -> None:
    """Levels too rare to learn from share one code, where they are enough together."""
    values = ["red"] * 200 + ["blue"] * 170 + [f"rare {k % 15}" for k in range(30)]
    found = inferred(text(values))
    one = found.contract.features[1]
    assert (one.values, one.other, found.folded) == (("red", "blue"), True, {"c": 30})


def test_few_rare_levels_count_as_unknown() -> None:
    """Where the rare levels are too few together, no code is made for them."""
    one = feature(text(["red"] * 200 + ["blue"] * 195 + ["x", "y", "z", "z", "y"]))
    assert (one.values, one.other) == (("red", "blue"), False)


def test_unique_amounts_are_no_identifier() -> None:
    """Whole numbers that happen to be all different stay, unless named or numbered like an identifier."""
    amounts = RANDOM.permutation(np.arange(1, ROWS + 1)) ** 2 * 31
    assert feature(text(amounts, "revenue")).kind == "number"


def test_stray_text_among_numbers_is_read_as_missing() -> None:
    """One odd text does not make a column of numbers a category."""
    found = inferred(text(["n.a.", *RANDOM.integers(0, 90, ROWS - 1)]))
    assert found.missing["c"] == {"n.a.": 1}
    assert any("'n.a.'" in words for words in found.warnings)


def test_infinity_and_what_no_float_holds_are_missing() -> None:
    """Values that the trees cannot compare are missing, and warned of."""
    found = inferred(pl.Series("c", [np.inf, 1e300, np.nan, *RANDOM.normal(size=ROWS - 3)]))
    assert found.warnings
    assert not found.contract.features[1].required


def test_what_looks_like_numbers_and_is_not_read_so_is_a_warning() -> None:
    """With an example, and never as an identifier without a word."""
    found = inferred(text([f"{k} days" for k in range(ROWS)]))
    assert "an identifier" in found.dropped["c"]
    assert any("'c' looks like numbers and was not read as such: '0 days'" in words for words in found.warnings)
