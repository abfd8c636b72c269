"""Prometheus and Python agree on drift: the same counts get the same figures from the rules and from the service."""

import json
import random
import re
from pathlib import Path
from typing import Any

import yaml
from drift_reference import base
from monitoring import PROMETHEUS, rules_of, run
from programs import program

from leadscoring.quality.drift import DRIFTED, EPSILON, FEWEST_LEADS, LABELS, stability_index

RULES = PROMETHEUS / "rules" / "drift.yml"
STEPS = 30 * 12
"""Five minutes each: thirty hours."""


def series(metric: str, values: str, **labels: str) -> dict[str, str]:
    """One series as promtool takes it."""
    told = ",".join(f"{name}={json.dumps(value)}" for name, value in {"job": "lead-scoring", **labels}.items())
    return {"series": f"{metric}{{{told}}}", "values": values}


def counted(kind: str, shares: Any, rates: list[list[int]], **labels: str) -> list[dict[str, str]]:
    """The counters and references of two instances that have run for long."""
    made = []
    for instance, steps in zip(("a:8000", "b:8000"), rates, strict=True):
        for label, share, step in zip(LABELS, shares, steps, strict=False):
            if share is not None:
                of = {"instance": instance, "model_version": "1.2.3", "bin": label, **labels}
                made.append(series(f"model_{kind}_bins_total", f"100000+{step}x{STEPS}", **of))
                made.append(series(f"model_{kind}_reference_share", f"{share!r}x{STEPS}", **of))
    return made


def test_the_rules_compute_what_the_service_computes(tmp_path: Path) -> None:
    """For every feature and the score, over two instances, in all three windows; empty bins on both sides included."""
    chance = random.Random(5)  # no secret
    drawn = base()
    inputs, expressions = [], []
    wanted = [("feature", bins.feature, bins.shares) for bins in drawn.counted] + [("score", "", drawn.score)]
    for kind, feature, shares in wanted:
        rates = [[chance.choice((0, 3, 17, 90)) for _ in shares] for _ in range(2)]
        labels = {"feature": feature} if feature else {}
        inputs += counted(kind, shares, rates, **labels)
        totals = [a + b if share is not None else 0 for a, b, share in zip(*rates, shares, strict=True)]
        hourly = [12 * total for total in totals]
        index = stability_index(shares, hourly)
        assert index is not None
        level = "job_feature" if feature else "job"
        for window in ("1h", "1d", "7d"):
            asked = f"{level}:model_{kind}_drift:psi{window}" + (
                f"{{feature={json.dumps(feature)}}}" if feature else ""
            )
            expressions.append(f"abs({asked} - {index!r}) < bool 1e-9")
    check(tmp_path, inputs, expressions)


def test_the_drift_of_a_feature_is_that_of_the_column_that_drifted_most(tmp_path: Path) -> None:
    """In all windows; the index of each column is recorded beside it, and whole features are not mixed with others."""
    shares = (0.5, 0.3, *[None] * 8, 0.2, None)
    inputs, indices = [], {}
    for column, counts in (("title length", (50, 30, 20)), ("title word ceo", (20, 30, 50)), ("age", (50, 20, 30))):
        rates = [[*counts[:2], *[0] * 8, counts[2], 0]] * 2
        labels = {"feature": "age"} if column == "age" else {"feature": "title", "column": column}
        inputs += counted("feature", shares, rates, **labels)
        indices[column] = stability_index(shares, [24 * count for count in rates[0]])
    wanted = {
        '_column{0}{{column="title length"}}': indices["title length"],
        '_column{0}{{column="title word ceo"}}': indices["title word ceo"],
        '_column{0}{{feature="age"}}': indices["age"],
        '{0}{{feature="title"}}': indices["title word ceo"],
        '{0}{{feature="age"}}': indices["age"],
    }
    expressions = [
        f"abs(job_feature{of.format(f':model_feature_drift:psi{window}')} - {index!r}) < bool 1e-9"
        for window in ("1h", "1d", "7d")
        for of, index in wanted.items()
    ]
    check(tmp_path, inputs, expressions)


def check(folder: Path, inputs: list[dict[str, str]], expressions: list[str]) -> None:
    """Asks Prometheus' rules, by promtool: each expression is 1 after 29 hours of these series."""
    checks = [
        {"expr": f"sum({expression})", "eval_time": "29h", "exp_samples": [{"labels": "{}", "value": 1}]}
        for expression in expressions
    ]
    case = {"name": "as Python", "interval": "5m", "input_series": inputs, "promql_expr_test": checks}
    path = folder / "same.yml"
    path.write_text(yaml.safe_dump({"rule_files": [str(RULES)], "evaluation_interval": "5m", "tests": [case]}))
    ran = run(program("promtool"), "test", "rules", str(path))
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_the_rules_have_the_numbers_of_the_definition() -> None:
    """The smallest share, the fewest leads and the limit, wherever they stand."""
    text = "\n".join(rule["expr"] for rule in rules_of(RULES))
    assert set(re.findall(r"clamp_min\([^()]*, ([\d.]+)\)", text)) == {str(EPSILON)}
    assert set(re.findall(r">= (\d+)", text)) == {str(FEWEST_LEADS)}
    assert set(re.findall(r"psi\w+ > ([\d.]+)", text)) == {str(DRIFTED)}
