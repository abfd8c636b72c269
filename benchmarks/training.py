"""Measures what a training costs beside one plain fit of the same leads.

Run with ``python -m benchmarks.training [rows]``; prints one table. The leads have 50 numbers, of which a tenth is
missing, in a Parquet file. Both are measured in a process of their own: ``train`` with all that it does, from the file
to the report; and two plain fits of XGBoost to the encoded leads, on one thread: with the recipe and the rounds that
``train`` selected, and with 300 trees of depth 4. Processor time is that of all threads, without imports.
"""

import json
import resource
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import polars as pl
import xgboost as xgb

from benchmarks.row import Row, table
from leadscoring.training.fit import train
from leadscoring.training.options import TrainOptions
from leadscoring.training.trees import Recipe

ROWS = 100_000
COLUMNS = 50
MISSING = 0.1
BLOCK = 100_000
TARGET = "converted"
TREES, DEPTH = 300, 4

MOST, AIM = 7.0, 4.0
"""How many plain fits a training of ``ROWS`` leads may cost."""

MEMORY = {100_000: 1.0, 1_000_000: 3.0, 10_000_000: 8.0}
"""How many gigabytes so many leads may take."""


def leads(rows: int, seed: int) -> pl.DataFrame:
    """Leads whose log-odds are linear in their numbers but for one product of two."""
    weights = np.random.default_rng(0).normal(size=COLUMNS) * 0.25
    random = np.random.default_rng(seed)
    x = random.normal(size=(rows, COLUMNS)).round(4)
    known = random.random(x.shape) >= MISSING
    filled = np.where(known, x, 0.0)
    margin = filled @ weights - 1.2 + 0.6 * filled[:, 0] * filled[:, 1]
    won = random.random(rows) < 1.0 / (1.0 + np.exp(-margin))
    columns = {f"f{place:02d}": pl.Series(np.where(known, x, np.nan)[:, place]) for place in range(COLUMNS)}
    return pl.DataFrame(columns).fill_nan(None).with_columns(pl.Series(TARGET, won.astype(np.int8)))


def write(path: Path, rows: int) -> None:
    """Writes leads block by block, so that any number of them takes little memory."""
    folder = path.with_suffix("")
    folder.mkdir()
    for place, start in enumerate(range(0, rows, BLOCK)):
        leads(min(BLOCK, rows - start), place + 1).write_parquet(folder / f"{place:05d}.parquet")
    pl.scan_parquet(folder / "*.parquet").sink_parquet(path)


def training(path: Path) -> dict[str, Any]:
    """Trains, and returns what it cost and selected."""
    before, begun = time.process_time(), time.perf_counter()
    trained = train(path, TrainOptions(target=TARGET))
    seconds, wall = time.process_time() - before, time.perf_counter() - begun
    held_out = trained.card.quality["held_out"]
    return {
        "seconds": seconds,
        "wall": wall,
        "recipe": trained.card.quality["recipe"],
        "roc_auc": held_out["roc_auc"]["value"],
        "log_loss": held_out["log_loss"]["value"],
    }


def plain(path: Path, recipe: dict[str, Any]) -> dict[str, Any]:
    """Fits XGBoost once with the recipe, and once with trees of depth 4; returns what each cost."""
    frame = pl.read_parquet(path)
    y = frame[TARGET].to_numpy().astype(np.float64)
    data = xgb.QuantileDMatrix(frame.drop(TARGET).cast(pl.Float32).to_numpy(), y, nthread=1)
    rounds = recipe.pop("rounds")
    ordinary = {"objective": "binary:logistic", "tree_method": "hist", "max_depth": DEPTH, "eta": 0.1, "nthread": 1}
    return {
        "recipe": fit_seconds(Recipe(**recipe).parameters(float(y.mean()), 0), data, rounds),
        "ordinary": fit_seconds(ordinary, data, TREES),
    }


def fit_seconds(parameters: dict[str, Any], data: xgb.QuantileDMatrix, rounds: int) -> float:
    """The processor time of one fit."""
    before = time.process_time()
    xgb.train(parameters, data, rounds)
    return time.process_time() - before


def apart(what: str, *arguments: str) -> dict[str, Any]:
    """Runs a part of the benchmark in a process of its own; adds the peak of its memory in gigabytes."""
    command = [sys.executable, "-m", "benchmarks.training", what, *arguments]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


def rows_of(rows: int) -> list[Row]:
    """Measures a training of so many leads."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "leads.parquet"
        write(path, rows)
        ours = apart("train", str(path))
        fits = apart("plain", str(path), json.dumps(ours["recipe"]))
    what = f"training, {rows:,} leads x {COLUMNS}"
    spent = f"{ours['seconds']:.1f} s"
    print(
        f"recipe {ours['recipe']}, held out: ROC-AUC {ours['roc_auc']:.4f}, log-loss {ours['log_loss']:.4f}; "
        f"wall {ours['wall']:.1f} s\n"
    )
    most = MEMORY.get(rows, max(1.0, rows / 1e6))
    return [
        Row(
            f"{what}, processor time",
            spent,
            f"plain fit, {TREES} trees of depth {DEPTH}, {fits['ordinary']:.1f} s",
            ours["seconds"] / fits["ordinary"],
            MOST,
            at_most=True,
            aim=AIM,
        ),
        Row(
            f"{what}, processor time",
            spent,
            f"plain fit, its own recipe, {fits['recipe']:.1f} s",
            ours["seconds"] / fits["recipe"],
            MOST,
            at_most=True,
            aim=AIM,
        ),
        Row(f"{what}, peak memory", f"{ours['peak']:.2f} GB", "", ours["peak"], most, at_most=True),
    ]


def main(asked: list[str]) -> int:
    """Measures, or runs the part of it that is asked for; the exit code is 0 if all bounds hold."""
    if asked and asked[0] in {"train", "plain"}:
        path = Path(asked[1])
        found = training(path) if asked[0] == "train" else plain(path, json.loads(asked[2]))
        found["peak"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
        print(json.dumps(found))
        return 0
    rows = rows_of(int(asked[0]) if asked else ROWS)
    print(table(rows))
    return 0 if all(row.holds for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
