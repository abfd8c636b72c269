"""A lead has one id however it is written, and what is not known of a score is not sent."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadscoring.lead import LEAD_ID_MAX, Explanation, Model, Score, Scored, Timing, id_text


@given(st.integers(-LEAD_ID_MAX, LEAD_ID_MAX))
def test_a_whole_number_is_one_id_however_it_is_written(number: int) -> None:
    """As a number, with a fraction of nothing, and as a text; to the last digit."""
    assert id_text(number) == id_text(float(number)) == id_text(str(number)) == str(number)


def test_a_text_stays_as_it_is() -> None:
    """Also one that looks like a number."""
    assert [id_text(text) for text in ("", "12345.0", "007", "ü")] == ["", "12345.0", "007", "ü"]


@pytest.mark.parametrize("number", [0.5, -1.25, 1e-9, float("nan")])
def test_a_fraction_is_no_id(number: float) -> None:
    """It is refused rather than rounded."""
    with pytest.raises(ValueError, match=r".+"):
        id_text(number)


def test_details_that_nobody_asked_for_are_not_in_the_answer() -> None:
    """They are absent, not null; reasons that cannot be had are null."""
    plain = Scored("r1", Model("m", "1"), "lead-1", Score(0.5, 3, "C", None), None, [])
    sent = msgspec.json.decode(msgspec.json.encode(plain))
    assert set(sent) == {"request_id", "model", "lead_id", "score", "reasons", "warnings"}
    assert (sent["reasons"], sent["score"]["percentile"]) == (None, None)
    assert sent["model"] == {"name": "m", "version": "1"}
    full = msgspec.structs.replace(plain, explanation=Explanation(0.1, 0.2, 0.3), timing=Timing(1.0), degraded=True)
    assert set(msgspec.json.decode(msgspec.json.encode(full))) - set(sent) == {"explanation", "timing", "degraded"}
