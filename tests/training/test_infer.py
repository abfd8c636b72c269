"""Which columns of a file become features, and why others do not."""

import numpy as np
import polars as pl
import pytest
from inferring import BEGINNING, ROWS, Y, drawing, inferred, text, why_dropped

from leadscoring.errors import TrainingDataError
from leadscoring.training.infer import Asked, infer
from leadscoring.training.reading.missing import parse_tokens

RANDOM = drawing()


@pytest.fixture(autouse=True)
def same_numbers() -> None:
    """Each test draws the same numbers, whichever ran before it in its process."""
    RANDOM.bit_generator.state = BEGINNING


def test_default_tokens_are_missing_in_any_case_and_counted() -> None:
    """Select, UNKNOWN and the like are read as missing, and the report says how often."""
    values = ["Select", "UNKNOWN", "n/a", "", "?", *RANDOM.choice(["red", "blue"], ROWS - 5)]
    found = inferred(text(values))
    assert found.missing["c"] == {"": 1, "?": 1, "Select": 1, "UNKNOWN": 1, "n/a": 1}
    one = found.contract.features[1]
    assert set(one.values) == {"red", "blue"}
    assert {"Select", "UNKNOWN", "unknown", ""} <= set(one.missing)
    assert not one.required


def test_a_token_may_be_for_one_column() -> None:
    """COLUMN=TOKEN leaves the same text in other columns alone."""
    values = RANDOM.choice(["red", "blue", "void"], ROWS)
    found = inferred(text(values, "a"), text(values, "b"), missing=("a=void",))
    names = {one.name: one.values for one in found.contract.features}
    assert "void" not in names["a"]
    assert "void" in names["b"]


@pytest.mark.parametrize(
    ("column", "words"),
    [
        (text(["same"] * ROWS), "constant: always 'same'"),
        (text([5] * ROWS), "constant: always '5'"),
        (text([None] * ROWS), "all missing"),
        (text(["NA", "?"] * (ROWS // 2)), "all missing"),
        (text([f"lead {k}" for k in range(ROWS)]), "an identifier"),
        (text(range(5000, 5000 + ROWS)), "an identifier"),
        (text(RANDOM.permutation(np.arange(ROWS)) * 977, "Account ID"), "an identifier"),
        (text([f"word {k // 3 * 2}" for k in RANDOM.permutation(ROWS * 2)[:ROWS]]), "nearly unique"),
        (text([f"word {k // 7}" for k in range(ROWS)]), "none of them in 20 rows"),
        (text(["no"] * (ROWS - 3) + ["yes"] * 3), "nearly constant"),
        (text([f"2026-01-{1 + k % 28:02}" for k in range(ROWS)]), "a date or time"),
        (text([f"{1 + k % 28:02}.01.2026 12:00" for k in range(ROWS)]), "a date or time"),
        (pl.Series("c", [1, 2] * (ROWS // 2)).cast(pl.Date), "a date or time"),
        (pl.Series("c", [[1]] * ROWS), "neither number nor text"),
        (text(["won" if y else "lost" for y in Y]), "leaks the outcome"),
        (text(Y * 3 + 1), "leaks the outcome"),
        (text(["signed" if y else None for y in Y]), "leaks the outcome"),
    ],
)
def test_a_column_that_says_nothing_is_dropped_with_its_reason(column: pl.Series, words: str) -> None:
    """Each useless or leaking column is left out for a stated reason."""
    assert words in why_dropped(column)


def test_a_suspicious_column_is_left_to_the_leak_guard() -> None:
    """A column that nearly tells the outcome stays: it is weighed beside the others."""
    found = inferred(text(np.round(Y * 3.5 + RANDOM.normal(size=ROWS), 3)))
    assert "c" in found.contract.names


def test_ignored_columns_may_be_patterns() -> None:
    """--ignore takes names and patterns."""
    noise = RANDOM.integers(0, 90, ROWS)
    found = inferred(text(noise, "Asym A"), text(noise, "Asym B"), text(noise, "[x]"), ignore=("Asym *", "[x]"))
    assert found.contract.names == ["keep"]


def test_nothing_left_is_an_error() -> None:
    """When every column is dropped, the message says why for each."""
    frame = pl.DataFrame({"a": ["x"] * ROWS})
    with pytest.raises(TrainingDataError, match=r"no column is left to train on .*constant"):
        infer(frame, Y, {}, Asked(), parse_tokens((), frame.columns))


def test_false_among_numbers_is_how_odoo_writes_that_there_is_none() -> None:
    """It is no 0, in training or in a later file."""
    found = inferred(text([*["False"] * 40, *RANDOM.integers(0, 90, ROWS - 40)]))
    assert found.missing["c"] == {"False": 40}
    assert found.tokens == ("c=False",)
    assert found.frame["c"].null_count() == 40


def test_few_thousands_among_small_amounts_are_read() -> None:
    """One value in two hundred has a comma: it is read by it, not left missing."""
    found = inferred(text([*["1,250.50", "12,000.25"], *RANDOM.random(ROWS - 2).round(2) * 900], "amount"))
    assert found.frame["amount"].to_list()[:2] == [1250.5, 12000.25]
    assert found.warnings == ()


def test_a_file_with_decimal_commas_has_dots_for_thousands() -> None:
    """What one column cannot tell, another of the file does."""
    thousands = text([f"{1 + k % 9}.{100 + k}" for k in range(ROWS)], "revenue")
    commas = text([f"{k % 50},{k % 10}" for k in RANDOM.permutation(ROWS)], "price")
    assert inferred(thousands).frame["revenue"][0] == 1.1
    assert inferred(thousands, commas).frame["revenue"][0] == 1100
    assert inferred(thousands, read=("revenue=1.234,5",)).frame["revenue"][0] == 1100


def test_codes_with_leading_zeros_stay_text() -> None:
    """A postal code is no number."""
    found = inferred(text([("01234", "99999", "04109")[k % 3] for k in range(ROWS)]))
    assert found.contract.features[1].values == ("01234", "04109", "99999")
    assert "leading zeros" in found.notes[0]


def test_an_almost_empty_column_is_dropped_with_the_reason() -> None:
    """A money column that was filled in once is no flag."""
    assert why_dropped(text(["0.0", *[None] * (ROWS - 1)], "amount")) == "almost empty: 1 of 400 rows have a value"


def test_options_that_mean_no_column_are_warned_of() -> None:
    """A misspelt --ignore would leave a leak in."""
    said = Asked(ignore=("Tgas", "keep"), keep=("x*",)).unmatched(["keep", "Tags"])
    assert said == [
        "--ignore 'Tgas' means no column of the data; did you mean 'Tags'?",
        "--keep 'x*' means no column of the data",
    ]
