"""What drives the score is what moves it, with the direction in which it does."""

import numpy as np
import pytest
from past_leads import trained

from leadscoring.contract.features import Feature
from leadscoring.training.report.drivers import FEWEST, direction, ranks

NUMBER = Feature("visits", "number")
SOURCE = Feature("source", "category", values=("web", "event"), other=True)
RISING = np.arange(100, dtype=np.float32)


def test_what_drives_the_score_is_what_does() -> None:
    """The strongest feature of the made-up leads leads the list, with its direction."""
    found = trained(2000).report["drivers"]
    assert [found[0]["feature"], found[1]["feature"]] == ["visits", "source"]
    assert found[0]["direction"] == "higher values raise the score"
    assert found[1]["direction"].endswith("'web' lowers it most")
    assert sum(driver["share"] for driver in found) == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("values", "contribution", "words"),
    [
        (RISING, RISING * 0.1, "higher values raise the score"),
        (RISING, -RISING, "higher values lower the score"),
        (RISING, np.abs(RISING - 49.5), "raises or lowers the score, depending on the lead"),
        (RISING, np.zeros(100), "hardly used"),
        (np.ones(100, np.float32), RISING, "hardly used"),
        (np.where(RISING < FEWEST - 1, RISING, np.nan), RISING, "hardly used"),
    ],
)
def test_a_direction_is_named_where_it_is_clear(values: np.ndarray, contribution: np.ndarray, words: str) -> None:
    """And only of values that there are enough of."""
    assert direction(NUMBER, values.astype(np.float32), contribution.astype(np.float64)) == words


def test_a_category_names_the_values_at_both_ends() -> None:
    """Among them those that share a code, and those that are missing; never one of few leads."""
    codes = np.repeat(np.array([0, 1, 2, np.nan], np.float32), [30, FEWEST - 1, 30, 30])
    pushes = np.repeat([0.1, 9.0, 0.5, -0.5], [30, FEWEST - 1, 30, 30])
    assert direction(SOURCE, codes, pushes) == "other raises the score most, missing lowers it most"
    assert direction(SOURCE, codes[:30], pushes[:30]) == "hardly used"


def test_ties_share_their_mean_rank() -> None:
    """As a rank correlation needs it."""
    assert ranks(np.array([10.0, 20.0, 10.0, 30.0])).tolist() == [1.5, 3.0, 1.5, 4.0]
