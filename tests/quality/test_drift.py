"""Bins follow the card, and the index grows with what has changed."""

import math
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise

import pytest
from factories import SMALL, card
from grid import choice, choices
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET

from leadscoring.contract.columns import Column, Columns
from leadscoring.contract.features import Contract, Feature
from leadscoring.model.calibration import Calibration, logistic
from leadscoring.model.card import Bins, Card, Reference
from leadscoring.quality import drift

counts = st.lists(st.integers(0, 10_000), min_size=12, max_size=12)


def shares(numbers: list[int]) -> list[float]:
    """Counts as shares."""
    return [number / sum(numbers) for number in numbers]


@given(counts, counts)
def test_the_index_is_never_negative_and_nothing_for_the_same(one: list[int], other: list[int]) -> None:
    """Whatever is empty on either side."""
    if sum(one) and sum(other) >= drift.FEWEST_LEADS:
        index = drift.stability_index(shares(one), other)
        assert index is not None
        assert math.isfinite(index)
        assert index >= 0
        assert drift.stability_index(shares(other), other) == 0


def test_the_index_is_the_one_of_the_books() -> None:
    """By hand: (0.6 - 0.5) ln(0.6 / 0.5) + (0.4 - 0.5) ln(0.4 / 0.5); an empty bin counts for a ten-thousandth."""
    assert drift.stability_index([0.5, 0.5], [600, 400]) == pytest.approx(0.1 * math.log(1.2) - 0.1 * math.log(0.8))
    assert drift.stability_index([1.0, 0.0], [500, 500]) == pytest.approx(
        0.5 * math.log(2) + (0.5 - 0.0001) * math.log(5000)
    )


def test_too_few_leads_get_no_verdict() -> None:
    """Chance would be taken for drift."""
    assert drift.stability_index([0.5, 0.5], [499, 0]) is None
    assert drift.verdict(None) == "too few leads"
    assert [drift.verdict(index) for index in (0.0, 0.1, 0.2, 0.21)] == ["stable", "moved", "moved", "drifted"]


@given(st.floats(0, 1), st.floats(-40, 40, width=32))
def test_an_edge_parts_margins_as_it_parts_probabilities(probability: float, margin: float) -> None:
    """Of the logistic function, and of a calibration with a plateau."""
    steps = Calibration((-3.0, -1.0, 0.5, 4.0), (0.1, 0.3, 0.3, 0.9), "isotonic")
    for of in (logistic, steps.probability):
        assert (margin <= drift.highest_margin(probability, of)) == (of(margin) <= probability)


def bins_of(feature: Feature, reference: Bins) -> drift.Bins | None:
    """The bins of a feature of one column."""
    return drift.column_bins(feature, feature.columns[0], reference)


def number(bins: int) -> Bins:
    """A reference of a number with so many bins, its edges 0, 1, 2..."""
    return Bins(tuple(map(float, range(bins - 1))), (0.8 / bins,) * bins, 0.2)


@pytest.mark.parametrize("bins", [1, 2, 9, 10, 11, 25, 1000])
def test_a_number_has_ten_bins_at_most_and_loses_no_share(bins: int) -> None:
    """A card may have more; neighbours are taken together."""
    made = bins_of(Feature("x", "number"), number(bins))
    assert made is not None
    assert made.edges is not None
    assert len(made.edges) == min(bins, 10) - 1 == len(made.holds) - 1
    assert all(a < b for a, b in pairwise(made.edges))
    known = [share for share in made.shares if share is not None]
    assert math.fsum(known) == pytest.approx(1)
    assert len(known) == min(bins, 10) + 1
    for place, edge in enumerate(made.edges):
        below = math.fsum(share for share in made.shares[: place + 1] if share is not None)
        assert below == pytest.approx(0.8 / bins * (edge + 1))


@pytest.mark.parametrize("known", [1, 9, 10, 11, 40])
def test_the_commonest_categories_have_bins_of_their_own(known: int) -> None:
    """The rest have one together; texts that were rare in training are unseen, as they will be when they come."""
    feature = Feature("x", "category", values=tuple(f"v{code}" for code in range(known)), other=True)
    weights = [1 + code for code in range(known)]
    reference = Bins((), (*(0.7 * weight / sum(weights) for weight in weights), 0.1), 0.2)
    made = bins_of(feature, reference)
    assert made is not None
    assert made.codes is not None
    assert made.codes[-1] == 0
    assert made.holds[0] == f"v{known - 1}"
    assert len(set(made.codes)) == min(known, 10)
    assert (made.shares[drift.MISSING], made.shares[drift.UNSEEN]) == pytest.approx((0.2, 0.1))
    assert math.fsum(share for share in made.shares if share is not None) == pytest.approx(1)
    assert ("others" in made.holds[-1]) == (known > 10)


@pytest.mark.parametrize("known", [1, 9, 10, 40])
def test_rare_texts_have_a_bin_where_the_card_lists_them(known: int) -> None:
    """Then nothing is expected to be unseen."""
    values = tuple(f"v{code}" for code in range(known))
    feature = Feature("x", "category", values=values, other=True, rare=("r",))
    reference = Bins((), (*(0.5 / known for _ in values), 0.3), 0.2)
    made = bins_of(feature, reference)
    assert made is not None
    assert made.codes is not None
    assert made.holds[made.codes[known]] == "rare values"
    assert made.shares[made.codes[known]] == pytest.approx(0.3)
    assert made.shares[drift.UNSEEN] == 0
    assert math.fsum(share for share in made.shares if share is not None) == pytest.approx(1)


def test_shares_of_the_score_are_those_of_its_quantiles() -> None:
    """A tenth each; where many leads have one score, its bin has all of them."""
    edges, parts = drift.score_bins(tuple(step / 100 for step in range(101)))
    assert edges == pytest.approx([tenth / 10 for tenth in range(1, 10)])
    assert parts == pytest.approx([0.1] * 10)
    edges, parts = drift.score_bins((*[0.2] * 60, *(0.2 + step / 100 for step in range(1, 42))))
    assert edges[0] == 0.2
    assert parts[0] == pytest.approx(0.59)
    assert sum(part for part in parts if part is not None) == pytest.approx(1)
    assert drift.score_bins((0.5, 0.5)) == ((), (1.0,))


def test_a_card_without_a_reference_has_nothing_to_compare_with() -> None:
    """Nor has one whose features have no shares and whose score has no quantiles."""
    assert drift.baseline(card(reference=Reference())) is None
    assert drift.baseline(card(reference=Reference((), (Bins(),) * len(SMALL)))) is None
    only = drift.baseline(card())
    assert only is not None
    assert (only.counted, len(only.margins)) == ((), 9)


def test_features_beyond_the_limit_are_not_counted_and_that_is_said() -> None:
    """The first of the contract are."""
    features = tuple(Feature(f"x{place}", "number") for place in range(drift.MOST_COLUMNS + 3))
    wide = Card("wide", "1", Contract(features), reference=Reference((), (number(4),) * len(features)))
    base = drift.baseline(wide)
    assert base is not None
    assert len(base.counted) == drift.MOST_COLUMNS
    said = drift.report(base, [0.0] * 10, [[0.0] * 12] * drift.MOST_COLUMNS)
    assert said.not_counted == ["x200", "x201", "x202"]


@given(st.lists(st.integers(1, 40), min_size=1, max_size=300))
def test_columns_are_counted_in_turn(widths: list[int]) -> None:
    """As many as there is room for; no feature has a column counted before every other has one at the same place."""
    columns = Columns([tuple(Column(f"{feature} {place}") for place in range(of)) for feature, of in enumerate(widths)])
    counted = drift.first_in_turn(columns)
    assert len(counted) == min(sum(widths), drift.MOST_COLUMNS)
    turns = [(place - columns.first[feature], feature) for place, feature in enumerate(columns.feature)]
    left_out = [turn for place, turn in enumerate(turns) if place not in counted]
    assert max(turns[place] for place in counted) < min(left_out, default=(math.inf, 0))


def wide() -> Card:
    """A card of 1,000 columns: choices of 600, 1 and 396 values, and three numbers, of which one has no shares."""
    age, fee, tax = (Feature(name, "number") for name in ("age", "fee", "tax"))
    contract = Contract((choice("title", 600), age, choice("plan", 1), choice("city", 396), fee, tax))
    both = Bins((0.0,), (0.7, 0.2), 0.1)
    references = [both if column.most == 1 else number(4) for column in contract.columns.every]
    references[-1] = Bins()
    return Card("wide", "1", contract, reference=Reference((), tuple(references)))


@pytest.fixture
def wide_base() -> Iterator[drift.Baseline]:
    """The baseline of that card."""
    with choices():
        base = drift.baseline(wide())
        assert base is not None
        yield base


def test_of_a_thousand_columns_every_feature_has_its_share_of_the_room(wide_base: drift.Baseline) -> None:
    """What is not counted is named: a feature without any bins, and the later columns of the others."""
    by_feature = Counter(bins.feature for bins in wide_base.counted)
    assert by_feature == {"title": 98, "age": 1, "plan": 1, "city": 98, "fee": 1}
    assert len(wide_base.columns) == 1000
    assert [bins.column for bins in wide_base.counted if bins.feature == "city"] == [f"city is v{n}" for n in range(98)]
    expected = [f"title is v{n}" for n in range(98, 600)] + [f"city is v{n}" for n in range(98, 396)] + ["tax"]
    assert drift.report(wide_base, [], [[0.0] * 12] * len(wide_base.counted)).not_counted == expected


def test_the_drift_of_a_feature_is_the_largest_of_its_columns(wide_base: drift.Baseline) -> None:
    """The report names that column; of a feature that is a column itself it names none."""
    counts = {bins.column: [700.0, 200.0, *[0.0] * 8, 100.0, 0.0] for bins in wide_base.counted}
    counts |= {name: [*[200.0] * 4, *[0.0] * 6, 200.0, 0.0] for name in ("age", "fee")}
    counts["city is v3"] = [600.0, 300.0, *[0.0] * 8, 100.0, 0.0]
    counts["city is v9"] = [400.0, 500.0, *[0.0] * 8, 100.0, 0.0]
    counts["plan is v0"] = [500.0, 400.0, *[0.0] * 8, 100.0, 0.0]
    rows = drift.report(wide_base, [], list(counts.values())).features
    assert [row.feature for row in rows[:2]] == ["city", "plan"]
    assert {row.feature: row.column for row in rows} == {
        "city": "city is v9",
        "plan": "plan is v0",
        "title": "title is v0",
        "age": UNSET,
        "fee": UNSET,
    }
    assert rows[0].psi == round(drift.stability_index((0.7, 0.2, 0.1), (400, 500, 100)) or 0.0, 6)
    assert rows[0].verdict == "drifted"
    assert [bins.actual for bins in rows[0].bins] == [0.4, 0.5, 0.1]


def test_too_few_leads_show_the_first_column_of_each_feature(wide_base: drift.Baseline) -> None:
    """Nothing is known of any; the features stay in the contract's order."""
    rows = drift.report(wide_base, [], [[1.0] * 12] * len(wide_base.counted)).features
    assert [row.feature for row in rows] == ["title", "age", "plan", "city", "fee"]
    assert [row.column for row in rows if row.column] == ["title is v0", "plan is v0", "city is v0"]


def test_another_reference_has_another_stamp() -> None:
    """And the same has the same in every process."""
    one, same, other = (drift.baseline(card(version=version)) for version in ("1", "1", "2"))
    assert one is not None
    assert same is not None
    assert other is not None
    assert one.stamp == same.stamp != other.stamp
    assert one.stamp == int(one.stamp) < 2**53
