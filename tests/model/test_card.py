"""The card survives its way through the model file, and refuses to contradict itself."""

from itertools import pairwise

import msgspec
import pytest
from factories import card
from hypothesis import given
from hypothesis import strategies as st

from leadscoring.errors import CardInvalid
from leadscoring.model.card import TIERS, Bins, Reference, Tiers, Training, in_percent, percentile, read_card

TRAINED = {"rows": 3, "positives": 1, "target": "won", "data_hash": "sha256:0"}


def test_a_card_is_read_back_as_it_was_written() -> None:
    """Nothing is lost in the booster's attribute."""
    assert read_card(card().to_json()) == card()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"format": 99}, "format 99"),
        ({"name": ""}, "name and a version"),
        ({"reference": {"features": [{}]}}, "reference has 1 columns, the contract 7"),
        ({"golden": [{"row": [1.0], "margin": 0.0}]}, "golden row 0 has 1 values"),
        ({"golden": [{"row": [1e300] * 7, "margin": 0.0}]}, "within float32"),
        ({"tiers": {"thresholds": [0.1, 0.2, 0.3, 0.4]}}, "strictly fall"),
        ({"calibration": {"margins": [1.0], "probabilities": []}}, "as many margins"),
        ({"contract": {"features": []}}, "at least one feature"),
        ({"contract": {"features": [{"name": "made", "kind": "date"}]}}, "'made' makes no column"),
        ({"surprise": 1}, "surprise"),
        ({"format": 1, "training": {**TRAINED, "as_of": "day"}}, "format 1, which has neither"),
        ({"training": {**TRAINED, "trained_until": "yesterday"}}, "must be a moment .*, not 'yesterday'"),
        ({"training": {**TRAINED, "trained_until": "2026-01-31T12:00:00"}}, "must be a moment"),
    ],
)
def test_a_card_that_contradicts_itself_says_where(changes: dict[str, object], said: str) -> None:
    """Whatever is wrong with a card is one kind of error, with the place in it."""
    value = msgspec.json.decode(card().to_json()) | changes
    with pytest.raises(CardInvalid, match=said):
        read_card(msgspec.json.encode(value))


def test_a_card_of_format_1_is_still_read() -> None:
    """Files of earlier versions are served as they are, and say nothing of the end of their data."""
    value = msgspec.json.decode(card().to_json()) | {"format": 1, "training": TRAINED}
    old = read_card(msgspec.json.encode(value))
    assert (old.format, old.training and old.training.until) == (1, None)


def test_the_end_of_training_is_exact() -> None:
    """To the microsecond, in any zone."""
    for text, expected in (("2026-01-31T12:00:00.000001Z", 1769860800000001), ("1970-01-01T01:00:00+01:00", 0)):
        assert Training(**TRAINED, trained_until=text).until == expected  # type: ignore[arg-type]  # as JSON has it


@given(st.binary(max_size=200))
def test_no_text_makes_the_reader_fail_otherwise(text: bytes) -> None:
    """A hostile attribute is an error message."""
    with pytest.raises(CardInvalid):
        read_card(text)


def test_a_card_nested_without_end_is_refused() -> None:
    """Recursion ends in a message too."""
    with pytest.raises(CardInvalid):
        read_card('{"quality":' + '{"a":' * 100_000)


@given(st.lists(st.floats(0.01, 0.99), min_size=4, max_size=4, unique=True), st.floats(0, 1), st.floats(0, 1))
def test_a_higher_probability_never_gets_a_lower_bucket(bounds: list[float], one: float, other: float) -> None:
    """Tiers keep the order of leads, and their thresholds belong to the better tier."""
    tiers = Tiers(tuple(sorted(bounds, reverse=True)))  # type: ignore[arg-type]  # four of them
    low, high = sorted((one, other))
    assert 1 <= tiers.bucket(low) <= tiers.bucket(high) <= 5
    assert [tiers.bucket(bound) for bound in tiers.thresholds] == [5, 4, 3, 2]
    assert list(tiers.meanings()) == list(TIERS)


@given(st.lists(st.floats(0, 1), min_size=2, max_size=101), st.lists(st.floats(-0.5, 1.5), min_size=2, max_size=10))
def test_percentiles_rise_with_the_probability_from_0_to_100(
    quantiles: list[float], probabilities: list[float]
) -> None:
    """Percentiles keep the order of leads."""
    quantiles.sort()
    found = [percentile(quantiles, probability) for probability in sorted(probabilities)]
    assert all(place is not None and 0 <= place <= 100 for place in found)
    assert all(a <= b for a, b in pairwise(found))  # type: ignore[operator]  # none of them is None


def test_a_percentile_is_the_share_of_past_leads_below() -> None:
    """Half way through the reference is 50; without a reference there is none."""
    assert percentile([0.0, 0.1, 0.2, 0.4, 0.8], 0.2) == 50.0
    assert percentile([0.0, 0.1, 0.2, 0.4, 0.8], 0.3) == 62.5
    assert percentile([], 0.3) is None


def test_a_reference_is_in_order() -> None:
    """Quantiles never fall."""
    with pytest.raises(CardInvalid):
        Reference((0.2, 0.1))
    with pytest.raises(CardInvalid):
        Reference((0.2,))
    assert Bins().missing == 0.0


@pytest.mark.parametrize(
    ("thresholds", "first", "last"),
    [
        ((0.8, 0.6, 0.4, 0.2), "probability 80.0% or more", "probability below 20.0%"),
        ((0.99996, 0.5, 0.4, 0.0003), "probability 99.996% or more", "probability below 0.030%"),
        ((0.999999, 0.5, 0.4, 0.000001), "probability 99.9999% or more", "probability below 0.0001%"),
        ((1.0, 0.5, 0.4, 0.0), "probability 100%", "probability below 0% (no lead)"),
    ],
)
def test_tiers_at_the_ends_of_the_scale(thresholds: tuple[float, float, float, float], first: str, last: str) -> None:
    """Words never say that a tier begins where no probability is."""
    meanings = Tiers(thresholds).meanings()
    assert (meanings["A"], meanings["E"]) == (first, last)


@given(st.lists(st.floats(0, 1).map(lambda share: round(share, 7)), min_size=1, max_size=4))
def test_percentages_are_apart_from_each_other_and_from_the_ends(shares: list[float]) -> None:
    """Only 0 is 0%, only 1 is 100%, and no two different shares read alike."""
    words = in_percent(shares)
    assert len(set(words)) == len(set(shares))
    for share, word in zip(shares, words, strict=True):
        assert (float(word[:-1]) == 0.0) == (share == 0.0)
        assert (float(word[:-1]) == 100.0) == (share == 1.0)
