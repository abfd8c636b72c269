"""The state that probes see follows the model that is served."""

from dataclasses import replace
from pathlib import Path

import pytest
from factories import SMALL, card, model_file

from leadscoring.model.card import GoldenRow
from leadscoring.model.file import open_model
from leadscoring.scoring.lifecycle import Lifecycle


def test_each_model_that_fails_is_logged_and_a_sound_successor_is_ready(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The check of the one before says nothing of its successor, whether it failed or not."""
    sound = open_model(model_file(tmp_path))
    broken = card(golden=(GoldenRow((1.0,) * len(SMALL), 9.9),))
    first, second = replace(sound, card=broken), replace(sound, card=broken)
    lifecycle = Lifecycle()
    lifecycle.start()
    seen = [lifecycle.seen(model) for model in (sound, first, first, second, sound)]
    assert seen == ["ready", "failing", "failing", "failing", "ready"]
    assert lifecycle.scores
    assert [record.message for record in caplog.records] == ["model fails"] * 2
