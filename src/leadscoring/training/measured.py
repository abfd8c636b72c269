"""Leads that a model was evaluated on."""

import msgspec

from leadscoring.quality.figures import Quality
from leadscoring.training.leads import Leads
from leadscoring.training.reading.series import Matrix, Vector


class Measured(msgspec.Struct, frozen=True):
    """Leads that a model was evaluated on: raw, encoded as ``x``, with probabilities ``p`` and the quality figures."""

    leads: Leads
    x: Matrix
    p: Vector
    quality: Quality
