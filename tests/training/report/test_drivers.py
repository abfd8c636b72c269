"""What drives the score is what moves it, with the direction in which it does."""

import numpy as np
import pytest
from past_leads import trained

from leadscoring.contract.aspects import Aspect
from leadscoring.contract.features import Feature
from leadscoring.training.report.drivers import FEWEST, direction, directions, ranks

NUMBER = Feature("visits", "number")
SOURCE = Feature("source", "category", values=("web", "event"), other=True)
RISING = np.arange(100, dtype=np.float32)


def test_what_drives_the_score_is_what_does() -> None:
    """The strongest feature of the made-up leads leads the list, with its direction."""
    found = trained(2000).report["drivers"]
    assert [found[0]["feature"], found[1]["feature"]] == ["visits", "source"]
    assert "raise" in found[0]["direction"]
    assert found[1]["direction"].endswith("'web' lowers it most")
    assert sum(driver["share"] for driver in found) == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("values", "contribution", "words"),
    [
        (RISING, RISING * 0.1, {"raise"}),
        (RISING, -RISING, {"lower"}),
        (RISING, np.abs(RISING - 49.5), {"depending"}),
        (RISING, np.zeros(100), {"hardly"}),
        (np.ones(100, np.float32), RISING, {"hardly"}),
        (np.where(RISING < FEWEST - 1, RISING, np.nan), RISING, {"hardly"}),
    ],
)
def test_a_direction_is_named_where_it_is_clear(values: np.ndarray, contribution: np.ndarray, words: set[str]) -> None:
    """And only of values that there are enough of."""
    said = direction(NUMBER, values.astype(np.float32), contribution.astype(np.float64))
    found = {word for word in ("raise", "lower", "depending", "hardly") if word in said}
    assert found - ({"raise", "lower"} if "depending" in words else set()) == words


def test_a_category_names_the_values_at_both_ends() -> None:
    """Among them those that share a code, and those that are missing; never one of few leads."""
    codes = np.repeat(np.array([0, 1, 2, np.nan], np.float32), [30, FEWEST - 1, 30, 30])
    pushes = np.repeat([0.1, 9.0, 0.5, -0.5], [30, FEWEST - 1, 30, 30])
    best, worst = direction(SOURCE, codes, pushes).split(", ")
    assert (best.split()[0], worst.split()[0]) == ("other", "missing")
    assert "hardly" in direction(SOURCE, codes[:30], pushes[:30])


def test_ties_share_their_mean_rank() -> None:
    """As a rank correlation needs it."""
    assert ranks(np.array([10.0, 20.0, 10.0, 30.0])).tolist() == [1.5, 3.0, 1.5, 4.0]


def test_a_feature_of_several_columns_is_described_by_the_strongest() -> None:
    """An age by its slope; words by those that raise and lower the score most."""
    date = Feature("created", "date", aspects=(Aspect("age"), Aspect("weekday")))
    values = np.stack([RISING, RISING % 7], axis=1)
    assert directions(date, values, np.stack([-RISING, RISING * 0.01], axis=1).astype(float)) == (
        "age: higher values lower the score"
    )
    title = Feature("title", "text", aspects=(Aspect("word", "ceo"), Aspect("word", "intern"), Aspect("length")))
    has = np.stack([RISING % 3 == 0, RISING % 3 == 1, RISING], axis=1).astype(np.float32)
    pushes = np.stack([has[:, 0] * 2.0, has[:, 1] * -3.0, RISING * 0.0], axis=1).astype(float)
    assert directions(title, has, pushes) == "contains 'ceo' raises the score most, contains 'intern' lowers it most"
    assert directions(title, has * 0, pushes) == "hardly used"
