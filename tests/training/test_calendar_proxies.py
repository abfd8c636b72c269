import numpy as np

from leadscoring.contract.features import Contract, Feature
from leadscoring.training.calendar_proxies import calendar_features

CONTRACT = Contract(
    (
        Feature("index", "number"),
        Feature("slow", "number"),
        Feature("steady", "integer"),
        Feature("season", "category", values=tuple("abcdef")),
    )
)


def test_only_numbers_that_follow_the_calendar_are_found() -> None:
    """A number new in every period is found; one that moves a little, and any category, is not."""
    random = np.random.default_rng(0)
    time = np.arange(1200, dtype=float)
    columns = [time // 200 + random.random(1200) * 0.1, time / 2400 + random.normal(size=1200)]
    columns += [random.integers(0, 9, 1200).astype(float), time // 200]
    x = np.column_stack(columns).astype(np.float32)
    x[::7, 0] = np.nan
    assert list(calendar_features(CONTRACT, x, time)) == ["index"]


def test_the_order_of_rows_is_not_the_time() -> None:
    """It is the time column that counts, not where a row stands in the file."""
    time = np.arange(1200, dtype=float)
    x = np.column_stack([time, time % 7, time % 5, time % 6]).astype(np.float32)
    order = np.random.default_rng(1).permutation(1200)
    assert calendar_features(CONTRACT, x, time) == calendar_features(CONTRACT, x[order], time[order])
