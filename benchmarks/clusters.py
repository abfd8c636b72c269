"""Scoring on clusters of Spark and Ray, beside one machine and beside copying: ``python -m benchmarks.clusters``.

Every way reads the same folder of Parquet and writes Parquet, on the same cores, in one run. What a way takes for a
thousand rows is starting, and is shown apart; the rates are those of the rows beyond. Needs ``make clusters``.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from time import perf_counter
from typing import Any, NamedTuple

import polars as pl
import psutil

from leadscoring.demo.many import many_leads

FOLDER = Path("build/bench/clusters").absolute()
MODEL = Path("models/model.json").absolute()
PARTS = 8
FEW = 1_000
ROUNDS = 3
COMMAND = (sys.executable, "-c", "from leadscoring.cli.main import main; main()", "score", str(MODEL))

Work = Callable[[Path, Path], object]
"""Reads a folder, and writes another one."""


class Spent(NamedTuple):
    """Seconds of the clock, and of processors in all processes that this one has started."""

    elapsed: float
    seconds: float


class Measured(NamedTuple):
    """What a way takes for a few rows and for all, at best, and how long its cluster takes to start."""

    name: str
    started: float
    few: Spent
    all: Spent


def processors() -> float:
    """Returns the seconds of processors that this process and its descendants have used, those that ended included."""
    total = 0.0
    own = psutil.Process()
    for one in (own, *own.children(recursive=True)):
        try:
            times = one.cpu_times()
        except psutil.Error:  # it ended meanwhile; its parent has its time, if it waited for it
            continue
        total += times.user + times.system + times.children_user + times.children_system
    return total


def spent(work: Callable[[], object]) -> Spent:
    """Runs something once."""
    began, clock = processors(), perf_counter()
    work()
    return Spent(perf_counter() - clock, processors() - began)


def measure(ways: dict[str, Work], started: float, rows: int) -> list[Measured]:
    """Measures ways by turns, after one run of each over a few rows that does not count."""
    out = FOLDER / "out"
    found: dict[tuple[str, str], list[Spent]] = {}
    for round_ in range(ROUNDS + 1):
        for name, work in ways.items():
            for size in ("few", "all") if round_ else ("few",):
                shutil.rmtree(out, ignore_errors=True)
                once = spent(lambda work=work, size=size: work(FOLDER / size, out))  # type: ignore[misc]  # called at once
                check(out, FEW if size == "few" else rows)
                if round_:
                    found.setdefault((name, size), []).append(once)
    return [Measured(name, started, best(found[name, "few"]), best(found[name, "all"])) for name in ways]


def best(runs: list[Spent]) -> Spent:
    """Returns the least of each, since noise only adds."""
    return Spent(min(run.elapsed for run in runs), min(run.seconds for run in runs))


def write_leads(rows: int) -> None:
    """Writes the leads that every way reads, in as many files as all cores can share."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    for size, count, parts in (("few", FEW, 2), ("all", rows, PARTS)):
        (FOLDER / size).mkdir(parents=True)
        table = pl.concat(many_leads(count, seed=3)).drop("created_at", "converted", strict=False)
        for number, part in enumerate(table.iter_slices(-(-count // parts))):
            part.write_parquet(FOLDER / size / f"{number}.parquet")


def check(out: Path, rows: int) -> None:
    """Compares the number of rows that a way has written."""
    written = pl.scan_parquet(out / "*.parquet").select(pl.len()).collect().item()
    assert written == rows, f"{written} rows of {rows} in {out}"


def on_one_machine(cores: int, rows: int) -> list[Measured]:
    """Measures ``leadscoring score``, and copying by the library that it reads with."""

    def scored(leads: Path, out: Path) -> None:
        out.mkdir()
        arguments = [str(leads), "--out", str(out / "scores.parquet"), "--threads", str(cores)]
        subprocess.run([*COMMAND, *arguments], check=True, capture_output=True)

    def copied(leads: Path, out: Path) -> None:
        out.mkdir()
        program = f"import polars as p; p.scan_parquet({str(leads)!r}).sink_parquet({str(out / 'copy.parquet')!r})"
        environment = os.environ | {"POLARS_MAX_THREADS": str(cores)}
        subprocess.run([sys.executable, "-c", program], check=True, env=environment)

    return measure({"one machine: `leadscoring score`": scored, "one machine: Polars copies": copied}, 0.0, rows)


@contextmanager
def spark_session(cores: int) -> Iterator[Any]:
    """A cluster of this machine, with an executor of one core for each core."""
    from pyspark.sql import SparkSession

    os.environ |= {"SPARK_LOCAL_IP": "127.0.0.1", "PYSPARK_PYTHON": sys.executable}
    os.environ["SPARK_WORKER_DIR"] = str(FOLDER / "work")
    builder = SparkSession.builder.master(f"local-cluster[{cores},1,1024]").appName("benchmark")
    options = {
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.local.dir": str(FOLDER / "local"),
        "spark.sql.warehouse.dir": str(FOLDER / "warehouse"),
        "spark.log.level": "OFF",
    }
    for name, value in options.items():
        builder = builder.config(name, value)
    session = builder.getOrCreate()
    try:
        yield session
    finally:
        session.stop()


def on_spark(cores: int, rows: int) -> list[Measured]:
    """Measures Spark: it copies, hands its rows through Python, and has them scored there."""
    clock = perf_counter()
    with spark_session(cores) as session:
        from leadscoring.bulk import spark

        def handed(batches: Any) -> Any:
            yield from batches

        def through_python(leads: Path, out: Path) -> None:
            df = session.read.parquet(str(leads))
            df.mapInArrow(handed, df.schema).write.parquet(str(out))

        ways: dict[str, Work] = {
            "Spark: `spark.score`": lambda leads, out: spark.score(
                session.read.parquet(str(leads)), MODEL, id="lead_id"
            ).write.parquet(str(out)),
            "Spark copies": lambda leads, out: session.read.parquet(str(leads)).write.parquet(str(out)),
            "Spark copies through Python": through_python,
        }
        return measure(ways, perf_counter() - clock, rows)


@contextmanager
def ray_cluster(cores: int) -> Iterator[Any]:
    """A cluster of this machine, with two slots for each core: one scores, the other reads."""
    os.environ |= {"RAY_USAGE_STATS_ENABLED": "0", "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0"}
    import ray

    folder = tempfile.mkdtemp(prefix="ray-")  # short, as the paths of sockets have to be
    ray.init(
        num_cpus=2 * cores,
        object_store_memory=500_000_000,
        _node_ip_address="127.0.0.1",
        include_dashboard=False,
        log_to_driver=False,
        logging_level="error",
        _temp_dir=folder,
    )
    ray.data.DataContext.get_current().enable_progress_bars = False
    try:
        yield ray
    finally:
        ray.shutdown()
        shutil.rmtree(folder, ignore_errors=True)


def on_ray(cores: int, rows: int) -> list[Measured]:
    """Measures Ray: it copies, and has the rows scored."""
    clock = perf_counter()
    with ray_cluster(cores) as ray:
        from leadscoring.bulk import ray as scoring

        def read(leads: Path) -> Any:
            return ray.data.read_parquet(str(leads))

        ways: dict[str, Work] = {
            "Ray: `ray.score`": lambda leads, out: scoring.score(
                read(leads), MODEL, id="lead_id", workers=cores
            ).write_parquet(str(out)),
            "Ray copies": lambda leads, out: read(leads).write_parquet(str(out)),
            "Ray copies through `map_batches`": lambda leads, out: (
                read(leads).map_batches(lambda batch: batch, batch_format="pyarrow").write_parquet(str(out))
            ),
        }
        return measure(ways, perf_counter() - clock, rows)


def report(found: list[Measured], rows: int) -> str:
    """Formats the figures as a table in Markdown."""
    titles = ("what", "start of the cluster", f"{FEW:,} rows", "rows/s beyond them", "rows a processor second")
    lines = [f"| {' | '.join(titles)} |", "|---|---:|---:|---:|---:|"]
    for one in found:
        rate = (rows - FEW) / (one.all.elapsed - one.few.elapsed)
        each = (rows - FEW) / (one.all.seconds - one.few.seconds)
        start = f"{one.started:.1f} s" if one.started else ""
        lines.append(f"| {one.name} | {start} | {one.few.elapsed:.2f} s | {rate:,.0f} | {each:,.0f} |")
    return "\n".join(lines)


def main() -> None:
    """Measures and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--cores", type=int, default=os.cpu_count())
    asked = parser.parse_args()
    write_leads(asked.rows)
    ways = (on_one_machine, on_spark, on_ray)
    found = list(chain.from_iterable(way(asked.cores, asked.rows) for way in ways))
    print(f"{asked.cores} cores, {asked.rows:,} rows, 5 reasons; load {os.getloadavg()[0]:.1f}\n")
    print(report(found, asked.rows))
    shutil.rmtree(FOLDER)


if __name__ == "__main__":
    main()
