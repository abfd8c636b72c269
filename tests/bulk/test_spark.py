"""Spark scores a table on its executors with the bits of the chunk function; a killed executor loses and doubles no row."""

import os
import shutil
import signal
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import uuid4

import clusters
import polars as pl
import pytest
from programs import program
from timed import timed_lead, timed_model

from leadscoring.errors import ScoringTableError
from leadscoring.model.file import open_model

pytestmark = [
    clusters.needs("pyspark", "pyarrow"),
    pytest.mark.integration,
    pytest.mark.timeout(600),  # two executors start, and start again
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # of pandas and pyspark among themselves
    pytest.mark.filterwarnings("ignore::ResourceWarning"),  # pyspark leaves its sockets to the garbage collector
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),  # the same
]
spark = clusters.module("leadscoring.bulk.spark", "pyspark", "pyarrow")

CORES = 2
"""Of the cluster: two executors of one core."""

JAVA = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"
"""What lets a process of Java that lives for a minute start soon."""


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A cluster of this machine: two executors, each a process of its own."""
    java, folder = program("java"), tmp_path_factory.mktemp("spark")
    from pyspark.sql import SparkSession

    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("SPARK_LOCAL_IP", "127.0.0.1")
        patched.setenv("SPARK_WORKER_DIR", str(folder / "work"))
        patched.setenv("PYSPARK_PYTHON", sys.executable)
        patched.setenv("JAVA_HOME", os.environ.get("JAVA_HOME") or str(Path(java).resolve().parents[1]))
        builder = SparkSession.builder.master(f"local-cluster[{CORES},1,2048]").appName("tests")
        options = {
            "spark.driver.host": "127.0.0.1",
            "spark.driver.bindAddress": "127.0.0.1",
            "spark.ui.enabled": "false",
            "spark.ui.showConsoleProgress": "false",
            "spark.local.dir": str(folder / "local"),
            "spark.sql.warehouse.dir": str(folder / "warehouse"),
            "spark.sql.execution.arrow.maxRecordsPerBatch": "200",
            "spark.sql.session.timeZone": "America/New_York",
            "spark.sql.shuffle.partitions": "2",
            "spark.sql.adaptive.enabled": "false",
            "spark.sql.files.maxPartitionBytes": "1g",
            "spark.driver.extraJavaOptions": JAVA,
            "spark.executor.extraJavaOptions": JAVA,
            "spark.log.level": "OFF",
        }
        for name, value in options.items():
            builder = builder.config(name, value)
        started = builder.getOrCreate()
        yield started
        started.stop()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of the small model."""
    return clusters.model_file(tmp_path_factory.mktemp("model"))


def frame_of(session: Any, table: pl.DataFrame, parts: int = 2) -> Any:
    """A table as Spark has it, in parts; by a file, since Spark 3.5 takes no table of Arrow."""
    file = Path(session.conf.get("spark.sql.warehouse.dir").removeprefix("file:")) / f"{uuid4()}.parquet"
    file.parent.mkdir(exist_ok=True)
    table.write_parquet(file)
    return session.read.parquet(str(file)).repartition(parts)


def rows_of(df: Any) -> dict[str, clusters.Row]:
    """The rows of a DataFrame by their ids."""
    return clusters.by_id([row.asDict(recursive=True) for row in df.collect()])


def test_every_row_is_scored_or_rejected_with_the_bits_of_the_chunk_function(session: Any, path: Path) -> None:
    """Also where a part is empty or rejected whole, in another order of columns, beside columns of any type."""
    from pyspark.sql import functions as f

    table = clusters.leads()
    df = frame_of(session, table[:2000], 2).union(frame_of(session, table[2000:].filter(pl.col("revenue") < 0), 1))
    df = df.union(frame_of(session, table[2000:].filter(pl.col("revenue") >= 0), 1))
    df = df.union(frame_of(session, table[:0], 1))
    mapped = f.create_map(f.lit("a"), f.col("visits"))
    df = df.select(*df.columns[::-1], mapped.alias("a map"), f.struct("growth", f.array("visits")).alias("x.y"))
    scored = spark.score(df, path, id="lead", as_of=clusters.NOW, columns=["x.y"])
    found = rows_of(scored)
    for row in found.values():
        assert set(row.pop("x.y")) == {"growth", "col2"}
    assert found == clusters.expected(open_model(path), table)


def test_scored_and_rejected_leads_are_separated(session: Any, path: Path) -> None:
    """Together they are all leads; rejected ones have their faults in the words of the service, and no columns of scores."""
    table = clusters.leads(300)
    good, bad = spark.split(
        spark.score(frame_of(session, table), path, id="lead", as_of=clusters.NOW, columns=["growth"])
    )
    assert bad.columns == ["id", "rejected", "growth"]
    assert good.count() + bad.count() == table.height
    assert good.where("probability is null").count() == 0
    messages = {fault.message for row in bad.collect() for fault in row.rejected}
    assert "revenue must be a number of at least 0, not -5.0" in messages or len(messages) > 1


def killing(marker: str, kills_executor: bool) -> Any:
    """A function for ``mapInArrow`` that hands on its batches, and kills its process at the third, once."""

    def handed_on(batches: Any) -> Any:
        import psutil

        for number, batch in enumerate(batches):
            if number == 2:
                try:
                    os.close(os.open(marker, os.O_CREAT | os.O_EXCL))
                except FileExistsError:
                    pass
                else:
                    parents = psutil.Process().parents()
                    victim = (
                        next(one for one in parents if "java" in one.name()) if kills_executor else psutil.Process()
                    )
                    victim.send_signal(signal.SIGKILL)
            yield batch

    return handed_on


@pytest.mark.parametrize("kills_executor", [True, False], ids=["executor", "its Python"])
def test_a_process_that_is_killed_in_mid_run_loses_and_doubles_no_row(
    session: Any, path: Path, tmp_path: Path, kills_executor: bool
) -> None:
    """Its part is scored again, with the same bits, and what is written has each lead once."""
    table, marker = clusters.leads(3000), tmp_path / "killed"
    df = frame_of(session, table, 2)
    df = df.mapInArrow(killing(str(marker), kills_executor), df.schema)
    scored = spark.score(df, path, id="lead", as_of=clusters.NOW)
    scored.write.parquet(str(tmp_path / "scores"))
    assert marker.exists()
    assert rows_of(session.read.parquet(str(tmp_path / "scores"))) == clusters.expected(open_model(path), table)


def test_a_model_that_arrives_damaged_scores_nothing(session: Any, path: Path) -> None:
    """The run fails, and says why."""
    sent = spark.shipment(path, spark.Asked(5, False, "lead", None, ()))
    content, names, parts, plan = sent.content[:-1], clusters.leads(1).columns, spark.parts, sent.plan
    df = frame_of(session, clusters.leads(10), 1)
    scored = df.mapInArrow(lambda batches: parts(batches, names, plan, lambda: content), "id string")
    with pytest.raises(Exception, match="did not reach this worker as it was sent"):
        scored.collect()


def test_columns_are_found_by_their_exact_names(session: Any, path: Path) -> None:
    """Where Spark itself would find two, or a field of another one; numbers may be decimals."""
    table = clusters.leads(50)
    df = frame_of(session, table.with_columns(decoy=pl.lit("x")), 1).withColumnRenamed("decoy", "GROWTH")
    scored = spark.score(df, path, id="lead", as_of=clusters.NOW)
    assert rows_of(scored) == clusters.expected(open_model(path), table)
    exact = table.with_columns(revenue=pl.col("revenue").cast(pl.Decimal(20, 2)))
    row = spark.score(frame_of(session, exact, 1), path, id="lead", as_of=clusters.NOW, columns=["revenue"]).first()
    assert isinstance(row["revenue"], Decimal)


def test_times_have_the_zone_of_the_session(session: Any, tmp_path: Path) -> None:
    """A timestamp is a moment: it gets the score of the same moment as text."""
    model, lead = timed_model(tmp_path), timed_lead()
    features = lead["features"] | {"created": datetime.fromisoformat(lead["features"]["created"])}
    typed = {"lead": "a", "when": datetime.fromisoformat(lead["as_of"])} | features
    late = {"lead": "b", "when": typed["when"] + timedelta(days=9)} | features
    texts = {"lead": "c", "when": lead["as_of"]} | lead["features"]
    found = rows_of(spark.score(session.createDataFrame([typed, late]), model, id="lead", as_of="when"))
    found |= rows_of(spark.score(session.createDataFrame([texts]), model, id="lead", as_of="when"))
    assert found["a"] | {"id": "c"} == found["c"]
    assert found["a"]["as_of"] == "2026-03-10T12:00:00Z"
    assert found["b"]["as_of"] == "2026-03-19T12:00:00Z"


def test_a_missing_column_is_an_error_at_once(session: Any, path: Path) -> None:
    """Not minutes later, on an executor."""
    df = frame_of(session, clusters.leads(10))
    with pytest.raises(ScoringTableError, match="'when'"):
        spark.score(df, path, as_of="when")
    with pytest.raises(ScoringTableError, match="'revenue'"):
        spark.score(df.drop("revenue"), path)
