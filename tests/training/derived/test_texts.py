"""Texts are distinguished from codes, and nothing that may identify a person becomes a word."""

from random import Random
from uuid import UUID

import polars as pl
import pytest

from leadscoring.training.column import Read
from leadscoring.training.derived.texts import Texts, may_be_known, pairs, recurring, words


def test_parts_of_addresses_and_numbers_are_no_words() -> None:
    """Telephone numbers, identifiers and e-mail addresses stay out of the vocabulary."""
    text = "Call Ann +49 171 5551234 or ann.lee@firm.example, ref 00Q12345, 3 seats in 2026"
    found = set(words(text))
    assert {"call", "or", "ref", "3", "seats", "in", "2026"} <= found
    assert found.isdisjoint({"5551234", "lee", "firm", "example", "00q12345"})
    assert not any("5551234" in pair or "firm" in pair for pair in pairs(text))


@pytest.mark.parametrize(("token", "fine"), [("2026", True), ("12345", False), ("123 456", False), ("x" * 41, False)])
def test_what_may_be_known(token: str, fine: bool) -> None:
    """Few digits, also in both words of a pair, and no longer than words are."""
    assert may_be_known(token) is fine


def test_texts_consist_of_words_that_recur() -> None:
    """Codes, single names and numbered names do not."""
    random = Random(0)
    titles = pl.Series("t", [f"{'Head' if k % 2 else 'Chief'} of unit {k % 90}" for k in range(900)])
    assert recurring(titles) == 2
    for codes in (
        [f"00Q{k:06}" for k in range(900)],
        [f"lead {k}" for k in range(900)],
        [str(UUID(int=random.getrandbits(128), version=4)) for _ in range(9000)],
    ):
        assert not Texts().detects(Read(pl.Series("c", codes), pl.Series("c", codes)))


def test_a_column_with_few_texts_is_a_category() -> None:
    """However many words each has."""
    column = pl.Series("c", ["the first of all", "the second one", "the last one here"] * 200)
    assert not Texts().detects(Read(column, column))
