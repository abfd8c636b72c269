"""Leads are scored in training as they are in service."""

from pathlib import Path

import numpy as np
import pytest
from past_leads import leads, trained

from leadscoring.model.file import model_of
from leadscoring.training.leads import gather
from leadscoring.training.reading.missing import parse_tokens
from leadscoring.training.reading.table import read_source
from leadscoring.training.scored import score_leads


def test_probabilities_are_those_of_the_service(tmp_path: Path) -> None:
    """Margin and calibration of each lead; what does not fit the contract comes with a warning."""
    trained().save(tmp_path / "m.json")
    opened = model_of((tmp_path / "m.json").read_bytes(), "m.json")
    table = read_source(leads(50).with_columns(visits=-1))
    scored = score_leads(opened, gather(table, "won", parse_tokens((), table.frame.columns)))
    expected = [opened.card.calibration.probability(float(margin)) for margin in opened.trees.margins(scored.x)]
    assert scored.p == pytest.approx(np.array(expected))
    assert "50 values of 'visits' are outside the contract" in scored.warnings[0]
