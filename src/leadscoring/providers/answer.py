"""What a remote model answers, in every shape that has been seen, and the margins in it.

Our own containers tell margins; where there are only probabilities, the margin is their log-odds. A probability has the
precision of float32, which costs a margin some of its last digits near 1, and a calibrated score next to nothing.
"""

import math
from typing import Any

import msgspec

from leadscoring.errors import EndpointAnswerInvalid
from leadscoring.float32 import FLOAT32_MAX
from leadscoring.model.calibration import logistic

LOWEST = 2.0**-149
"""The smallest probability that float32 has beside 0."""

HIGHEST = 1.0 - 2.0**-25
"""Everything above is 1 in float32."""

ROUNDED, SMALLEST = 1e-3, 1e-6
"""By which share of it, and at least by how much, a probability that stands beside its margin may be rounded."""

NAMES = ("predictions", "result")
SCORE = "score"


def most_bytes(rows: int) -> int:
    """The longest answer that this many rows can sensibly have."""
    return (64 << 10) + 128 * rows


def margins_in(body: bytes, rows: int, where: str) -> list[float]:
    """The margin of each of ``rows`` rows, in log-odds, in order.

    Raises ``EndpointAnswerInvalid`` for an answer that cannot be read, has another count, or a value that is no
    probability; it never says what the value was.
    """
    try:
        told, are_margins, scores = values_in(body)
    except (msgspec.MsgspecError, UnicodeError, ValueError, RecursionError, KeyError, TypeError):
        raise EndpointAnswerInvalid(where, "an answer that is neither CSV nor JSON as expected") from None
    if len(told) != rows:
        raise EndpointAnswerInvalid(where, f"an answer with {len(told)} values for {rows} rows")
    if any(type(value) not in (int, float) for value in told):
        raise EndpointAnswerInvalid(where, "an answer with a value that is no number")
    if are_margins:
        if not all(abs(value) <= FLOAT32_MAX for value in told):
            raise EndpointAnswerInvalid(where, "an answer with a margin that is not finite")
        if scores is not None and not all(map(agree, told, scores)):
            raise EndpointAnswerInvalid(where, "an answer whose margins and scores contradict each other")
        return [float(value) for value in told]
    if not all(0.0 <= value <= 1.0 for value in told):
        raise EndpointAnswerInvalid(where, "an answer with a value outside of 0..1")
    return [log_odds(value) for value in told]


def values_in(body: bytes) -> tuple[list[Any], bool, list[Any] | None]:
    """What stands in an answer for each row, whether these are margins, and the scores that stand beside them.

    Raises ``ValueError`` and the like.
    """
    if body.lstrip()[:1] in (b"[", b"{", b'"'):
        told = msgspec.json.decode(body)
        if isinstance(told, str):  # encoded twice; a third time is nothing that anyone sends
            told = msgspec.json.decode(told)
        return listed(told)
    return (
        [float(cell) for line in body.decode("ascii").split("\n") for cell in line.split(",") if cell.strip()],
        False,
        None,
    )


def listed(told: Any) -> tuple[list[Any], bool, list[Any] | None]:
    """The list in a JSON answer, whether it holds margins, and the scores beside them."""
    if isinstance(told, list):
        return told, False, None
    if not isinstance(told, dict):
        raise TypeError
    found = next((told[name] for name in NAMES if name in told), None)
    margins = told.get("margins")
    if not isinstance(margins if margins is not None else found, list):
        raise TypeError
    scores = None if found is None else [value[SCORE] if isinstance(value, dict) else value for value in found]
    if margins is None:
        return scores or [], False, None
    if scores is not None and len(scores) != len(margins):
        raise ValueError
    return [value[SCORE] if isinstance(value, dict) else value for value in margins], True, scores


def agree(margin: float, score: Any) -> bool:
    """Whether a score is the probability of its margin, but for what rounding it may have seen."""
    if type(score) not in (int, float) or not 0.0 <= score <= 1.0:
        return False
    return math.isclose(logistic(margin), score, rel_tol=0.0, abs_tol=ROUNDED * min(score, 1.0 - score) + SMALLEST)


def log_odds(probability: float) -> float:
    """The margin whose logistic is this probability, finite at both ends."""
    within = min(max(probability, LOWEST), HIGHEST)
    return math.log(within) - math.log1p(-within)


def close(margin: float, certified: float) -> bool:
    """Whether a margin is the certified one, as far as a probability of float32, computed elsewhere, can tell."""
    allowed = 1e-5 * max(1.0, abs(certified))
    if certified > 0:  # a step of float32 just below 1, in log-odds; some steps of it are lost in the exponential
        allowed += 8 * 2.0**-24 * (1.0 + math.exp(min(certified, 30.0)))
    return abs(margin - certified) <= allowed
