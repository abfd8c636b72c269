"""What to run next, with the paths of this run."""

import shlex
from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePath
from typing import Any

import msgspec

from leadscoring.contract.features import Contract
from leadscoring.training.leak_guard import PLACEHOLDER
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
    kept = list(keeping(data, run)) if trained else []
    return [*using, *watching, *found, *kept] if level == "good" else [*found, *using, *watching, *kept]


def serving(run: Run) -> list[dict[str, str]]:
    """Returns how to use a model."""
    return [
        step(
            ["leadscoring", "score", run.model, NEW, "--out", "scores.csv", *identified(run)],
            f"score a file of new leads, {NEW}: a spreadsheet with probability, tier and reasons",
        ),
        {
            "command": f"MODEL_PATH={shlex.quote(run.model)} leadscoring serve --dev",
            "why": "serve it, to score leads as they arrive; open /docs to try one",
        },
    ]


def identified(run: Run) -> tuple[str, ...]:
    """Returns the option with the column of ids, if one was named."""
    words = run.arguments
    return words[words.index("--id") :][:2] if "--id" in words else ()


def checking(run: Run) -> dict[str, str]:
    """Returns how to measure it again."""
    return step(
        ["leadscoring", "evaluate", run.model, LATER, "--target", run.target, "--report", "later-report"],
        f"when outcomes of newer leads are known, in {LATER}: whether it still keeps its word",
    )


def retraining(data: Mapping[str, Any], run: Run) -> Iterator[dict[str, str]]:
    """Yields how to train again, if anything calls for it."""
    if suspects := suspicious(data):
        why = f"see what is left without {listed(suspects)}; unnecessary if it is known when a lead arrives"
        yield again(run, *without(run.arguments, suspects), "--ignore", ",".join(suspects), why=why)
    if data["verdict"]["level"] in {"weak", "unusable"}:
        inspect = ["leadscoring", "inspect", run.data, "--target", run.target]
        yield step(inspect, "see what each column was taken for, and what was lost on the way")
        why = "train again when there are more leads, or columns that say more about them"
        yield again(run, *run.arguments, why=why)
    if run.dates and "--time" not in run.arguments:
        why = f"hold out the latest leads by {run.dates[0]!r}: they say more about new leads than a random fifth"
        yield again(run, *run.arguments, "--time", run.dates[0], why=why)


def keeping(data: Mapping[str, Any], run: Run) -> Iterator[dict[str, str]]:
    """Yields how to keep a column that looks like a leak: last, since it is seldom right and needs a reason."""
    if left_out := [one["column"] for one in data.get("evidence", ()) if one["left_out"]]:
        why = f"only if {left_out[0]!r} is known when a lead arrives, although it looks like a leak"
        yield again(run, *run.arguments, "--keep", left_out[0], "--because", PLACEHOLDER, why=why)


def again(run: Run, *arguments: str, why: str) -> dict[str, str]:
    """Returns the command that trains again."""
    words = ["leadscoring", "train", run.data, *arguments, "--out", run.model, "--overwrite", "--report", run.report]
    return step(words, why)


def without(arguments: Sequence[str], names: Sequence[str]) -> list[str]:
    """Returns arguments that do not keep some columns; reasons go with the last that is kept."""
    pairs = list(zip(arguments[::2], arguments[1::2], strict=True))
    left = [(option, value) for option, value in pairs if option != "--keep" or value not in names]
    if not any(option == "--keep" for option, _ in left):
        left = [(option, value) for option, value in left if option != "--because"]
    return [word for pair in left for word in pair]


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
