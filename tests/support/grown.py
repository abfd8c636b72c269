"""Models of every shape, trained small by XGBoost itself, and the machine's instruction sets."""

from collections.abc import Callable, Iterator
from functools import cache
from typing import Any, NamedTuple

import numpy as np
import pytest
import xgboost
from numpy.typing import NDArray

from leadscoring import _engine


class Grown(NamedTuple):
    """A trained model, as XGBoost holds it and as its file, and leads to score."""

    booster: xgboost.Booster
    rows: NDArray[np.float32]
    types: list[str]

    def raw(self, form: str = "json") -> bytes:
        """The model file, ``json`` or ``ubj``."""
        return bytes(self.booster.save_raw(form))

    def matrix(self, rows: NDArray[np.float32]) -> xgboost.DMatrix:
        """The rows as XGBoost takes them."""
        return xgboost.DMatrix(rows, feature_types=self.types, enable_categorical=True, nthread=1)

    def margins(self) -> NDArray[np.float32]:
        """XGBoost's margins of all rows."""
        margins: NDArray[np.float32] = self.booster.predict(self.matrix(self.rows), output_margin=True)
        return margins

    def contributions(self, leads: int) -> NDArray[np.float32]:
        """XGBoost's contributions of the first rows, the base value last."""
        found: NDArray[np.float32] = self.booster.predict(self.matrix(self.rows[:leads]), pred_contribs=True)
        return found


Grow = Callable[..., Grown]


@cache
def grown(depth: int, trees: int, leads: int, features: int, categories: int, missing: float, **more: Any) -> Grown:
    """Trains on made-up leads whose outcome depends on all kinds of feature."""
    random = np.random.default_rng([depth, trees, features])
    rows = random.normal(size=(leads, features)).astype(np.float32)
    if categories:
        rows[:, -2] = random.integers(0, categories, leads)
        rows[:, -1] = random.integers(0, 3, leads)
    signal = rows[:, 0] + rows[:, 1] * rows[:, 2] + (rows[:, -1] == 1) + (rows[:, -2] % 3 == 0)
    outcome = signal + random.normal(size=leads) > 1
    rows[random.random(rows.shape) < missing] = np.nan
    types = ["q"] * (features - 2) + (["c", "c"] if categories else ["q", "q"])
    matrix = xgboost.DMatrix(rows, outcome, feature_types=types, enable_categorical=True, nthread=1)
    options = {"objective": "binary:logistic", "max_depth": depth, "nthread": 1, **more}
    return Grown(xgboost.train(options, matrix, trees), rows, types)


@pytest.fixture(scope="session")
def grow() -> Grow:
    """Trains a model (once for each set of options): five features, missing values, no categories."""

    def grow(
        depth: int = 4,
        trees: int = 20,
        *,
        leads: int = 500,
        features: int = 6,
        categories: int = 0,
        missing: float = 0.1,
        **more: Any,
    ) -> Grown:
        return grown(depth, trees, leads, features, categories, missing, **more)

    return grow


@pytest.fixture(params=_engine.variants())
def variant(request: pytest.FixtureRequest) -> Iterator[str]:
    """Each instruction set that this machine has, in use for one test."""
    before = _engine.variant()
    _engine.use_variant(request.param)
    yield request.param
    _engine.use_variant(before)
