"""The words that become columns are those that say something."""

import numpy as np
import polars as pl

from leadscoring.training.derived.clearest import clearest
from leadscoring.training.derived.texts import pairs, words
from leadscoring.training.derived.tokens import tokens_of

RANDOM = np.random.default_rng(8)
ROWS = 4000


def test_words_with_signal_are_taken_and_no_others() -> None:
    """The clearest first; and not more than asked for."""
    texts = [" ".join(RANDOM.permutation(["ceo", "intern", "blue", "red", "the"])[:2]) for _ in range(ROWS)]
    margin = np.array([1.5 * ("ceo" in text) - 0.8 * ("intern" in text) for text in texts])
    y = (RANDOM.random(ROWS) < 1 / (1 + np.exp(1 - margin))).astype(float)
    tokens, every = tokens_of(pl.Series(texts), words, pairs), np.ones(ROWS, dtype=bool)
    assert clearest(tokens, every, y, 50)[:2] == ["ceo", "intern"]
    assert len(clearest(tokens, every, y, 1)) == 1
    assert clearest(tokens, every, RANDOM.permutation(y), 50) == []


def test_a_pair_is_taken_only_where_it_says_more_than_its_words() -> None:
    """Vice president is one thing, and each of its words too; not good is another than good."""
    ends = RANDOM.choice(["vice president", "clerk", "not good", "good", "not so"], ROWS)
    rate = {"vice president": 0.6, "clerk": 0.2, "not good": 0.1, "good": 0.6, "not so": 0.6}
    y = (RANDOM.random(ROWS) < np.array([rate[end] for end in ends])).astype(float)
    found = clearest(tokens_of(pl.Series(ends), words, pairs), np.ones(ROWS, dtype=bool), y, 50)
    assert "not good" in found
    assert len({"vice", "president", "vice president"} & set(found)) == 1
