"""Measures the trainer on exports like those of CRMs, relative to their known truth.

Run with ``python -m benchmarks.exports [hubspot] [salesforce] [dynamics] [rows]``; prints one table. Each export is
trained on as its owner would: from the file, with target, positive values and time named and nothing else. The model
is evaluated as ``leadscoring evaluate`` does, on another export of as many rows with another seed. The truth's figures
are those of the true probabilities on the same deals: no model can be better but by luck.
"""

import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
import polars as pl

from leadscoring.demo.exports.crm import CRMS, Crm
from leadscoring.demo.exports.write import Style, write
from leadscoring.quality.figures import Quality, measure
from leadscoring.training.evaluate import evaluate
from leadscoring.training.fit import train
from leadscoring.training.options import TrainOptions
from leadscoring.training.reading.header import clean

ROWS = 20_000
SEED, HELD_OUT_SEED = 1, 2
WITHIN = 0.015
"""The ROC-AUC of a model should be at most this much below the truth's."""


class Measured(msgspec.Struct, frozen=True):
    """The figures of one model and of the truth on held-out deals; ``leaks`` are planted columns that it uses."""

    name: str
    roc_auc: float
    log_loss: float
    truth: Quality
    features: tuple[str, ...]
    leaks: tuple[str, ...]
    seconds: float

    @property
    def short(self) -> float:
        """What the model's ROC-AUC lacks of the truth's."""
        return self.truth.roc_auc.value - self.roc_auc


def options_of(crm: Crm) -> TrainOptions:
    """The options that the owner of an export names."""
    return TrainOptions(target=crm.target, positive=",".join(crm.positive), time=crm.time)


def exported(crm: Crm, rows: int, seed: int, folder: Path, style: Style | None = None) -> tuple[Path, pl.DataFrame]:
    """Writes an export, by default in the form of its CRM, and returns its file and the truth."""
    out, truth = folder / f"{crm.title}-{seed}.csv", folder / f"{crm.title}-{seed}-truth.csv"
    write(crm, rows, seed, out, truth, style or Style(crm.locale, crm.encoding, crm.separator))
    return out, pl.read_csv(truth, schema_overrides={crm.key: pl.String})


def measured(crm: Crm, rows: int, folder: Path, held_out: int | None = None) -> Measured:
    """Trains on one export and evaluates on another, of as many rows unless ``held_out`` gives their number."""
    data, _ = exported(crm, rows, SEED, folder)
    held, truth = exported(crm, held_out or rows, HELD_OUT_SEED, folder)
    before = time.process_time()
    trained = train(data, options_of(crm))
    seconds = time.process_time() - before
    model = folder / f"{crm.title}.json"
    trained.save(model)
    figures = evaluate(model, held, crm.target)["held_out"]
    decided = truth.filter(pl.col("converted").is_not_null())
    best = measure(decided["converted"].to_numpy().astype(float), decided["true_probability"].to_numpy(), resamples=2)
    features = tuple(feature.name for feature in trained.card.contract.features)
    leaks = tuple(name for name in map(clean, crm.leaks) if name in features or f"has {name}" in features)
    return Measured(
        crm.title, figures["roc_auc"]["value"], figures["log_loss"]["value"], best, features, leaks, seconds
    )


def row_of(one: Measured) -> tuple[str, ...]:
    """The row of the table for one export."""
    verdict = "keeps" if one.short <= WITHIN else "misses"
    return (
        one.name,
        f"{one.roc_auc:.4f} / {one.log_loss:.4f}",
        f"{one.truth.roc_auc.value:.4f} / {one.truth.log_loss.value:.4f}",
        f"{one.short:+.4f}, {verdict} {WITHIN}",
        ", ".join(one.leaks) or "none",
        f"{one.seconds:.0f}",
    )


def main(asked: list[str]) -> None:
    """Measures the requested exports (by default all), and prints the table."""
    rows = next((int(word) for word in asked if word.isdigit()), ROWS)
    names = [word for word in asked if not word.isdigit()] or list(CRMS)
    print("| export | model: ROC-AUC / log-loss | truth | lacks | leaks in use | seconds |\n|---|---|---|---|---|---|")
    with TemporaryDirectory() as folder:
        for name in names:
            one = measured(CRMS[name], rows, Path(folder))
            print("| " + " | ".join(row_of(one)) + " |", flush=True)
            print(f"  features of {name}: {', '.join(one.features)}", file=sys.stderr)


if __name__ == "__main__":
    main(sys.argv[1:])
