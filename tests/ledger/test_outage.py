"""The database is stopped, or hangs, while the service is under load: no request fails, and no score is lost."""

import os
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import postgresql
import pytest
from factories import model_file
from ledgers import KEYS, ledger_settings
from serving import DEADLINE, KEY, Server, eventually, serving, status
from steady_load import SteadyLoad

pytestmark = pytest.mark.integration

SECONDS = float(os.environ.get("OUTAGE_SECONDS", "2"))
"""Five minutes by ``make ledger-outage``."""

PATIENCE = "?connect_timeout=2"


@pytest.fixture(scope="module")
def cluster() -> Iterator[postgresql.Cluster]:
    """A PostgreSQL of these tests alone, since they stop it."""
    with postgresql.cluster() as made:
        yield made


@pytest.mark.parametrize("how", ["stopped", "hangs"])
def test_scores_wait_on_the_tape_until_the_database_is_back(
    how: str, cluster: postgresql.Cluster, tmp_path: Path
) -> None:
    """Status and metrics say so meanwhile; a keeper whose database hangs takes some seconds to notice."""
    url = cluster.url()
    settings = ledger_settings(tmp_path) | {"LEDGER": url + PATIENCE, "WORKERS": "2"}
    with serving(tmp_path, model_file(tmp_path), **settings) as server:
        assert eventually(lambda: state(server) == "healthy")
        with SteadyLoad(server.url, KEY) as load:
            assert eventually(lambda: moved(server) > 0)
            (cluster.pause if how == "hangs" else lambda: cluster.stop("immediate"))()
            ends_at = time.monotonic() + SECONDS
            try:
                assert eventually(lambda: state(server) in {"down", "silent"})
                assert status(server)["status"] == "degraded"
                assert "\nledger_down 1.0\n" in httpx.get(server.url + "/metrics").text
                time.sleep(max(0.0, ends_at - time.monotonic()))
                before = len(load.acknowledged)
                assert eventually(lambda: len(load.acknowledged) > before)
            finally:
                (cluster.resume if how == "hangs" else cluster.start)()
            assert eventually(lambda: state(server) == "healthy")
        assert load.failed == {}
        assert eventually(lambda: moved(server) >= len(load.acknowledged), DEADLINE + SECONDS)
        assert status(server)["problems"] == []
    rows = load.check(url, KEYS)
    print(f"{how} for {SECONDS:g} s: {len(load.acknowledged):,} acknowledged, {rows:,} kept, none failed")


def state(server: Server) -> str:
    """The state of the keeper, by the status."""
    return str(status(server)["ledger"]["state"])


def moved(server: Server) -> int:
    """How many scores are moved, by the status."""
    return int(status(server)["ledger"]["moved"])
