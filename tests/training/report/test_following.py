"""The next commands can be pasted into a shell, and are those that the verdict calls for."""

import shlex
from pathlib import Path
from typing import Any

import pytest

from leadscoring.cli.training import evaluate, train
from leadscoring.contract.aspects import Aspect
from leadscoring.contract.features import Contract, Feature
from leadscoring.training.options import TrainOptions
from leadscoring.training.report.following import Run, run_of, steps, without

RUN = Run(model="my model.json", data="my leads.csv", target="won", report="r", arguments=("--target", "won"))


def report(level: str, doubt: str = "", **more: Any) -> dict[str, Any]:
    """What the commands depend on."""
    checks = [{"sign": "bad", "text": doubt}] if doubt else []
    return {
        "kind": "train",
        "verdict": {"level": level, "checks": checks},
        "drivers": [{"feature": "visits"}, {"feature": "it's late"}],
    } | more


def verbs(data: dict[str, Any], run: Run = RUN) -> list[str]:
    """The commands, without the settings before them."""
    return [
        next(word for word in shlex.split(step["command"])[1:] if word != "leadscoring") for step in steps(data, run)
    ]


def test_a_good_model_is_used_and_watched() -> None:
    """A file is scored, it is served, and it is measured again."""
    assert verbs(report("good")) == ["score", "serve", "evaluate"]
    assert steps(report("good"), RUN)[0]["command"] == (
        "leadscoring score 'my model.json' new-leads.csv --out scores.csv"
    )


@pytest.mark.parametrize("level", ["weak", "unusable"])
def test_no_weak_model_is_served(level: str) -> None:
    """The data is looked at, and it is trained again."""
    assert verbs(report(level))[:2] == ["inspect", "train"]
    assert not {"serve", "score"} & set(verbs(report(level)))


def test_a_doubt_is_cleared_up_first() -> None:
    """By training without the column; a reason to keep it goes with it."""
    run = Run(arguments=("--target", "won", "--keep", "it's late", "--because", "we know it"))
    first = shlex.split(steps(report("usable", '"it\'s late" alone is 80% of the score'), run)[0]["command"])
    assert first[-2:] != ["--keep", "it's late"]
    assert first[first.index("--ignore") + 1] == "it's late"
    assert "--because" not in first
    assert without(("--keep", "a", "--keep", "b", "--because", "c"), ["a"]) == ["--keep", "b", "--because", "c"]


def test_dates_and_leaks_have_their_commands() -> None:
    """To hold out the latest leads, and to keep what only looks like a leak."""
    leak = {"column": "stage", "left_out": True}
    found = steps(report("good", evidence=[leak, leak | {"left_out": False}]), Run(dates=("created",)))
    assert [
        any(word in step["command"] for step in found) for word in ("--time created", "--keep stage --because")
    ] == [
        True,
        True,
    ]
    assert not any("--time" in one["command"] for one in steps(report("good"), RUN))
    usable = steps(report("usable", evidence=[leak]), Run(arguments=("--target", "won", "--id", "deal")))
    assert "--keep stage" in usable[-1]["command"]
    assert any(one["command"].endswith("--out scores.csv --id deal") for one in usable)


def test_the_options_of_a_run_are_repeated_as_they_were_given() -> None:
    """Each is an option of the command line, and paths are those of the command."""
    options = TrainOptions(target="won", time="at", ignore=("a b", "c"), within="90d", out="m.json", report="r")
    dates = Feature("created", "date", aspects=(Aspect("age"),))
    run = run_of(options, Path("x.csv"), Contract((dates, Feature("n", "number"))))
    assert run.arguments == ("--target", "won", "--time", "at", "--within", "90d", "--ignore", "a b", "--ignore", "c")
    assert (run.model, run.data, run.report, run.dates) == ("m.json", "x.csv", "r", ("created",))
    assert run_of(options, object(), Contract((dates,))).data == "leads.csv"
    known = {flag for one in (*train.params, *evaluate.params) for flag in one.opts}
    assert {word for word in run.arguments if word.startswith("--")} <= known
