"""Short texts: words and pairs of neighbouring words that carry signal, and the length."""

import re
from collections.abc import Iterator, Sequence

import msgspec
import numpy as np
import polars as pl

from leadscoring._engine import words_of
from leadscoring.contract.aspects import Aspect
from leadscoring.contract.features import Feature
from leadscoring.training import names
from leadscoring.training.column import FEWEST, RARE_SHARE, Read
from leadscoring.training.derived.clearest import clearest
from leadscoring.training.derived.kind import Derived, Evidence, started, with_weights
from leadscoring.training.derived.signal import SURE
from leadscoring.training.derived.tokens import Tokens, tokens_of
from leadscoring.training.reading.levels import folded
from leadscoring.training.reading.notation import looks_like_numbers
from leadscoring.training.reading.series import as_text, counts_of

MOST_WORDS = 50
"""Maximum number of words and pairs with a column of their own."""

FEW_LEVELS = 50
"""A column with no more distinct texts is a category."""

RARE = 0.2
"""Minimum share of leads with a rare text for a column with frequent ones to be a text instead of a category."""

WORDY = 1.2
"""Minimum mean number of words: others are codes, or single names."""

FEWEST_WORDS = 2
"""Minimum number of words that recur, but not in all leads."""

MANY_WORDS = 10
"""The same for a column with frequent texts, which would make a category."""

NOT_ALL = 0.9
"""Maximum share of leads with a word that says anything."""

COVERED = 0.3
"""Minimum share of leads with such a word: parts of random codes recur too, but in few of them."""

MOST_DIGITS = 4
"""A token with more digits may be part of a telephone number, or of an identifier."""

LONGEST = 40
"""Maximum characters of a token."""

SAMPLE = 2000
"""Maximum number of distinct texts that are examined to detect texts."""

ADDRESS = re.compile(r"[^\s@<>(),;:\"]+@[^\s@<>(),;:\"]+")

LENGTH, WORDS = Aspect("length"), Aspect("words")


class Texts(Derived):
    """A short text."""

    name = "text"

    def detects(self, read: Read) -> bool:
        """Whether a column of too many texts for a category consists of words that recur."""
        if read.column.dtype != pl.String or names.says_person(read.raw.name):
            return False
        column = read.column.drop_nulls()
        levels = [rows for _, rows in counts_of(folded(column))]
        rare = sum(rows for rows in levels if rows < max(FEWEST, RARE_SHARE * len(read.column)))
        if len(levels) <= FEW_LEVELS or rare < RARE * len(column) or looks_like_numbers(column) >= 0.5:
            return False
        return recurring(column) >= (MANY_WORDS if rare < len(column) * 0.9 else FEWEST_WORDS)

    def read(self, read: Read) -> None:
        """Reads the column as text."""
        read.notes.append(
            f"{read.raw.name!r}: text, of which the model gets words that many leads have, and the length"
        )
        read.feature = started(read, self.name, as_text(read.column))

    def candidates(self, _feature: Feature, _others: Sequence[Feature], _tokens: Tokens | None) -> tuple[Aspect, ...]:
        """Offers the length, in characters and in words."""
        return (LENGTH, WORDS)

    def tokens(self, column: pl.Series) -> Tokens:
        """Returns words and pairs that may be in a vocabulary."""
        return tokens_of(column, words, pairs)

    def choose(self, feature: Feature, evidence: Evidence) -> Feature:
        """Takes the words that carry signal, and the length if it does."""
        size = evidence.clear([LENGTH, WORDS])[:1]
        if not size and evidence.standing_of_absence(evidence.values[LENGTH]) > SURE:
            size = [LENGTH]  # which is missing where there is no text
        if evidence.tokens is None:
            return msgspec.structs.replace(feature, aspects=tuple(size))
        vocabulary = clearest(evidence.tokens, evidence.rows, evidence.y, MOST_WORDS)
        if not vocabulary:
            return msgspec.structs.replace(feature, aspects=tuple(size))
        aspects = [*(Aspect("word", word) for word in vocabulary), *size]
        feature = msgspec.structs.replace(feature, example=vocabulary[0])
        return with_weights(feature, aspects, evidence, FEWEST)


def may_be_known(token: str) -> bool:
    """Whether a token cannot be part of a telephone number or identifier."""
    return len(token) <= LONGEST and sum(map(str.isdigit, token)) <= MOST_DIGITS


def cut(text: str) -> Iterator[str]:
    """Cuts a text into tokens, without those of e-mail addresses."""
    for part in ADDRESS.split(text) if "@" in text else (text,):
        yield from filter(may_be_known, words_of(part))


def words(text: str) -> Iterator[str]:
    """Returns the words of a text."""
    return (token for token in cut(text) if " " not in token)


def pairs(text: str) -> Iterator[str]:
    """Returns the pairs of neighbouring words of a text."""
    return (token for token in cut(text) if " " in token)


def recurring(column: pl.Series) -> int:
    """Returns how many words many leads have, but not nearly all; 0 for a column of single words."""
    distinct = column.unique(maintain_order=True)
    part = column.gather_every(max(1, len(column) // SAMPLE)) if len(distinct) > SAMPLE else column
    mean = float(np.mean([sum(1 for _ in words(text)) for text in part.unique(maintain_order=True).head(SAMPLE)]))
    if mean < WORDY:
        return 0
    tokens = tokens_of(part, words, least=max(5, FEWEST * len(part) // len(column)))
    count, _ = tokens.counts(np.ones(len(part), dtype=bool), np.zeros(len(part)))
    fine = count <= NOT_ALL * len(part)
    with_some = np.isin(tokens.text, tokens.holder[fine[tokens.token]]).mean()
    return int(fine.sum()) if with_some >= COVERED else 0
