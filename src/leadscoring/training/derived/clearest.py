"""The tokens that carry most signal, for columns of their own."""

import numpy as np

from leadscoring.training.column import FEWEST
from leadscoring.training.derived.signal import CLEAR, against_rest
from leadscoring.training.derived.tokens import Rows, Tokens
from leadscoring.training.reading.series import Vector


def clearest(tokens: Tokens, rows: Rows, y: Vector, most: int) -> list[str]:
    """Returns the tokens that carry signal for some leads with outcomes ``y``, the clearest first.

    A pair has to say something that neither of its words says; of tokens of the same leads, one is enough.
    """
    known = tokens.known(rows)
    leads, positives = int(known.sum()), float(y[known].sum())
    count, won = tokens.counts(rows, y)
    clear = against_rest(count, won, leads, positives)
    clear[np.minimum(count, leads - count) < FEWEST] = 0.0
    place = {name: at for at, name in enumerate(tokens.names)}
    found: list[str] = []
    seen: set[tuple[float, float]] = set()
    for at in np.argsort(-clear, kind="stable"):
        name, same = tokens.names[at], (count[at], won[at])
        if clear[at] < CLEAR or len(found) == most:
            break
        parts = [place[word] for word in name.split(" ") if word in place] if " " in name else []
        if same in seen or not all(says_more(at, part, count, won) for part in parts):
            continue
        seen.add(same)
        found.append(name)
    return found


def says_more(pair: int, word: int, count: Vector, won: Vector) -> bool:
    """Whether leads with a pair convert differently from others with one of its words."""
    return float(against_rest(count[pair], won[pair], count[word], won[word])) >= CLEAR
