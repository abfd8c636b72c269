"""What to run next, with the paths of this run."""

import shlex
from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePath
from typing import Any

import msgspec

from leadscoring.contract.features import Contract
from leadscoring.training.options import TrainOptions

MODEL, DATA, REPORT = "model.json", "leads.csv", "report"
SINGLE = ("target", "positive", "negative", "time", "as_of", "won_date", "lost_date", "within", "id", "name")
SEVERAL = ("ignore", "keep", "because", "read", "missing")
LATER, NEW = "later-leads.csv", "new-leads.csv"


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """How a report came to be: the paths that its command named, and the options that its next ones repeat.

    ``arguments`` are options and values of ``train``, in their order. ``dates`` are columns that could be ``--time``.
    """

    model: str = MODEL
    data: str = DATA
    target: str = "converted"
    report: str = REPORT
    arguments: tuple[str, ...] = ()
    dates: tuple[str, ...] = ()


def run_of(options: TrainOptions, source: object, contract: Contract) -> Run:
    """Returns the run of ``train`` with these options on a file or, without a name, a frame."""
    return Run(
        model=options.out or MODEL,
        data=str(source) if isinstance(source, str | PurePath) else DATA,
        target=options.target,
        report=options.report or REPORT,
        arguments=tuple(arguments(options)),
        dates=tuple(feature.name for feature in contract.features if feature.form.is_timed and not feature.planned),
    )


def arguments(options: TrainOptions) -> Iterator[str]:
    """Yields the options that say how the data is read, as they were given."""
    for name in SINGLE:
        if value := getattr(options, name):
            yield from (f"--{name.replace('_', '-')}", value)
    for name in SEVERAL:
        for value in getattr(options, name):
            yield from (f"--{name}", value)


def steps(data: Mapping[str, Any], run: Run) -> list[dict[str, str]]:
    """Returns the commands that follow from a report, the most useful first, each with the reason."""
    level = data["verdict"]["level"]
    trained = data["kind"] == "train"
    found = list(retraining(data, run)) if trained else []
    using = serving(run) if level in {"good", "usable"} else []
    watching = [checking(run)] if level != "unusable" and trained else []
    return [*using, *watching, *found] if level == "good" else [*found, *using, *watching]


def serving(run: Run) -> list[dict[str, str]]:
    """Returns how to use a model."""
    return [
        step(
            ["leadscoring", "score", run.model, NEW, "--out", "scores.csv"],
            f"score a file of new leads, {NEW}: a spreadsheet with probability, tier and reasons",
        ),
        {
            "command": f"MODEL_PATH={shlex.quote(run.model)} leadscoring serve --dev",
            "why": "serve it, to score leads as they arrive; open /docs to try one",
        },
    ]


def checking(run: Run) -> dict[str, str]:
    """Returns how to measure it again."""
    return step(
        ["leadscoring", "evaluate", run.model, LATER, "--target", run.target, "--report", "later-report"],
        f"when outcomes of newer leads are known, in {LATER}: whether it still keeps its word",
    )


def retraining(data: Mapping[str, Any], run: Run) -> list[dict[str, str]]:
    """Returns how to train again, if anything calls for it."""
    again = [
        "leadscoring",
        "train",
        run.data,
        *run.arguments,
        "--out",
        run.model,
        "--overwrite",
        "--report",
        run.report,
    ]
    found = []
    if suspects := suspicious(data):
        found.append(
            step([*again, "--ignore", ",".join(suspects)], f"train without {listed(suspects)}, to clear up the doubt")
        )
    if run.dates and "--time" not in run.arguments:
        found.append(
            step(
                [*again, "--time", run.dates[0]],
                f"hold out the latest leads by {run.dates[0]!r}: they say more about new leads than a random fifth",
            )
        )
    if left_out := [one["column"] for one in data.get("evidence", ()) if one["left_out"]]:
        found.append(
            step(
                [*again, "--keep", left_out[0], "--because", "WHY IT IS KNOWN WHEN A LEAD ARRIVES"],
                f"only if {left_out[0]!r} is known when a lead arrives, although it looks like a leak",
            )
        )
    return found


def suspicious(data: Mapping[str, Any]) -> list[str]:
    """Returns the strongest column of a model in doubt."""
    checks = data["verdict"]["checks"]
    doubt = " ".join(check["text"] for check in checks if check["sign"] == "bad")
    return [one["feature"] for one in data["drivers"][:3] if repr(one["feature"]) in doubt][:1]


def listed(names: Sequence[str]) -> str:
    """Quotes names."""
    return ", ".join(map(repr, names))


def step(words: Sequence[str], why: str) -> dict[str, str]:
    """Returns one command, quoted for a shell, with its reason."""
    return {"command": shlex.join(words), "why": why}
