"""A group of leads is off only where it is, beyond chance."""

import numpy as np

from leadscoring.contract.features import Contract, Feature
from leadscoring.training.report.segments import ENOUGH, Scored, segments

CONTRACT = Contract((
    Feature("source", "category", values=("web", "event", "fair"), other=True),
    Feature("visits", "number"),
    Feature("opt in", "flag"),
))  # fmt: skip
RANKED = [1, 0, 2]


def scored(rows: int, seed: int, off: float = 0.0) -> Scored:
    """Leads whose probabilities are right, but for those of the fair, which are ``off``."""
    random = np.random.default_rng(seed)
    x = np.stack(
        [random.choice(3, rows, p=(0.6, 0.3, 0.1)), random.poisson(4, rows), random.integers(0, 2, rows)], axis=1
    )
    p = np.clip(0.05 + 0.05 * x[:, 1], 0.0, 0.9)
    truth = np.clip(p + off * (x[:, 0] == 2), 0.0, 1.0)
    return Scored(x.astype(np.float32), (random.random(rows) < truth).astype(float), p)


def test_alarms_are_rare_where_every_probability_is_right() -> None:
    """Over all groups of a report: 5 of 100 at most, but for chance."""
    reports = [segments(CONTRACT, scored(1500, seed), RANKED) for seed in range(200)]
    assert all(len(one) >= 6 for one in reports)
    alarmed = sum(any(group["verdict"] != "as predicted" for group in one) for one in reports)
    assert alarmed <= 18


def test_a_group_that_is_off_is_found() -> None:
    """With its direction, its rates and its interval."""
    found = segments(CONTRACT, scored(4000, 1, off=0.25), RANKED)
    fair = next(group for group in found if group["value"] == "fair")
    assert fair["verdict"] == "more than predicted"
    assert fair["predicted"] < fair["observed"].low < fair["observed"].value
    assert next(group for group in found if group["value"] == "web")["verdict"] == "as predicted"


def test_groups_are_those_of_enough_leads() -> None:
    """Of categories, flags and bands of numbers; a ranking is judged where both outcomes are known of some."""
    found = segments(CONTRACT, scored(900, 2), RANKED)
    assert [group["feature"] for group in found][:3] == ["visits"] * 3
    assert all(group["leads"] >= ENOUGH for group in found)
    assert "fair" not in {group["value"] for group in found}
    assert all(0.3 < group["roc_auc"] < 1.0 for group in found if group["roc_auc"] is not None)
    assert segments(CONTRACT, scored(90, 2), RANKED) == []
