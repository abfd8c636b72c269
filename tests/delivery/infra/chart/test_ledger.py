"""The ledger of a release: its secrets, the volume of the tape, and an end that leaves nothing on it."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from infra.environments import KEEPER_SECONDS, Environment
from serving import KEY, wait_until_ready

from leadscoring.settings import read_settings

from .conftest import Chart, Release
from .test_service import LEAD, replica

LEDGER: dict[str, Any] = {"ledger": {"existingSecret": "lead-scoring-ledger"}}
URL = "postgresql://leadscoring:secret@postgres.databases/leadscoring"


@pytest.fixture
def with_ledger(chart: Chart, name: str) -> Release:
    """A release that keeps its scores."""
    return chart.render(name, **LEDGER)


def volumes(release: Release) -> dict[str, dict[str, object]]:
    """The volumes of a replica by where they are mounted."""
    every = {each["name"]: each for each in release.pod["spec"]["volumes"]}
    return {mount["mountPath"]: every[mount["name"]] for mount in release.container["volumeMounts"]}


def test_without_a_secret_nothing_is_kept(release: Release) -> None:
    """No volume, no variable, and no way out to a database."""
    assert not [name for name in (*release.environ, *release.secrets) if name.startswith("LEDGER")]
    assert set(volumes(release)) == {"/tmp"}  # noqa: S108  # it is the container's
    assert {port["port"] for way in release.only("NetworkPolicy")["spec"]["egress"] for port in way["ports"]} == {53}


def test_the_address_of_the_database_and_the_secret_of_keys_come_out_of_one_secret(with_ledger: Release) -> None:
    """The address as a variable, since it has a password; the other as a file, which is never in the database."""
    assert with_ledger.secrets["LEDGER"] == ("lead-scoring-ledger", "LEDGER")
    settings = read_settings(with_ledger.environ | {"API_KEYS": "any", "LEDGER": URL})
    folder, _, file = settings.ledger_key_file.rpartition("/")
    mounted = volumes(with_ledger)[folder]["secret"]
    assert mounted == {
        "secretName": "lead-scoring-ledger", "items": [{"key": file, "path": file}], "defaultMode": 0o440,
    }  # fmt: skip


def test_the_tape_has_room_on_the_disk_of_the_node(with_ledger: Release, chart: Chart) -> None:
    """More than the service takes: a replica beyond the limit is evicted, and its tape is lost."""
    settings = read_settings(with_ledger.environ | {"API_KEYS": "any", "LEDGER": URL})
    folder, _, name = settings.ledger_tape_path.rpartition("/")
    assert name  # the mounted folder belongs to root, so that the service makes its own in it
    assert volumes(with_ledger)[folder]["emptyDir"] == {"sizeLimit": "2048Mi"}
    assert settings.ledger_tape_bytes == 1 << 30
    larger = chart.render(ledger={**LEDGER["ledger"], "tapeMebibytes": 20480})
    assert larger.environ["LEDGER_TAPE_BYTES"] == str(20 << 30)
    assert volumes(larger)[folder]["emptyDir"] == {"sizeLimit": "21504Mi"}


def test_replicas_reach_the_database_and_nothing_more(chart: Chart) -> None:
    """At its port, and only it where the values name it."""
    peers = [{"podSelector": {"matchLabels": {"app": "postgres"}}}]
    policy = chart.render(ledger={**LEDGER["ledger"], "port": 6432, "to": peers}).only("NetworkPolicy")
    assert policy["spec"]["egress"][1:] == [{"ports": [{"port": 6432}], "to": peers}]
    assert chart.render(**LEDGER).only("NetworkPolicy")["spec"]["egress"][1:] == [{"ports": [{"port": 5432}]}]


def test_the_end_of_a_replica_leaves_time_for_the_tape(with_ledger: Release, environment: Environment) -> None:
    """After draining and answering, the keeper moves it."""
    settings = environment.service_settings()
    grace = with_ledger.pod["spec"]["terminationGracePeriodSeconds"]
    assert grace > settings.drain_seconds + settings.shutdown_seconds + KEEPER_SECONDS


@pytest.mark.integration
def test_a_replica_that_ends_has_moved_its_tape(chart: Chart, tmp_path: Path) -> None:
    """The volume goes with it: nothing that was answered is left there, also what was scored while it drained."""
    release = chart.render("dev", **LEDGER, overrides={"settings": {"DRAIN_SECONDS": 1}})
    keys, tape, database = tmp_path / "ledger", tmp_path / "data", tmp_path / "database.db"
    keys.mkdir()
    tape.mkdir()
    (keys / "ledger.key").write_text("0f" * 32)
    paths = {"/ledger/": f"{keys}/", "/data/": f"{tape}/"}
    with replica(release, tmp_path, paths, API_KEYS=KEY, LEDGER=f"sqlite:///{database}") as (server, _):
        wait_until_ready(server)
        leads = [json.loads(LEAD) | {"lead_id": f"lead-{number}"} for number in range(500)]
        for _ in range(4):
            assert server.http.post("/api/v1/score/batch", json=leads).status_code == 200
        server.process.terminate()
        assert server.http.post("/api/v1/score", json=leads[0] | {"lead_id": "last"}).status_code == 200
        grace = release.pod["spec"]["terminationGracePeriodSeconds"]
        assert server.process.wait(grace) == 0, server.logged()
        assert "keeper killed" not in server.logged()
    with closing(sqlite3.connect(database)) as connection:
        assert connection.execute("SELECT count(*), sum(times) FROM score").fetchone() == (501, 2001)
    assert list((tape / "tape").glob("*.tape")) == []
