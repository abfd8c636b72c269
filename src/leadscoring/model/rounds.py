"""How many boosting rounds count: a model trained with early stopping contains rounds beyond the best one.

XGBoost's scikit-learn wrapper predicts with the rounds up to the best one, its native ``predict`` with all of them.
The score that the model's author knows is one of the two; an attribute that the wrapper leaves in the file shows
which.
"""

from itertools import pairwise
from typing import Literal

import msgspec

from leadscoring.errors import ModelUnreadable, ModelUnsupported
from leadscoring.model.document import Document, Learner, whole

Choice = Literal["auto", "all", "best"]
CHOICES: tuple[Choice, ...] = ("auto", "all", "best")

BEST = "best_iteration"
BEST_TREES = "best_ntree_limit"
"""The equivalent of ``best_iteration`` in trees, as XGBoost 1.4 to 1.7 saves it."""


class Rounds(msgspec.Struct, frozen=True):
    """``used`` of ``of`` rounds count, which are the first ``trees`` trees.

    ``best`` is the number of rounds up to the best one, if the file has it. ``caution`` is a warning if the choice is
    ambiguous, else empty.
    """

    used: int
    of: int
    trees: int
    best: int | None = None
    caution: str = ""


def rounds_of(document: Document, choice: Choice) -> Rounds:
    """The rounds of a model that count.

    Raises ModelUnreadable if the best round does not exist, ModelUnsupported if the file does not determine where it
    ends.
    """
    header, trees = document.header, document.trees
    best = best_round(header)
    ends = round_ends(document, best)
    of = len(ends) - 1
    wanted = best is not None and (choice == "best" or (choice == "auto" and header.wrapper is not None))
    if not wanted or best is None:
        return Rounds(of, of, len(trees.trees), best, caution(best, of, choice))
    if best > of:
        raise ModelUnreadable(
            f"{BEST} is {best - 1}, but the model has {of} rounds: XGBoost cannot predict with it either; "
            "MODEL_ROUNDS=all uses all rounds"
        )
    if trees_a_round(document, best) is None:
        raise ModelUnsupported(
            f"XGBoost before 1.4 does not store the number of trees per round, so the end of round {best} is "
            "unknown; MODEL_ROUNDS=all uses all rounds"
        )
    return Rounds(best, of, ends[best], best)


def caution(best: int | None, of: int, choice: Choice) -> str:
    """The warning for an early-stopped model that was saved as a booster: both scores are possible."""
    if choice != "auto" or best is None or best >= of:
        return ""
    return (
        f"training stopped early: round {best} of {of} is the best, and all {of} are used, as in XGBoost's "
        f"Booster.predict; MODEL_ROUNDS=best (--rounds best) uses the first {best}"
    )


def best_round(header: Learner) -> int | None:
    """The number of rounds up to and including the best one; ``None`` if the file does not have it."""
    text = header.attributes.get(BEST)
    if text is None:
        return None
    best = whole(BEST, text)
    return best + 1 if best >= 0 else None  # XGBoost 1.5 to 1.7 save -1 if nothing was trained


def round_ends(document: Document, best: int | None) -> list[int]:
    """The ends of the rounds in trees, from 0 to the number of trees.

    Assumes one tree per round if the file has no size.
    """
    count = len(document.trees.trees)
    ends = document.trees.iteration_indptr
    if ends:
        if ends[0] != 0 or ends[-1] != count or any(a > b for a, b in pairwise(ends)):
            raise ModelUnreadable(f"iteration_indptr does not cut the {count} trees into rounds")
        return ends
    size = trees_a_round(document, best) or 1
    return [*range(0, count, size), count]


def trees_a_round(document: Document, best: int | None) -> int | None:
    """The number of trees per round; ``None`` if unknown.

    Files list the rounds since XGBoost 2.0, and the size of a round since 1.6.
    """
    header, trees = document.header, document.trees
    size = whole("num_parallel_tree", trees.gbtree_model_param.num_parallel_tree)
    if size > 0 or trees.iteration_indptr:
        return max(size, 1)
    if best and BEST_TREES in header.attributes:
        return max(whole(BEST_TREES, header.attributes[BEST_TREES]) // best, 1)
    if header.wrapper is None:
        return None
    noted = header.wrapper.get("num_parallel_tree")
    return max(noted, 1) if isinstance(noted, int) else 1
