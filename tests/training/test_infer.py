import numpy as np
import polars as pl
import pytest

from leadscoring.contract.features import Feature
from leadscoring.errors import TrainingDataError
from leadscoring.training.infer import Asked, Inferred, infer
from leadscoring.training.reading.how import parse_how
from leadscoring.training.reading.missing import parse_tokens

ROWS = 400
RANDOM = np.random.default_rng(7)
Y = (RANDOM.random(ROWS) < 0.3).astype(float)
KEEP = pl.Series("keep", RANDOM.integers(0, 50, ROWS).astype(str))
BEGINNING = RANDOM.bit_generator.state


@pytest.fixture(autouse=True)
def same_numbers() -> None:
    """Each test draws the same numbers, whichever ran before it in its process."""
    RANDOM.bit_generator.state = BEGINNING


def inferred(
    *columns: pl.Series,
    missing: tuple[str, ...] = (),
    ignore: tuple[str, ...] = (),
    keep: tuple[str, ...] = (),
    read: tuple[str, ...] = (),
) -> Inferred:
    """What is inferred of some columns beside one that is certainly kept."""
    frame = pl.DataFrame([KEEP, *columns])
    asked = Asked(ignore, keep, parse_how(read, frame.columns))
    return infer(frame, Y, {}, asked, parse_tokens(missing, frame.columns))


def feature(column: pl.Series, *missing: str, read: tuple[str, ...] = ()) -> Feature:
    """The feature that a column became."""
    found = {one.name: one for one in inferred(column, missing=missing, read=read).contract.features}
    return found[column.name]


def why_dropped(column: pl.Series) -> str:
    """The reason for which a column was dropped."""
    return inferred(column).dropped[column.name]


def text(values: object, name: str = "c") -> pl.Series:
    """A column of text, as a CSV file gives it."""
    return pl.Series(name, [None if v is None else str(v) for v in values], dtype=pl.String)  # type: ignore[attr-defined]


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


def test_unique_amounts_are_no_identifier() -> None:
    """Whole numbers that happen to be all different stay, unless named or numbered like an identifier."""
    amounts = RANDOM.permutation(np.arange(1, ROWS + 1)) ** 2 * 31
    assert feature(text(amounts, "revenue")).kind == "number"


def test_a_suspicious_column_is_kept_and_warned_of() -> None:
    """A column that nearly tells the outcome stays, with a question."""
    found = inferred(text(np.round(Y * 3.5 + RANDOM.normal(size=ROWS), 3)))
    assert any("known before the outcome?" in words for words in found.warnings)
    assert "c" in found.contract.names


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


def test_what_looks_like_numbers_and_is_not_read_so_is_a_warning() -> None:
    """With an example, and never as an identifier without a word."""
    found = inferred(text([f"{k} days" for k in range(ROWS)]))
    assert "an identifier" in found.dropped["c"]
    assert any("'c' looks like numbers and was not read as such: '0 days'" in words for words in found.warnings)


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
