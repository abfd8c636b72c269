"""Scoring tables and files of leads, beside reading and writing them and beside XGBoost: ``python -m benchmarks.bulk``.

Every figure is in rows a second of processor time, of all threads together, and all are measured in one run.
"""

import argparse
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from time import perf_counter, process_time
from typing import Any, NamedTuple

import numpy as np
import polars as pl
import xgboost as xgb

from benchmarks import mixed
from leadscoring.bulk.choice import Choice
from leadscoring.bulk.chunk import BulkScorer
from leadscoring.bulk.places import places_of
from leadscoring.bulk.run import score_files
from leadscoring.bulk.scores import scores
from leadscoring.bulk.sources import sources_of
from leadscoring.demo.leads import demo_leads
from leadscoring.model.file import open_model
from leadscoring.model.loaded import LoadedModel

FOLDER = Path("build/bench/bulk")
MODEL = Path("models/model.json")
BATCH = 65_536
DISTINCT = 20_000
"""Different leads; in the file every column is permuted anew with each repetition."""

ROUNDS = 3
XGBOOST_ROWS = 40_000


class Measured(NamedTuple):
    """One way of treating a file: what it is, its rows, and the shortest seconds of processor and of clock."""

    name: str
    rows: int
    seconds: float
    elapsed: float

    @property
    def rate(self) -> float:
        """Rows a second of processor time."""
        return self.rows / self.seconds


def measure(name: str, rows: int, work: Callable[[], object], rounds: int = ROUNDS) -> Measured:
    """Measures the best of some rounds, since noise only increases the time."""
    seconds, elapsed = float("inf"), float("inf")
    for _ in range(rounds):
        began, clock = process_time(), perf_counter()
        work()
        seconds, elapsed = min(seconds, process_time() - began), min(elapsed, perf_counter() - clock)
    return Measured(name, rows, seconds, elapsed)


def table(rows: int) -> pl.DataFrame:
    """Generates leads with the 50 features of the default contract."""
    made = pl.DataFrame([lead.features for lead in demo_leads(DISTINCT, seed=3)], infer_schema_length=None)
    chance = np.random.default_rng(5)
    parts = [
        made.select([made[name][chance.permutation(DISTINCT)] for name in made.columns])
        for _ in range(-(-rows // DISTINCT))
    ]
    ids = pl.Series("lead_id", np.arange(rows)).cast(pl.String)
    return pl.concat(parts).head(rows).with_columns(ids).rechunk()


def batches(path: Path, schema: dict[str, Any]) -> Iterator[pl.DataFrame]:
    """Reads a file in batches."""
    if path.suffix == ".csv":
        yield from pl.scan_csv(path, schema_overrides=schema).collect_batches(chunk_size=BATCH)
    else:
        yield from pl.scan_parquet(path).collect_batches(chunk_size=BATCH)


def scored(path: Path, schema: dict[str, Any], scorer: BulkScorer, out: Path) -> None:
    """Scores a file, and writes the scores in parts of the same format."""
    for number, frame in enumerate(batches(path, schema)):
        found = scores(scorer.score(frame), scorer.model).insert_column(0, frame["lead_id"])
        write(found, out / f"{number}{path.suffix}")


def write(found: pl.DataFrame, path: Path) -> None:
    """Writes a table; lists become texts in CSV."""
    if path.suffix == ".csv":
        found.with_columns(found["warnings"].list.join("; ")).write_csv(path)
    else:
        found.write_parquet(path, compression="zstd", compression_level=1)


def copied(path: Path, schema: dict[str, Any], out: Path) -> None:
    """Reads a file and writes it again, whole."""
    for number, frame in enumerate(batches(path, schema)):
        if path.suffix == ".csv":
            frame.write_csv(out / f"{number}.csv")
        else:
            frame.write_parquet(out / f"{number}.parquet", compression="zstd", compression_level=1)


def thinly(path: Path, schema: dict[str, Any], out: Path) -> None:
    """Reads a file and writes two of its columns."""
    for number, frame in enumerate(batches(path, schema)):
        frame.select(frame.columns[:1] + frame.columns[-1:]).write_parquet(out / f"{number}.parquet")


def read(path: Path, schema: dict[str, Any]) -> None:
    """Reads a file."""
    for _ in batches(path, schema):
        pass


def by_xgboost(frame: pl.DataFrame, model: LoadedModel, booster: xgb.Booster, reasons: int) -> Any:
    """Scores a table as is usual: predict in place, contributions, the strongest five by numpy."""
    rows = frame.select(model.names).to_numpy().astype(np.float32)
    margins = booster.inplace_predict(rows, predict_type="margin")
    knots = model.card.calibration
    probability = np.interp(margins, knots.margins, knots.probabilities)
    if not reasons:
        return probability
    shares = booster.predict(xgb.DMatrix(rows, feature_names=booster.feature_names), pred_contribs=True)[:, :-1]
    strongest = np.argsort(-np.abs(shares), axis=1)[:, :reasons]
    return probability, strongest, np.take_along_axis(shares, strongest, axis=1)


def of_file(path: Path, rows: int, schema: dict[str, Any], model: LoadedModel) -> list[Measured]:
    """Measures everything that is done with one file."""
    kind = path.suffix[1:]
    out = FOLDER / "out"

    def fresh(work: Callable[[], object]) -> Callable[[], object]:
        shutil.rmtree(out, ignore_errors=True)
        out.mkdir(parents=True)
        return work

    found = [measure(f"{kind}: reading alone", rows, lambda: read(path, schema))]
    found.append(measure(f"{kind}: reading, and writing two columns", rows, fresh(lambda: thinly(path, schema, out))))
    found.append(measure(f"{kind}: reading, and writing it whole", rows, fresh(lambda: copied(path, schema, out))))
    for reasons in (0, 5):
        for threads in (1, 2):
            scorer = BulkScorer(model, reasons, threads)
            name = f"{kind}: scored, {reasons} reasons, {threads} thread{'s' * (threads > 1)}"
            found.append(measure(name, rows, fresh(lambda one=scorer: scored(path, schema, one, out))))  # type: ignore[misc]  # bound at once
    return found


def of_command(path: Path, rows: int, model: LoadedModel) -> list[Measured]:
    """Measures what `leadscoring score` does with a file, by one thread on one core, and by two on two."""

    def run(reasons: int, threads: int) -> Callable[[], object]:
        places = places_of(str(MODEL), str(path), sources_of(str(path)), str(FOLDER / f"scores{path.suffix}"), None)
        choice = Choice(reasons=reasons, threads=threads)

        def work() -> None:
            with limited_to(threads):
                score_files(model, places, choice, lambda _stage, _share: None)

        return work

    return [
        measure(
            f"{path.suffix[1:]}: leadscoring score, {reasons} reasons, {threads} thread{'s' * (threads > 1)} and "
            f"core{'s' * (threads > 1)}",
            rows,
            run(reasons, threads),
        )
        for reasons in (0, 5)
        for threads in (1, 2)
    ]


@contextmanager
def limited_to(cores: int) -> Iterator[None]:
    """Lets the threads of this process run on so many cores: those that read would else take another one."""
    allowed = os.sched_getaffinity(0)

    def allow(some: set[int]) -> None:
        for thread in Path("/proc/self/task").iterdir():
            with suppress(OSError):  # a thread that has ended meanwhile
                os.sched_setaffinity(int(thread.name), some)

    allow(set(sorted(allowed)[:cores]))
    try:
        yield
    finally:
        allow(allowed)


def in_memory(frame: pl.DataFrame, model: LoadedModel, name: str) -> list[Measured]:
    """Measures the scoring of a table in memory."""
    frame = frame.head(BATCH * 4)
    parts = [frame[first : first + BATCH] for first in range(0, len(frame), BATCH)]

    def run(scorer: BulkScorer) -> Callable[[], None]:
        return lambda: [scorer.score(part) for part in parts] and None

    return [measure(f"{name}, {reasons} reasons", len(frame), run(BulkScorer(model, reasons))) for reasons in (0, 5)]


def main() -> None:
    """Measures and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    rows = parser.parse_args().rows
    FOLDER.mkdir(parents=True, exist_ok=True)
    model, frame = open_model(MODEL), table(rows)
    schema = {name: dtype for name, dtype in frame.schema.items() if name != "lead_id"} | {"lead_id": pl.String()}
    frame.write_parquet(FOLDER / "leads.parquet", row_group_size=BATCH * 2)
    frame.write_csv(FOLDER / "leads.csv")
    booster = xgb.Booster({"nthread": 1}, model_file=str(MODEL))
    booster.set_param({"nthread": 1})
    few = frame.head(XGBOOST_ROWS)
    found = in_memory(frame, model, "in memory: 50 numbers")
    found += in_memory(mixed.frame(BATCH * 4), mixed.model(), "in memory: 40 numbers, 10 categories, dates and texts")
    found += [
        measure(
            f"in memory: xgboost, {reasons} reasons",
            len(few),
            lambda most=reasons: by_xgboost(few, model, booster, most),
        )  # type: ignore[misc]  # bound at once
        for reasons in (0, 5)
    ]
    for suffix in ("parquet", "csv"):
        found += of_file(FOLDER / f"leads.{suffix}", rows, schema, model)
        found += of_command(FOLDER / f"leads.{suffix}", rows, model)
    print(report(found))


def report(found: list[Measured]) -> str:
    """Formats the figures as a table in Markdown."""
    lines = ["| what | rows a processor second | us a row | rows a second |", "|---|---|---|---|"]
    lines += [
        f"| {one.name} | {one.rate:,.0f} | {1e6 / one.rate:.2f} | {one.rows / one.elapsed:,.0f} |" for one in found
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
