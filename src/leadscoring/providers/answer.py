"""Parses the responses of remote models, in all observed formats, into margins.

Our own containers return margins; for responses with probabilities only, the margins are their log-odds. A
probability has the precision of float32, so that a margin loses some of its last digits near 1, which hardly changes
a calibrated score.
"""

import math
from typing import Any

import msgspec

from leadscoring.errors import EndpointAnswerInvalid
from leadscoring.float32 import FLOAT32_MAX
from leadscoring.model.calibration import logistic

LOWEST = 2.0**-149
"""The smallest positive float32."""

HIGHEST = 1.0 - 2.0**-25
"""Any probability above rounds to 1 in float32."""

ROUNDED, SMALLEST = 1e-3, 1e-6
"""Relative and absolute rounding tolerance of a probability that is returned beside its margin."""

NAMES = ("predictions", "result")
SCORE = "score"


def most_bytes(rows: int) -> int:
    """Returns the maximum plausible size of a response for this many rows, in bytes."""
    return (64 << 10) + 128 * rows


def margins_in(body: bytes, rows: int, where: str) -> list[float]:
    """Parses a response; returns the margin of each of ``rows`` rows, in log-odds, in order.

    Raises ``EndpointAnswerInvalid`` for a response that is unreadable, has the wrong number of rows, or a value that
    is not a probability; the message never includes the value.
    """
    try:
        values, are_margins, scores = values_in(body)
    except (msgspec.MsgspecError, UnicodeError, ValueError, RecursionError, KeyError, TypeError):
        raise EndpointAnswerInvalid(where, "an answer that is neither CSV nor JSON as expected") from None
    if len(values) != rows:
        raise EndpointAnswerInvalid(where, f"an answer with {len(values)} values for {rows} rows")
    if any(type(value) not in (int, float) for value in values):
        raise EndpointAnswerInvalid(where, "an answer with a value that is no number")
    if are_margins:
        if not all(abs(value) <= FLOAT32_MAX for value in values):
            raise EndpointAnswerInvalid(where, "an answer with a margin that is not finite")
        if scores is not None and not all(map(agree, values, scores)):
            raise EndpointAnswerInvalid(where, "an answer whose margins and scores contradict each other")
        return [float(value) for value in values]
    if not all(0.0 <= value <= 1.0 for value in values):
        raise EndpointAnswerInvalid(where, "an answer with a value outside of 0..1")
    return [log_odds(value) for value in values]


def values_in(body: bytes) -> tuple[list[Any], bool, list[Any] | None]:
    """Returns the value of each row in a response, whether these are margins, and any scores beside them.

    Raises ``ValueError`` or a related error for an unreadable response.
    """
    if body.lstrip()[:1] in (b"[", b"{", b'"'):
        decoded = msgspec.json.decode(body)
        if isinstance(decoded, str):  # some endpoints encode twice, none three times
            decoded = msgspec.json.decode(decoded)
        return listed(decoded)
    return (
        [float(cell) for line in body.decode("ascii").split("\n") for cell in line.split(",") if cell.strip()],
        False,
        None,
    )


def listed(decoded: Any) -> tuple[list[Any], bool, list[Any] | None]:
    """Returns the list of values in a JSON response, whether these are margins, and any scores beside them."""
    if isinstance(decoded, list):
        return decoded, False, None
    if not isinstance(decoded, dict):
        raise TypeError
    predictions = next((decoded[name] for name in NAMES if name in decoded), None)
    margins = decoded.get("margins")
    if not isinstance(margins if margins is not None else predictions, list):
        raise TypeError
    scores = (
        None if predictions is None else [value[SCORE] if isinstance(value, dict) else value for value in predictions]
    )
    if margins is None:
        return scores or [], False, None
    if scores is not None and len(scores) != len(margins):
        raise ValueError
    return [value[SCORE] if isinstance(value, dict) else value for value in margins], True, scores


def agree(margin: float, score: Any) -> bool:
    """Whether a score is the probability of its margin, up to rounding."""
    if type(score) not in (int, float) or not 0.0 <= score <= 1.0:
        return False
    return math.isclose(logistic(margin), score, rel_tol=0.0, abs_tol=ROUNDED * min(score, 1.0 - score) + SMALLEST)


def log_odds(probability: float) -> float:
    """Returns the log-odds of a probability, finite at 0 and 1."""
    within = min(max(probability, LOWEST), HIGHEST)
    return math.log(within) - math.log1p(-within)


def close(margin: float, certified: float) -> bool:
    """Whether a margin equals the certified one, within the precision of a float32 probability computed elsewhere."""
    allowed = 1e-5 * max(1.0, abs(certified))
    if certified > 0:  # the float32 spacing just below 1, in log-odds; exp() loses a few units
        allowed += 8 * 2.0**-24 * (1.0 + math.exp(min(certified, 30.0)))
    return abs(margin - certified) <= allowed
