"""Which columns of a file become features, and why others do not."""

import sys
from collections.abc import Sequence

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
        (text([f"{k % 24:02}:30" for k in range(ROWS)]), "a time of day"),
        (pl.Series("c", [1, 2] * (ROWS // 2)).cast(pl.Time), "of the type Time"),
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


def kinds_of(*columns: pl.Series, read: tuple[str, ...] = ()) -> dict[str, str]:
    """The kind of each column that became a feature."""
    return {one.name: one.kind for one in inferred(*columns, read=read).contract.features}


def words(values: Sequence[str], count: int) -> list[str]:
    """As many of some words, by chance, one after the other."""
    return [" ".join(RANDOM.choice(values, count)) for _ in range(ROWS)]


DAYS = [f"2026-01-{1 + k % 28:02}" for k in range(ROWS)]
MANY = [f"w{chr(97 + k % 26)}{chr(97 + k // 26)}" for k in range(30)]


@pytest.mark.parametrize(
    ("column", "kind"),
    [
        (text(DAYS), "date"),
        (text([f"{1 + k % 28:02}.01.2026 12:00" for k in range(ROWS)]), "date"),
        (text([f"1/{1 + k % 28}/2026 5:00 PM" for k in range(ROWS)]), "date"),
        (pl.Series("c", [1, 2] * (ROWS // 2)).cast(pl.Date), "date"),
        (pl.Series("c", DAYS).str.to_datetime("%Y-%m-%d").dt.replace_time_zone("Asia/Tokyo"), "date"),
        (text([f"p{k}@firm{k % 5}.com" for k in range(ROWS)]), "email"),
        (text([";".join(RANDOM.choice(["a", "b", "c", "d"], 1 + k % 3, replace=False)) for k in range(ROWS)]), "set"),
        (text([", ".join(RANDOM.permutation(["a", "b", "c", "d", "e"])[: 1 + k % 3]) for k in range(ROWS)]), "set"),
        (text([f"{'Chief' if k % 3 else 'Head'} of unit {k}" for k in range(ROWS)]), "text"),
        (text(words(MANY, 4)), "text"),
        (text(RANDOM.choice(["Paris, France", "Rome, Italy", "Bonn, Germany"], ROWS)), "category"),
        (text(RANDOM.choice(["web", "fair"], ROWS)), "category"),
    ],
)
def test_a_column_is_of_the_kind_that_its_values_have(column: pl.Series, kind: str) -> None:
    """Dates in any notation, addresses, lists and texts of recurring words are recognised."""
    assert kinds_of(column)["c"] == kind


@pytest.mark.parametrize("kind", ["category", "text", "set"])
def test_the_user_may_say_what_a_column_is(kind: str) -> None:
    """--read has the last word, also over dates."""
    months = text([f"2026-0{1 + k % 9}-01" for k in range(ROWS)])
    assert kinds_of(months)["c"] == "date"
    assert kinds_of(months, read=(f"c={kind}",))["c"] == kind


def test_a_column_said_to_hold_dates_has_to() -> None:
    """What is none is an error that names it, unless it is rare."""
    with pytest.raises(TrainingDataError, match="--read says that 'c' holds dates, but 200 values do not fit"):
        inferred(text([*DAYS[:200], *["soon"] * 200]), read=("c=date",))
    found = inferred(text([*DAYS[:398], "soon", "soon"]), read=("c=date",))
    assert "holds dates, but also 'soon' 2 times" in found.warnings[0]
    assert found.frame["c"].null_count() == 2


def test_dates_that_leave_the_order_open_take_that_of_the_file() -> None:
    """Where no column shows it, the month comes first, with a warning."""
    open_dates = text([f"0{1 + k % 9}/0{1 + k % 7}/2026" for k in range(ROWS)], "a")
    clear = text([f"{1 + k % 28:02}/01/2026" for k in range(ROWS)], "b")
    alone = inferred(open_dates)
    assert alone.dates == {"a": "month-first"}
    assert "--read a=day-first" in alone.warnings[0]
    both = inferred(open_dates, clear)
    assert both.dates == {"a": "day-first", "b": "day-first"}
    assert both.warnings == ()


def test_dates_after_the_moment_are_counted_and_planned_ones_are_not() -> None:
    """A due date lies in the future by its nature; a visit in the future is not known yet."""
    as_of = np.full(ROWS, 1_768_003_200_000_000.0)  # 10 January 2026
    frame = pl.DataFrame(
        [text(DAYS, "Last Visit"), text([f"2026-02-{1 + k % 28:02}" for k in range(ROWS)], "Due Date")]
    )
    found = infer(frame, Y, {}, Asked(), parse_tokens((), frame.columns), as_of)
    late = sum(day > "2026-01-11" for day in DAYS)
    assert [one.planned for one in found.contract.features] == [False, True]
    assert found.warnings == (
        f"'Last Visit' holds {late} dates after the moment at which the lead is scored: they were not known then, and "
        "were read as missing",
    )


def test_a_column_of_dates_that_all_lie_ahead_is_dropped() -> None:
    """Unless its name says that they are planned."""
    ahead = text([f"2026-02-{1 + k % 28:02}" for k in range(ROWS)], "Stamp")
    frame = pl.DataFrame([text(DAYS, "Last Visit"), ahead])
    as_of = np.full(ROWS, 1_769_000_000_000_000.0)
    found = infer(frame, Y, {}, Asked(), parse_tokens((), frame.columns), as_of)
    assert found.dropped["Stamp"] == "400 of 400 dates are after the moment at which a lead is scored"
    assert list(found.later) == ["Stamp"]


def test_a_column_of_dates_that_nearly_all_lie_ahead_is_dropped_with_a_warning() -> None:
    """A date that later events overwrite: what is left of it says that nothing has happened since."""
    days = [f"2026-{1 + 2 * (k % 20 > 0):02}-{1 + k % 28:02}" for k in range(ROWS)]
    frame = pl.DataFrame([text(DAYS, "Last Visit"), text(days, "Stamp")])
    found = infer(frame, Y, {}, Asked(), parse_tokens((), frame.columns), np.full(ROWS, 1_769_900_000_000_000.0))
    why = "380 of 400 dates are after the moment at which a lead is scored"
    assert (found.dropped["Stamp"], list(found.later)) == (why, ["Stamp"])
    assert found.aside == (f"'Stamp' was excluded: {why} (--as-of COLUMN names another moment)",)


def test_the_name_of_a_person_is_no_text() -> None:
    """First names that recur must not become words; whether there is a person may be a flag."""
    people = text([f"Ann{k % 9} Lee{k}" if k % 2 else None for k in range(ROWS)], "Associated Contact")
    found = inferred(people)
    assert found.contract.names == ["keep", "has Associated Contact"]


def test_leads_that_differ_in_dates_alone_are_duplicates() -> None:
    """One lead exported twice must not be in two folds."""
    assert inferred(text(DAYS)).alike.columns == ["keep"]


def test_what_identifies_leads_may_still_say_whether_it_is_there() -> None:
    """A telephone number that some leads have becomes a flag; what law protects leaves no trace."""
    numbers = [f"+49 {k * 7919}" if k % 2 else None for k in range(ROWS)]
    found = inferred(text(numbers, "Phone"), text(numbers, "Religion"), text(numbers, "Code"))
    assert found.contract.names == ["keep", "has Phone", "has Code"]
    assert found.presence == {"has Phone": "Phone", "has Code": "Code"}
    assert found.frame["has Phone"].to_list() == [float(k % 2) for k in range(ROWS)]
    assert set(found.dropped) == {"Phone", "Religion", "Code"}


def test_plain_columns_are_inferred_in_few_queries_each() -> None:
    """What a column cannot hold is found for all columns at once: each query takes longer than a few hundred values."""
    columns = [text(RANDOM.choice(["web", "mail", "fair"], ROWS), f"word {place}") for place in range(20)]
    columns += [text([f"{one:.3f}" for one in RANDOM.normal(size=ROWS)], f"size {place}") for place in range(20)]
    queries = 0

    def count(_frame: object, event: str, called: object) -> None:
        nonlocal queries
        queries += event == "c_call" and getattr(called, "__name__", "") == "collect"

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        inferred(*columns)
    finally:
        sys.setprofile(before)
    assert 0 < queries < 40 * len(columns)
