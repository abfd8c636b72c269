"""A fitted model before it is written."""

from functools import cached_property

import msgspec
import numpy as np
import xgboost as xgb

from leadscoring.contract.features import Contract
from leadscoring.model.calibration import Calibration
from leadscoring.model.card import Tiers
from leadscoring.model.reading import Reading
from leadscoring.model.trees import TreeEnsemble
from leadscoring.quality.figures import Quality, measure
from leadscoring.training import trees
from leadscoring.training.calibrate import apply
from leadscoring.training.infer import Inferred
from leadscoring.training.reading.series import Matrix, Vector
from leadscoring.training.split import Indices


class Fitted(msgspec.Struct, frozen=True, dict=True):
    """A fitted model: trees, contract, calibration and tiers.

    ``y`` are the outcomes of the leads that it was trained on, and ``unseen`` their calibrated probabilities by trees
    that had not seen them, NaN for leads without any, both of shape (leads,); ``recent`` are the rows used for
    calibration and tiers. ``x`` is the training matrix of the rows ``shown``: all, or some of very many; ``served``
    are the same leads as the service encodes them.
    """

    inferred: Inferred
    reading: Reading
    x: Matrix
    served: Matrix
    shown: Indices
    y: Vector
    booster: xgb.Booster
    cross: trees.CrossFit
    calibration: Calibration
    unseen: Vector
    recent: Indices
    tiers: Tiers

    @property
    def contract(self) -> Contract:
        """The contract of the trees' columns."""
        return self.inferred.contract

    @cached_property
    def trees(self) -> TreeEnsemble:
        """The trees as they are served."""
        return trees_of(self.booster)

    def out_of_fold(self) -> Quality:
        """The figures of its own leads, each scored by trees that had not seen it."""
        known = ~np.isnan(self.unseen)
        return measure(self.y[known], self.unseen[known], self.tiers.thresholds)

    def probabilities(self, x: Matrix) -> Vector:
        """Calibrated probabilities of encoded leads, shape (leads,)."""
        return apply(self.calibration, trees.margins_of(self.booster, self.contract, x))


def trees_of(booster: xgb.Booster) -> TreeEnsemble:
    """Loads the trees of a booster into the engine."""
    return TreeEnsemble.from_bytes(bytes(booster.save_raw("ubj")))
