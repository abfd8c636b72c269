"""Unknown names are understood by one rule where there is one, else by the nearest name, for a fixed amount of work."""

import pytest

from leadscoring.contract.naming import COMPARISONS, Guesser, Known, Rule, plain

NAMES = ("annual_revenue", "web_visits", "open_rate", "decision_maker", "source")


@pytest.mark.parametrize(
    ("written", "rule"),
    [
        (lambda name: name.title().replace("_", ""), Rule()),
        (lambda name: name.replace("_", "-").upper(), Rule()),
        (lambda name: name.replace("_", " "), Rule()),
        (lambda name: "hs_" + name, Rule(before="hs")),
        (lambda name: "properties." + name.title(), Rule(before="properties")),
        (lambda name: name.title() + "__c", Rule(behind="c")),
    ],
)
def test_names_that_differ_in_one_way_are_understood_together(written, rule) -> None:  # type: ignore[no-untyped-def]  # of lambdas
    """As camelCase, with hyphens, with a CRM's prefix or suffix."""
    sent = [written(name) for name in NAMES]
    assert Guesser(Known(NAMES)).renamed(sent) == (rule, dict(zip(sent, NAMES, strict=True)))


def test_a_few_names_that_differ_make_no_rule() -> None:
    """Nor do many of which most mean nothing."""
    guesser = Guesser(Known(NAMES))
    assert guesser.renamed(["webVisits", "openRate"]) is None
    assert guesser.renamed(["webVisits", "openRate", "Source", *"abcdef"]) is None


def test_two_spellings_of_one_name_count_once() -> None:
    """They cannot both be meant."""
    assert Guesser(Known(NAMES)).renamed(["webVisits", "web-visits", "WEB_VISITS"]) is None


def test_a_name_that_differs_in_its_spelling_is_guessed_for_nothing() -> None:
    """However many there are."""
    guesser = Guesser(Known(NAMES))
    guesser.left = 0
    assert guesser.guess("AnnualRevenue") == "annual_revenue"
    assert guesser.guess("anual_revenu") is None


def test_guesses_end_when_their_work_is_spent_and_are_remembered() -> None:
    """The same name costs once."""
    guesser = Guesser(Known(NAMES))
    for place in range(10_000):
        assert guesser.guess("anual_revenu") == "annual_revenue"
        guesser.guess(f"anual_revenu{place}")
    assert -len(NAMES) < guesser.left <= 0


def test_of_very_many_known_names_only_those_that_begin_alike_are_compared() -> None:
    """One guess costs no more than a request has."""
    names = [f"{letter}_{place}" for letter in "ab" for place in range(10 * COMPARISONS)]
    assert len(Known(names).candidates("B_17")) == COMPARISONS


def test_names_of_signs_alone_stay_what_they_are() -> None:
    """And two known names of one plain form are never guessed by it."""
    assert plain("--") == "--"
    assert Guesser(Known(["a_b", "ab"])).guess("A-B") in ("a_b", "ab", None)
    assert "ab" not in Known(["a_b", "ab"]).by_form
