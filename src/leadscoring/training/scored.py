"""Leads that a model file scores, as it would in service."""

import msgspec
import numpy as np

from leadscoring.model.loaded import LoadedModel
from leadscoring.training.calibrate import apply
from leadscoring.training.encode import encode_table
from leadscoring.training.leads import Leads
from leadscoring.training.reading.series import Matrix, Vector
from leadscoring.training.reread import reread


class ScoredLeads(msgspec.Struct, frozen=True):
    """Encoded leads, shape (leads, columns), their probabilities, and warnings about values that do not fit."""

    x: Matrix
    p: Vector
    warnings: tuple[str, ...]


def score_leads(opened: LoadedModel, leads: Leads) -> ScoredLeads:
    """Scores raw leads by a model: parsed as its training did, encoded and calibrated."""
    contract = opened.card.contract
    read = reread(contract, opened.card.read_as, leads.frame, leads.as_of)
    x = encode_table(contract, read.frame, leads.as_of)
    return ScoredLeads(x, apply(opened.card.calibration, opened.trees.margins(x).astype(np.float64)), read.warnings)
