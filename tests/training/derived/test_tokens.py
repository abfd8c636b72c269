"""Tokens are counted by lead, not by occurrence, and rare ones are not kept."""

from itertools import pairwise

import numpy as np
import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from leadscoring.training.derived.tokens import tokens_of

WORDS = st.sampled_from(["a", "b", "c", "d"])
TEXTS = st.lists(st.none() | st.lists(WORDS, max_size=4).map(" ".join), min_size=1, max_size=30)


def pairs(text: str) -> list[str]:
    """Neighbouring words."""
    return [" ".join(pair) for pair in pairwise(text.split())]


@settings(deadline=None)
@given(texts=TEXTS, least=st.integers(1, 4), seed=st.integers(0, 99))
def test_counts_are_those_of_a_plain_count(texts: list[str | None], least: int, seed: int) -> None:
    """For any leads and outcomes, and pairs only of words that are kept."""
    random = np.random.default_rng(seed)
    rows, y = random.random(len(texts)) < 0.7, (random.random(len(texts)) < 0.5).astype(float)
    tokens = tokens_of(pl.Series("c", texts, dtype=pl.String), str.split, pairs, least)
    has = [set() if text is None else {*text.split(), *pairs(text)} for text in texts]
    every = {token: sum(token in one for one in has) for token in set().union(*has)}
    expected = {t for t, n in every.items() if n >= least and all(every[word] >= least for word in t.split())}
    assert set(tokens.names) == expected
    count, won = tokens.counts(rows, y)
    for place, name in enumerate(tokens.names):
        inside = np.array([name in one for one in has]) & rows
        assert (count[place], won[place]) == (inside.sum(), y[inside].sum())
    assert tokens.known(rows).tolist() == [row and text is not None for row, text in zip(rows, texts, strict=True)]
