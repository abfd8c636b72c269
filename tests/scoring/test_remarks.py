"""A warning says what about a lead is unknown to the model, or not yet known, and how it is scored."""

from pathlib import Path
from typing import Any

import pytest
from factories import body, lead, model_file
from timed import timed_lead, timed_model

from leadscoring.lead import Warned
from leadscoring.model.file import open_model
from leadscoring.model.loaded import LoadedModel
from leadscoring.scoring.remarks import remarks_on


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> LoadedModel:
    """A model of kinds with aspects."""
    return open_model(timed_model(Path(tmp_path_factory.mktemp("model"))))


def warned(model: LoadedModel, sent: dict[str, Any]) -> list[Warned]:
    """The warnings about a lead."""
    found, rows = model.decoder.one(body(sent))
    return [warn(model, column, found) for _, column, warn in remarks_on(model, rows)]


def test_a_date_after_the_moment_is_named_with_both(model: LoadedModel) -> None:
    """It is scored as unknown; a date that may be planned is not."""
    (warning,) = warned(model, timed_lead(created="2026-03-12", due="2027-01-01"))
    assert warning == Warned(
        "future_date",
        "created",
        "created is scored as unknown because '2026-03-12' lies after as_of (2026-03-10T12:00:00Z)",
    )
    assert warned(model, timed_lead(created="2026-03-11T11:59:59Z")) == []


def test_what_is_no_address_is_scored_as_unknown(model: LoadedModel) -> None:
    """Unlike an invalid date, which is refused: a CRM holds any text as an address."""
    (warning,) = warned(model, timed_lead(email="nobody"))
    assert warning.code == "unseen_category"
    assert warning.message == "'nobody' is not an e-mail address and is scored as unknown"


def test_a_category_that_is_not_known_comes_before_a_date(model: LoadedModel) -> None:
    """The order of the codes is always the same."""
    found = warned(model, timed_lead(created="2030-01-01", source="fair"))
    assert [warning.code for warning in found] == ["unseen_category", "future_date"]


def test_the_model_without_dates_has_the_warnings_that_it_had(tmp_path: Path) -> None:
    """Word by word."""
    small = open_model(model_file(tmp_path))
    (warning,) = warned(small, lead(source="fair"))
    said = "'fair' was rare or not seen in training and is scored as a rare value"
    assert warning == Warned("unseen_category", "source", said)
