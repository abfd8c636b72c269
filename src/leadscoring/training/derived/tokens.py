"""The words of a column, counted by lead and by outcome."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence

import msgspec
import numpy as np
import numpy.typing as npt
import polars as pl

from leadscoring.training.column import FEWEST
from leadscoring.training.reading.series import Vector
from leadscoring.training.split import Indices

Rows = npt.NDArray[np.bool_]
Cut = Callable[[str], Iterable[str]]
"""Returns the tokens of a text."""


class Tokens(msgspec.Struct, frozen=True):
    """Which leads have which token, of those that several leads have.

    Equal texts are counted together: ``text`` is the distinct text of each lead, -1 for none; ``holder`` and ``token``
    are pairs of a distinct text and a token that it has, as places in all texts and in ``names``.
    """

    names: list[str]
    text: Indices
    holder: Indices
    token: Indices

    def counts(self, rows: Rows, y: Vector) -> tuple[Vector, Vector]:
        """Returns for each token how many of the leads have it, and how many of those converted."""
        some = rows & (self.text >= 0)
        texts = int(self.text.max(initial=-1)) + 1
        every = np.bincount(self.text[some], minlength=texts)
        won = np.bincount(self.text[some], y[some], minlength=texts)
        count, positives = (np.bincount(self.token, of[self.holder], minlength=len(self.names)) for of in (every, won))
        return count.astype(np.float64), positives.astype(np.float64)

    def known(self, rows: Rows) -> Rows:
        """Which leads have a text at all."""
        return rows & (self.text >= 0)


def tokens_of(column: pl.Series, words: Cut, pairs: Cut | None = None, least: int = FEWEST) -> Tokens:
    """Cuts the texts of a column into words and pairs; tokens of fewer than ``least`` leads are left out.

    Pairs are counted in a second pass, and only those of two such words: most are rare, and would fill the memory.
    """
    texts = column.drop_nulls().unique(maintain_order=True)
    place = column.replace_strict(texts, np.arange(len(texts)), default=-1, return_dtype=pl.Int64)
    text = place.fill_null(-1).to_numpy().astype(np.int64)
    often, every = np.bincount(text[text >= 0], minlength=len(texts)).tolist(), texts.to_list()
    names = common(every, often, words, least)
    if pairs is not None:
        fine, cut = set(names), pairs
        names += common(
            every, often, lambda one: (pair for pair in cut(one) if fine.issuperset(pair.split(" "))), least
        )
    number = {name: place for place, name in enumerate(names)}
    holder: list[int] = []
    token: list[int] = []
    for at, one in enumerate(every):
        found = {number[name] for name in (*words(one), *(pairs(one) if pairs else ())) if name in number}
        holder += [at] * len(found)
        token += sorted(found)
    return Tokens(names, text, np.array(holder, dtype=np.int64), np.array(token, dtype=np.int64))


def common(texts: Sequence[str], often: Sequence[int], cut: Cut, least: int) -> list[str]:
    """Returns the tokens that at least so many leads have, sorted; each text is that of ``often`` leads."""
    count: Counter[str] = Counter()
    for text, times in zip(texts, often, strict=True):
        for token in set(cut(text)):
            count[token] += times
    return sorted(token for token, leads in count.items() if leads >= least)
