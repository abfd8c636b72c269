"""Ray Data scores a dataset in actors with the bits of the chunk function; a killed actor loses and doubles no row."""

import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import clusters
import polars as pl
import psutil
import pytest

from leadscoring.model.file import open_model

pytestmark = [
    clusters.needs("ray", "pyarrow"),
    pytest.mark.integration,
    pytest.mark.timeout(600),  # actors start, and start again
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # of ray and pandas among themselves
    pytest.mark.filterwarnings("ignore::FutureWarning"),  # what ray will do some day
    pytest.mark.filterwarnings("ignore::ResourceWarning"),  # ray leaves its files to the garbage collector
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),  # the same
]
scoring = clusters.module("leadscoring.bulk.ray", "ray", "pyarrow")

DEADLINE = 300
"""Seconds that a stage of these tests waits for another."""


@pytest.fixture(scope="module")
def ray() -> Iterator[Any]:
    """A cluster of this machine, with room for two actors and for what reads; it reports to nobody."""
    folder = tempfile.mkdtemp(prefix="ray-")  # short, as the paths of sockets have to be
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("RAY_USAGE_STATS_ENABLED", "0")
        patched.setenv("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
        import ray

        ray.init(
            num_cpus=4,
            object_store_memory=300_000_000,
            _node_ip_address="127.0.0.1",
            include_dashboard=False,
            log_to_driver=False,
            logging_level="error",
            _temp_dir=folder,
        )
        ray.data.DataContext.get_current().enable_progress_bars = False
        yield ray
        ray.shutdown()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of the small model."""
    return clusters.model_file(tmp_path_factory.mktemp("model"))


def blocks_of(ray: Any, *tables: pl.DataFrame) -> Any:
    """A dataset of these blocks."""
    return ray.data.from_arrow([table.to_arrow() for table in tables])


def test_every_row_is_scored_or_rejected_with_the_bits_of_the_chunk_function(ray: Any, path: Path) -> None:
    """Also where a block is empty or rejected whole, in another order of columns, beside columns of any type."""
    table = clusters.leads()
    extra = table.with_columns(nested=pl.struct("growth", pl.concat_list("visits")))
    unfit = pl.col("revenue") < 0
    blocks = [
        extra[:1000],
        extra[1000:].filter(unfit),
        extra[:0],
        extra[1000:].filter(~unfit).select(extra.columns[::-1]),
    ]
    ds = blocks_of(ray, *blocks)
    scored = scoring.score(ds, path, id="lead", as_of=clusters.NOW, workers=2, batch_size=256)
    assert clusters.by_id(scored.take_all()) == clusters.expected(open_model(path), table)


def test_scored_and_rejected_leads_are_separated(ray: Any, path: Path) -> None:
    """Together they are all leads; rejected ones have their faults, and no columns of scores."""
    table = clusters.leads(300)
    scored = scoring.score(blocks_of(ray, table), path, id="lead", as_of=clusters.NOW, columns=["growth"], workers=1)
    good, bad = scoring.split(scored.materialize())
    kept, refused = good.take_all(), bad.take_all()
    assert len(kept) + len(refused) == table.height
    assert set(refused[0]) == {"id", "rejected", "growth"}
    assert "rejected" not in kept[0]
    assert all(row["probability"] is not None for row in kept)


def actors() -> list[psutil.Process]:
    """The processes of this cluster that score."""
    return [one for one in psutil.Process().children(recursive=True) if "MapWorker" in title(one)]


def both_actors() -> list[psutil.Process]:
    """The two processes that score, as soon as both have started."""
    until = time.monotonic() + DEADLINE
    while len(found := actors()) < 2:
        assert time.monotonic() < until
        time.sleep(0.05)
    return found


def title(process: psutil.Process) -> str:
    """What a process calls itself; nothing if it has ended."""
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""


def test_actors_that_are_killed_in_mid_run_lose_and_double_no_row(ray: Any, path: Path, tmp_path: Path) -> None:
    """Both are, after the first scores have come; new ones score the rest, with the same bits."""
    table, go, deadline = clusters.leads(4000), str(tmp_path / "go"), DEADLINE

    def held_up(batch: Any) -> Any:
        until = time.monotonic() + deadline
        late = int(batch["lead"][0].as_py().removeprefix("lead-")) >= 1000
        while late and not Path(go).exists():
            assert time.monotonic() < until
            time.sleep(0.05)
        return batch

    ds = blocks_of(ray, *table.iter_slices(200)).map_batches(held_up, batch_format="pyarrow", batch_size=None)
    scored = scoring.score(ds, path, id="lead", as_of=clusters.NOW, workers=2, batch_size=200)
    rows: list[clusters.Row] = []
    killed: list[psutil.Process] = []
    for batch in scored.iter_batches(batch_size=None, batch_format="pyarrow", prefetch_batches=0):
        rows += batch.to_pylist()
        if not killed:
            killed = both_actors()
            for one in killed:
                one.kill()
            Path(go).touch()
    assert len(killed) == 2, [title(one) for one in psutil.Process().children(recursive=True)]
    assert clusters.by_id(rows) == clusters.expected(open_model(path), table)


def test_a_model_that_arrives_damaged_scores_nothing(ray: Any, path: Path) -> None:
    """The actor does not start, and says why."""
    sent = scoring.shipment(path, scoring.Asked(5, False, "lead", None, ()))
    with pytest.raises(Exception, match="did not reach this worker as it was sent"):
        scoring.Scorer(ray.put(sent.content[:-1]), sent.plan)


def test_workers_that_would_leave_nothing_to_read_with_are_an_error(ray: Any, path: Path) -> None:
    """Else all of them would wait for leads forever."""
    with pytest.raises(ValueError, match="4 workers of 1 processors leave none of the 4 of the cluster to read with"):
        scoring.score(blocks_of(ray, clusters.leads(10)), path, workers=4)


def test_a_missing_column_fails_the_run_and_is_named(ray: Any, path: Path) -> None:
    """With the columns that are there."""
    scored = scoring.score(blocks_of(ray, clusters.leads(10)), path, as_of="when", workers=1)
    with pytest.raises(Exception, match="'when'"):
        scored.take_all()
