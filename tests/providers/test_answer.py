"""An answer is read in every shape that is known, and refused in every other."""

import json
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from leadscoring.errors import EndpointAnswerInvalid
from leadscoring.model.calibration import logistic
from leadscoring.providers.answer import close, log_odds, margins_in, most_bytes

TWO = [0.25, 0.5]


@pytest.mark.parametrize(
    "body",
    [
        b"0.25\n0.5\n",
        b"0.25\r\n0.5\r\n",
        b"0.25,0.5",
        b"0.25,0.5\n",
        b" [0.25, 0.5]",
        b'{"predictions": [{"score": 0.25}, {"score": 0.5}]}',
        b'{"predictions": [0.25, 0.5]}',
        b'{"result": [0.25, 0.5]}',
        json.dumps(json.dumps(TWO)).encode(),
        json.dumps(json.dumps({"predictions": TWO})).encode(),
    ],
)
def test_known_shapes_are_read(body: bytes) -> None:
    """Lines, one line, the lists of JSON, and any of these encoded twice."""
    assert margins_in(body, 2, "azure") == pytest.approx([math.log(1 / 3), 0.0])


def test_margins_are_taken_before_probabilities() -> None:
    """Our own containers tell both, and a margin has lost nothing."""
    body = b'{"predictions": [{"score": 1.0}, {"score": 0.437823}], "margins": [40.5, -0.25]}'
    assert margins_in(body, 2, "sagemaker") == [40.5, -0.25]
    assert margins_in(b'{"margins": [1, 2]}', 2, "azure") == [1.0, 2.0]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\n",
        b"0.25",
        b"0.25\n0.5\n0.5\n",
        b"0.25,nan",
        b"0.25,inf",
        b"0.25,1.0000001",
        b"0.25,-0.1",
        b"0.25,x",
        "0.25,½".encode(),
        b"[0.25, null]",
        b'[0.25, "0.5"]',
        b"[0.25, true]",
        b"[0.25, NaN]",
        b"[[0.25], [0.5]]",
        b"[0.25, 0.5",
        b'{"predictions": 2}',
        b'{"predictions": [{"label": 1}, {"label": 0}]}',
        b'{"predictions": [0.25, 0.5], "margins": [0.1]}',
        b'{"margins": [0.1, 1e39]}',
        b'{"predictions": [0.5, 0.5], "margins": [0.0, 3.0]}',
        b'{"predictions": [{"score": 0.5}, {"score": 1e-9}], "margins": [0.0, -5.0]}',
        b'{"predictions": ["0.5", 0.5], "margins": [0.0, 0.0]}',
        b'{"predictions": [1.5, 0.5], "margins": [0.0, 0.0]}',
        b'{"scores": [0.25, 0.5]}',
        b"\xff\xfe",
        b"[" * 100_000,
        json.dumps(json.dumps(json.dumps(TWO))).encode(),
    ],
)
def test_everything_else_is_refused(body: bytes) -> None:
    """With one error that never repeats what was sent."""
    with pytest.raises(EndpointAnswerInvalid) as refusal:
        margins_in(body, 2, "azure")
    assert "0.25" not in str(refusal.value)


@given(st.binary(max_size=200), st.integers(1, 4))
def test_no_answer_does_anything_but_be_read_or_refused(body: bytes, rows: int) -> None:
    """Whatever bytes come back."""
    try:
        assert len(margins_in(body, rows, "azure")) == rows
    except EndpointAnswerInvalid as refusal:
        assert refusal.code == "endpoint_answer_invalid"  # noqa: PT017  # either outcome is right, no other is


@given(st.floats(-80, 80))
def test_a_probability_of_float32_brings_its_margin_back(margin: float) -> None:
    """So far as float32 has it: the probability of what comes back is the same to 1e-6, and always finite."""
    probability = float(np.float32(logistic(margin)))
    back = log_odds(probability)
    assert math.isfinite(back)
    assert logistic(back) == pytest.approx(logistic(margin), abs=1e-7)
    assert close(back, margin) or abs(margin) > 16


@given(st.floats(-16, 8), st.floats(1e-3, 1))
def test_another_margin_is_told_from_the_certified_one(margin: float, off: float) -> None:
    """A thousandth in log-odds is enough, where a probability can show it."""
    assume(margin < 5 or off > 0.01)
    assert not close(log_odds(float(np.float32(logistic(margin + off)))), margin)


def test_the_longest_answer_grows_with_the_rows() -> None:
    """A large batch fits, with margins beside scores, and an endless answer does not."""
    said: dict[str, Any] = {
        "predictions": [{"score": 0.1234567890123456789}] * 1000,
        "margins": [-12.345678901234567] * 1000,
    }
    assert len(json.dumps(said)) < most_bytes(1000) < 1 << 20
