"""What is asked for is checked where the work is planned, and a plan asks no clock."""

from pathlib import Path

import clusters
import pytest

from leadscoring.bulk.shipped import Asked, Shipment, shipment
from leadscoring.errors import ModelNotFound

ASKED = Asked(5, False, "lead", None, ("note",))


@pytest.fixture(scope="module")
def sent(tmp_path_factory: pytest.TempPathFactory) -> Shipment:
    """The small model, ready to be sent."""
    return shipment(clusters.model_file(tmp_path_factory.mktemp("model")), ASKED)


def test_a_part_that_is_scored_again_has_the_same_moment(sent: Shipment) -> None:
    """The plan holds it: a worker asks no clock."""
    assert sent.plan.now > 0
    assert sent.plan.as_of is None
    assert shipment(sent.plan.path, ASKED._replace(as_of=clusters.NOW)).plan.now == clusters.NOW
    assert shipment(sent.plan.path, ASKED._replace(as_of="when")).plan.named == ("lead", "when", "note")


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        (ASKED._replace(reasons=-1), "reasons must be a whole number from 0 on, not -1"),
        (ASKED._replace(reasons=True), "not True"),
        (ASKED._replace(columns="note"), r"such as \['note'\]"),
        (ASKED._replace(columns=("a", "b", "a")), "not 'a' twice"),
    ],
)
def test_an_option_that_does_not_fit_is_an_error(sent: Shipment, asked: Asked, message: str) -> None:
    """It says what is allowed, before anything is sent."""
    with pytest.raises((TypeError, ValueError), match=message):
        shipment(sent.plan.path, asked)


def test_a_file_that_is_no_model_is_sent_nowhere(tmp_path: Path) -> None:
    """The driver has to be able to open it."""
    with pytest.raises(ModelNotFound):
        shipment(tmp_path / "model.json", ASKED)
