from collections.abc import Sequence

import polars as pl
import pytest

from leadscoring.errors import TrainingDataError
from leadscoring.training.outcome import Outcome, is_open, outcomes
from leadscoring.training.reading.missing import MissingTokens


def outcome_of(values: Sequence[object], positive: str | None = None, negative: str | None = None) -> Outcome:
    """The outcome of a column."""
    won, lost = (() if given is None else (given,) for given in (positive, negative))
    return outcomes(pl.DataFrame({"t": values}, strict=False), "t", won, lost, MissingTokens())


def positive_of(values: list[object], positive: str | None = None) -> tuple[list[float | None], str]:
    """The outcomes of a column, and what means converted."""
    found = outcome_of(values, positive)
    return found.column.to_list(), found.words


@pytest.mark.parametrize(
    ("values", "chosen"),
    [
        (["0", "1"], "1"),
        (["no", "Yes"], "Yes"),
        ([0, 1], "1"),
        ([0.0, 1.0], "1"),
        ([False, True], "1"),
        (["lost", "won"], "won"),
        (["FALSCH", "WAHR"], "WAHR"),
        (["faux", "vrai"], "vrai"),
    ],
)
def test_the_plain_positive_is_found(values: list[object], chosen: str) -> None:
    """Where one of two values can only mean converted, nobody needs to say so."""
    assert positive_of(values) == ([0.0, 1.0], chosen)


def test_several_values_with_a_named_positive() -> None:
    """Any value may be named; others did not convert, but open and missing ones are unknown."""
    found = outcome_of(["won", "lost", None, "open", "NA", "lost", "bad"], "won")
    assert found.column.to_list() == [1.0, 0.0, None, None, None, 0.0, 0.0]
    assert found.notes == (
        "'won' (1) of 't' converted; 'lost' (2), 'bad' (1) did not",
        "1 rows were left out: 'open' (1) (not decided yet; --negative can name them)",
    )


def test_several_positive_values() -> None:
    """They stand in one option with commas, and a value that has a comma itself is one value."""
    found = outcome_of(["Customer", "Evangelist", "Lead", "Other"], "customer, Evangelist")
    assert (found.column.to_list(), found.positive) == ([1.0, 1.0, 0.0, 0.0], ("Customer", "Evangelist"))
    assert outcome_of(["Closed, Won", "Lost"], "Closed, Won").positive == ("Closed, Won",)


def test_what_negative_does_not_name_is_left_out() -> None:
    """Open states count as not converted only where --negative says so."""
    values: list[object] = ["Won", "Lost", "Open", "Spam"]
    assert outcome_of(values, "Won", "Lost,Open").column.to_list() == [1.0, 0.0, 0.0, None]
    assert outcome_of(values, None, "Lost").column.to_list() == [1.0, 0.0, None, None]
    with pytest.raises(TrainingDataError, match="both name 'Won'"):
        outcome_of(values, "Won", "won")


def test_spellings_of_one_value_are_one() -> None:
    """A deal that is won in small letters is not lost."""
    assert positive_of(["Won", "won ", "Lost", "LOST", "Won"]) == ([1.0, 1.0, 0.0, 0.0, 1.0], "Won")


def test_one_outcome_and_open_deals_are_not_two_outcomes() -> None:
    """Where nothing but open deals is left to be not converted, the way out is named."""
    with pytest.raises(TrainingDataError, match=r"'Open' \(2\), which looks open.*--negative 'Open'"):
        outcome_of(["Won", "Open", "Open"], "Won")


@pytest.mark.parametrize(
    "state",
    [
        *["Open", "In Progress", "New", "Working - Contacted", "Negotiation/Review", "Id. Decision Makers", "on hold"],
        *["Qualified To Buy", "Proposal/Price Quote", "Engaging", "In Verhandlung", "appointmentscheduled"],
    ],
)
def test_open_states_of_crms_are_known(state: str) -> None:
    """Whatever a CRM calls a deal that is not decided."""
    assert is_open(state)


@pytest.mark.parametrize("state", ["Won", "Closed Lost", "Customer", "0", "Unqualified", "Newsletter", "Opened"])
def test_other_states_are_not_open(state: str) -> None:
    """A word that only begins like one is none."""
    assert not is_open(state)


def test_a_loser_is_never_suggested() -> None:
    """The hint names what may mean converted, where the target has a value too many."""
    with pytest.raises(TrainingDataError, match="--positive '1'"):
        positive_of(["0", "1", "converted", "1", "0"])


@pytest.mark.parametrize(
    ("values", "positive", "words"),
    [
        (["a", "b"], None, "specify which values mean converted"),
        (["a", "b", "c"], None, "'a', 'b', 'c'.*--positive"),
        ([str(k) for k in range(20)], None, "and 12 more"),
        (["yes", "yes"], None, "every row has 't' = 'yes'"),
        (["no", "no"], "yes", "no row has 't' = 'yes': it holds 'no'"),
        (["won", "lost"], "wonn", "did you mean 'won'"),
        (["", None], None, "missing in every row"),
    ],
)
def test_an_unclear_target_is_refused(values: list[object], positive: str | None, words: str) -> None:
    """The message names the values that are there."""
    with pytest.raises(TrainingDataError, match=words):
        positive_of(values, positive)


def test_an_absent_target_gets_a_guess() -> None:
    """A misspelt column is guessed at."""
    with pytest.raises(TrainingDataError, match=r"'converted'.*did you mean 'Converted'"):
        outcomes(pl.DataFrame({"Converted": [0, 1]}), "converted", (), (), MissingTokens())


def test_several_values_that_only_mean_converted_are_found() -> None:
    """Where all others are known to mean not converted, or to be open."""
    found = outcome_of(["Customer", "Evangelist", "Lost - no budget", "Open", "Closed - Not Converted"])
    assert found.positive == ("Customer", "Evangelist")
    assert found.column.to_list() == [1.0, 1.0, 0.0, None, 0.0]
    assert found.undecided is not None
    assert found.undecided.to_list() == [False, False, False, True, False]


def test_qualified_means_converted_beside_disqualified() -> None:
    """In the leads of Dynamics; elsewhere it is a stage."""
    assert outcome_of(["Qualified", "Disqualified", "Open"]).positive == ("Qualified",)
    assert outcome_of(["Won", "Disqualified", "Qualified"]).column.to_list() == [1.0, 0.0, None]


def test_a_rare_value_one_letter_from_a_positive_one_is_a_warning() -> None:
    """It counts as not converted, which is wrong if it is a misspelling; other stages and numbers are none."""
    found = outcome_of(["Won"] * 20 + ["Lost"] * 20 + ["Wonn", "Wn", "Woh", "Last"], "Won")
    assert [words.partition(" of ")[0] for words in found.warnings] == ["'Wn' (1)", "'Woh' (1)", "'Wonn' (1)"]
    assert "but is nearly 'Won': if it means the same, use --positive 'Won,Wn'" in found.warnings[0]
    assert not outcome_of(["Stage 1"] * 20 + ["Stage 2", "Stage 11", "lost"], "Stage 1").warnings
    assert not outcome_of(["Won"] * 20 + ["Wonn", "Lost"], "Won", "Lost").warnings
