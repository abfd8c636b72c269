"""What is answered for a lead whose margin is known: its reasons, its warnings, and where the margin comes from."""

import math
from dataclasses import replace
from typing import Any

import pytest
from factories import LEAD, body, lead, model_file
from msgspec import UNSET

from leadscoring.lead import Scored
from leadscoring.model.file import open_model
from leadscoring.model.loaded import LoadedModel
from leadscoring.providers.provider import Given
from leadscoring.scoring.answer import Asked, add_details, answers, attribute
from leadscoring.scoring.remarks import remarks_on


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> LoadedModel:
    """The small model."""
    return open_model(model_file(tmp_path_factory.mktemp("model")))


def answered(model: LoadedModel, sent: dict[str, Any], reasons: int = 100) -> tuple[Scored, float]:
    """The answer for a lead, and its margin."""
    asked, rows = model.decoder.one(body(sent))
    margins = model.trees.predict(rows)
    (answer,) = answers(model, "r1", [asked], margins, model.finding()(rows, reasons), remarks_on(model, rows))
    return answer, margins[0]


def test_reasons_come_strongest_first_with_the_value_that_was_sent(model: LoadedModel) -> None:
    """Each with its direction; of fewer, the strongest."""
    answer, _ = answered(model, LEAD)
    found = answer.reasons or []
    assert found == sorted(found, key=lambda reason: -abs(reason.contribution))
    assert found
    for reason in found:
        assert reason.value == LEAD["features"][reason.feature]
        assert reason.direction == ("increases" if reason.contribution > 0 else "decreases")
    assert answered(model, LEAD, 2)[0].reasons == found[:2]


def test_a_feature_that_was_not_sent_is_a_reason_without_a_value(model: LoadedModel) -> None:
    """Null, as if it had been sent as such."""
    left_out, null = (answered(model, lead(visits=value))[0].reasons for value in (..., None))
    assert left_out == null
    assert [reason.value for reason in left_out or [] if reason.feature == "visits"] == [None]


def test_an_unseen_category_is_scored_with_a_warning_that_says_how(model: LoadedModel) -> None:
    """As a rare value where the trees know of rare ones, else as unknown; rare in training is not unseen."""
    warnings = answered(model, lead(source="fair", **{"region / city (ü)": "west"}))[0].warnings
    assert [(warned.code, warned.feature) for warned in warnings] == [
        ("unseen_category", "source"),
        ("unseen_category", "region / city (ü)"),
    ]
    assert "as a rare value" in warnings[0].message
    assert "as unknown" in warnings[1].message
    rare = replace(model, rare=tuple(frozenset({"fair"} if name == "source" else ()) for name in model.names))
    assert [warned.code for warned in answered(rare, lead(source="fair"))[0].warnings] == ["rare_category"]


def test_a_long_text_is_quoted_in_part(model: LoadedModel) -> None:
    """A warning is no place for a kilobyte."""
    (warned,) = answered(model, lead(source="x" * 200))[0].warnings
    assert "x" * 80 in warned.message
    assert "x" * 81 not in warned.message


@pytest.mark.parametrize("reasons", [0, 2, 100])
def test_details_close_the_sum(model: LoadedModel, reasons: int) -> None:
    """Base value, reasons and remainder are the margin, however few reasons were asked for."""
    answer, margin = answered(model, LEAD, reasons)
    add_details(model, [answer], [margin], 0.0)
    explained = answer.explanation
    assert explained is not UNSET
    shown = sum(reason.contribution for reason in answer.reasons or [])
    assert math.isclose(explained.base_value + shown + explained.remainder, explained.margin, abs_tol=1e-12)
    assert explained.margin == margin
    assert answer.score.ranking is not UNSET
    assert answer.api_version == "v1"


def test_an_answer_says_where_its_margin_comes_from(model: LoadedModel) -> None:
    """The fallback too; reasons that cannot be had are null with a warning, unless nobody asked for any."""
    answer, margin = answered(model, LEAD)
    attribute(model, [answer], Given([margin], "azure"), Asked())
    assert (answer.model.served_by, answer.degraded, bool(answer.reasons)) == ("azure", UNSET, True)
    attribute(model, [answer], Given([margin], "local", degraded=True), Asked())
    assert (answer.model.served_by, answer.degraded, bool(answer.reasons)) == ("local", True, True)
    unexplained = Given([margin], "azure", unexplained="why")
    attribute(model, [answer], unexplained, Asked(reasons=0))
    assert answer.warnings == []
    attribute(model, [answer], unexplained, Asked(reasons=0, details=True))
    assert (answer.reasons, answer.explanation) == (None, UNSET)
    assert [warned.code for warned in answer.warnings] == ["reasons_unavailable"]
