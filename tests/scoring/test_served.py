"""What is served is one value: a model, what computes its margins, and what counts them."""

import dataclasses
from pathlib import Path

import pytest
from drift_reference import REFERENCE
from factories import card, model_file

from leadscoring._engine import Rows
from leadscoring.model.file import open_model
from leadscoring.model.loaded import LoadedModel
from leadscoring.providers.local import Local
from leadscoring.quality.drift import baseline
from leadscoring.quality.model_counts import AREA, CountedModels
from leadscoring.scoring.served import Served
from leadscoring.telemetry.metrics import Metrics

ROWS = Rows([[1e6, 3.0, 0.35, 1.0, 1.0, 1.0, 0.4]] * 3)


@pytest.fixture
def model(tmp_path: Path) -> LoadedModel:
    """The small model with bins of its features."""
    return open_model(model_file(tmp_path, card(reference=REFERENCE)))


def counted(model: LoadedModel, drift: bool) -> Served:
    """What is served where reasons are counted, and drift or not."""
    models = CountedModels(Metrics(["/"], "local", None, "test", AREA).tally)
    counts = models.open(model.card, model.sha256, baseline(model.card) if drift else None)
    return Served.of(model, Local(model.trees), counts)


def test_what_is_counted_is_what_was_asked_for(model: LoadedModel) -> None:
    """Nothing, reasons alone, or leads for drift too: the scorer asks only whether there is a count."""
    plain = Served.of(model, Local(model.trees))
    assert (plain.count, plain.counts) == (None, None)
    reasons = counted(model, drift=False)
    assert reasons.count is None
    assert reasons.counts is not None
    both = counted(model, drift=True)
    assert both.count is not None
    assert both.counts is not None
    assert both.counts.drift is not None
    both.count(ROWS, model.trees.predict(ROWS))
    assert both.counts.drift.report().leads == 3


def test_counting_changes_no_reason(model: LoadedModel) -> None:
    """Neither which they are nor their shares."""
    found = [
        [list(lead) for lead in one.reasons(ROWS, 7)]
        for one in (Served.of(model, Local(model.trees)), counted(model, True))
    ]
    assert found[0] == found[1]


def test_it_is_swapped_whole(model: LoadedModel) -> None:
    """No part of it can be replaced, and two are never taken for one, however alike they are."""
    one, other = Served.of(model, Local(model.trees)), Served.of(model, Local(model.trees))
    with pytest.raises(dataclasses.FrozenInstanceError):
        one.model = model  # type: ignore[misc]  # that is what must not work
    assert one != other
