"""Leads that a model was measured on."""

import msgspec

from leadscoring.quality.figures import Quality
from leadscoring.training.leads import Leads
from leadscoring.training.reading.series import Matrix, Vector


class Measured(msgspec.Struct, frozen=True):
    """Leads that a model was measured on: raw, encoded, scored, and the figures."""

    leads: Leads
    x: Matrix
    p: Vector
    quality: Quality
