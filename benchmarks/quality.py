"""Measures the quality of the trainer on two real files, relative to plain XGBoost.

Run with ``python -m benchmarks.quality [xeducation] [bank] [time]``; prints one table. The files are expected in
``../shared/data`` beside the project. Protocol: the trainer runs on the training part exactly as ``leadscoring train``
does, including its inner splits, and the resulting model is evaluated on the outer part. For a time split without a
time column, the order of the rows is the time. The calibration error is over all outer folds together, with each lead
scored once by a model that did not see it: over a single fold of 1,848 leads, even a perfectly calibrated model has an
error of 0.02.
"""

import sys
from pathlib import Path

import msgspec
import numpy as np
import polars as pl
from sklearn.model_selection import StratifiedKFold

from leadscoring.quality.figures import Quality, measure
from leadscoring.training.calibrate import apply
from leadscoring.training.encode import encode_table
from leadscoring.training.fit import Trained, train
from leadscoring.training.options import TrainOptions
from leadscoring.training.reading.series import Vector
from leadscoring.training.reading.table import read_table
from leadscoring.training.reread import reread
from leadscoring.training.trees import margins_of

DATA = Path(__file__).resolve().parents[1].parent / "shared" / "data"

LATE = ("Tags", "Lead Quality", "Lead Profile", "Last Activity", "Last Notable Activity", "Asymmetrique *")
KEYS = ("Prospect ID", "Lead Number")


class Case(msgspec.Struct, frozen=True):
    """One file: its training options, and the bounds of its metrics."""

    path: str
    options: TrainOptions
    converted: str
    least_auc: float
    aim_auc: float
    most_loss: float


CASES = {
    "xeducation": Case(
        "xeducation/Leads.csv", TrainOptions(target="Converted", ignore=(*LATE, *KEYS)), "1", 0.875, 0.885, 0.421 * 1.01
    ),
    "bank": Case(
        "bank/bank-additional-full.csv",
        TrainOptions(target="y", ignore=("duration",)),
        "yes",
        0.798,
        0.805,
        0.272 * 1.01,
    ),
}
TIME_AUC, TIME_AIM = 0.68, 0.72
CALIBRATION_ERROR = 0.02


class Folds(msgspec.Struct, frozen=True):
    """The metrics of each outer fold, those of all folds together, and the number of trees of each model."""

    each: list[Quality]
    pooled: Quality
    trees: list[int]

    def mean(self, figure: str) -> float:
        """Returns the mean of a metric over the folds."""
        return float(np.mean([getattr(quality, figure).value for quality in self.each]))

    def spread(self, figure: str) -> float:
        """Returns the standard deviation of a metric over the folds."""
        return float(np.std([getattr(quality, figure).value for quality in self.each]))


def probabilities(trained: Trained, frame: pl.DataFrame) -> Vector:
    """Returns the probabilities of raw leads by the written model."""
    card = trained.card
    return apply(
        card.calibration,
        margins_of(
            trained.booster,
            card.contract,
            encode_table(card.contract, reread(card.contract, card.read_as, frame).frame),
        ),
    )


def load(case: Case) -> tuple[pl.DataFrame, Vector]:
    """Reads the rows of a file and their outcomes."""
    frame = read_table(DATA / case.path).frame
    return frame, (frame[case.options.target] == case.converted).to_numpy().astype(np.float64)


def cross_validate(
    case: Case, folds: int = 5, seed: int = 0, most: int | None = None, rows: int | None = None
) -> Folds:
    """Cross-validates over random outer folds, of which the first ``most`` are used; samples ``rows`` leads if set."""
    frame, y = load(case)
    if rows is not None:
        drawn = np.sort(np.random.default_rng(seed).choice(len(y), rows, replace=False))
        frame, y = frame[drawn], y[drawn]
    p = np.full(len(y), np.nan)
    each, trees = [], []
    splits = list(StratifiedKFold(folds, shuffle=True, random_state=seed).split(y, y))
    for seen, held in splits[:most]:
        trained = train(frame[seen], case.options)
        p[held] = probabilities(trained, frame[held])
        each.append(measure(y[held], p[held], resamples=2))
        trees.append(trained.booster.num_boosted_rounds())
    done = ~np.isnan(p)
    return Folds(each, measure(y[done], p[done]), trees)


def over_time(case: Case, share: float = 0.7) -> Quality:
    """Trains on the first rows, measures on the rest."""
    frame, y = load(case)
    frame = frame.with_row_index("row number")
    cut = int(share * len(y))
    trained = train(frame[:cut], msgspec.structs.replace(case.options, time="row number"))
    return measure(y[cut:], probabilities(trained, frame[cut:]))


def verdict(value: float, bound: float, aim: float | None = None, *, below: bool = False) -> str:
    """Describes whether a metric meets its bound and its target."""
    kept = value <= bound if below else value >= bound
    if not kept:
        return f"misses {bound:.3f}"
    return (
        f"keeps {bound:.3f}"
        if aim is None
        else f"keeps {bound:.3f}, " + ("reaches" if value >= aim else "misses") + f" the aim {aim:.3f}"
    )


def interval(quality: Quality, figure: str) -> str:
    """Describes a metric with its 95 % interval."""
    found = getattr(quality, figure)
    return f"{found.value:.4f} ({found.low:.4f} to {found.high:.4f})"


def rows_of(name: str, case: Case, folds: Folds) -> list[tuple[str, str, str, str]]:
    """Returns the rows of the table for one file."""
    pooled = folds.pooled.calibration_error.value
    bounds = {
        "roc_auc": verdict(folds.mean("roc_auc"), case.least_auc, case.aim_auc),
        "log_loss": verdict(folds.mean("log_loss"), case.most_loss, below=True),
    }
    rows = [
        (name, figure, f"{folds.mean(figure):.4f} ± {folds.spread(figure):.4f}", bounds.get(figure, ""))
        for figure in ("roc_auc", "pr_auc", "log_loss", "brier", "calibration_error")
    ]
    lift = [quality.tenths[0].lift.value for quality in folds.each]
    rows.append(
        (name, "calibration_error, folds together", f"{pooled:.4f}", verdict(pooled, CALIBRATION_ERROR, below=True))
    )
    rows += [
        (name, f"{figure}, folds together", interval(folds.pooled, figure), "") for figure in ("roc_auc", "log_loss")
    ]
    rows.append((name, "lift of the top tenth", f"{np.mean(lift):.2f} ± {np.std(lift):.2f}", ""))
    rows.append((name, "trees", f"{np.mean(folds.trees):.0f}", ""))
    return rows


def main(asked: list[str]) -> None:
    """Runs the requested benchmarks (by default all), and prints the table."""
    rows: list[tuple[str, str, str, str]] = []
    for name, case in CASES.items():
        if not asked or name in asked:
            rows += rows_of(f"{name}, 5 random folds", case, cross_validate(case))
    if not asked or "time" in asked:
        quality = over_time(CASES["bank"])
        title = "bank, first 70 % to last 30 %"
        rows.append(
            (title, "roc_auc", interval(quality, "roc_auc"), verdict(quality.roc_auc.value, TIME_AUC, TIME_AIM))
        )
        rows.append((title, "log_loss", interval(quality, "log_loss"), ""))
    print("| data | figure | measured | bound |\n|---|---|---|---|")
    for row in rows:
        print("| " + " | ".join(row) + " |")


if __name__ == "__main__":
    if not DATA.is_dir():
        sys.exit(f"the data files are not there: {DATA.name} is expected beside the project, in ../shared")
    main(sys.argv[1:])
