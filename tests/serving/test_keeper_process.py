"""The keeper runs beside the workers: it is replaced when it dies, and what was scored is in the ledger at the end."""

import os
import signal
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from factories import LEAD, key_file, model_file
from serving import DEADLINE, Server, children, eventually, holds_keeper_lock, serving, start, status, worker_of

from leadscoring.ledger.database import open_ledger
from leadscoring.ledger.key_check import check_keys
from leadscoring.ledger.lead_key import LeadKeys
from leadscoring.ledger.schema import migrate
from leadscoring.serving import keeper_process

pytestmark = pytest.mark.integration


def kept_in(folder: Path) -> dict[str, str]:
    """Settings of a service that keeps everything in a folder."""
    return {
        "LEDGER": f"sqlite:///{folder}/data/ledger.db",
        "LEDGER_TAPE_PATH": f"{folder}/data/tape",
        "LEDGER_KEY_FILE": f"{folder}/data/ledger.key",
    }


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the service of these tests is."""
    return tmp_path_factory.mktemp("keeper")


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[Server]:
    """A service of one worker, with a ledger."""
    with serving(folder, model_file(folder), **kept_in(folder)) as made:
        yield made


def times(folder: Path) -> int:
    """How many scores there are in the ledger."""
    connection = sqlite3.connect(folder / "data" / "ledger.db")
    try:
        return int(connection.execute("SELECT coalesce(sum(times), 0) FROM score").fetchone()[0])
    except sqlite3.OperationalError:  # the keeper has not made the tables yet
        return 0
    finally:
        connection.close()


def score(server: Server, leads: int) -> None:
    """Scores leads that differ, one a request."""
    for number in range(leads):
        answer = server.http.post("/api/v1/score", json=LEAD | {"lead_id": f"lead-{number}"})
        assert answer.status_code == 200


def ledger(server: Server) -> dict[str, Any]:
    """The section of the status."""
    section: dict[str, Any] = status(server)["ledger"]
    return section


def keeper_of(server: Server) -> int:
    """The process of the keeper, by the lock that it holds."""
    found = [pid for pid in children(server.process.pid) if holds_keeper_lock(pid)]
    return found[0] if found else 0


def test_what_is_scored_comes_into_the_ledger(server: Server, folder: Path) -> None:
    """Also with one worker; the status says when and how much, and the metrics do."""
    assert eventually(lambda: ledger(server)["state"] == "healthy")
    before = times(folder)
    score(server, 5)
    assert eventually(lambda: times(folder) == before + 5)
    assert eventually(lambda: ledger(server)["moved"] == before + 5)
    section = ledger(server)
    assert section["reason"] is None
    assert section["last_moved"].endswith("Z")
    assert section["tape_bytes"] > 0
    assert status(server)["status"] == "healthy"
    exposed = httpx.get(server.url + "/metrics").text
    assert f"\nledger_moved_leads_total {before + 5}.0\n" in exposed
    assert "\nledger_down 0.0\n" in exposed


def test_a_keeper_that_is_killed_is_replaced_and_goes_on(server: Server, folder: Path) -> None:
    """Requests go on meanwhile; nothing is lost or counted anew."""
    assert eventually(lambda: keeper_of(server) != 0)
    before, victim = times(folder), keeper_of(server)
    os.kill(victim, signal.SIGKILL)
    score(server, 5)
    assert eventually(lambda: keeper_of(server) not in (0, victim))
    assert eventually(lambda: times(folder) == before + 5)
    assert eventually(lambda: ledger(server)["moved"] >= before + 5)
    assert '"keeper replaced"' in server.logged()


def test_a_keeper_that_is_stopped_is_replaced(server: Server, folder: Path) -> None:
    """As one that hangs: it does not beat any more. The log says why."""
    assert eventually(lambda: keeper_of(server) != 0 and ledger(server)["state"] == "healthy")
    before, victim = times(folder), keeper_of(server)
    os.kill(victim, signal.SIGSTOP)
    score(server, 5)
    assert eventually(lambda: keeper_of(server) not in (0, victim))
    assert eventually(lambda: times(folder) == before + 5)
    assert '"hung":"it does not run"' in server.logged()


def test_a_keeper_is_hung_when_it_does_not_start_run_or_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each has its own patience; one that is occupied may take as long as it needs."""
    clock = 1000.0
    monkeypatch.setattr(keeper_process, "monotonic", lambda: clock)
    beats = keeper_process.Beats()
    clock += keeper_process.STARTING_SECONDS
    assert beats.hung() == ""
    clock += 1
    assert beats.hung() == "it does not start"
    beats.alive()
    beats.reported(occupied=False)
    clock += keeper_process.STUCK_SECONDS + 1
    assert beats.hung() == "it does not run"
    beats.alive()
    assert beats.hung() == "it does not go on"
    beats.reported(occupied=True)
    assert beats.hung() == ""


def test_at_the_end_everything_is_moved(tmp_path: Path) -> None:
    """What the workers wrote last, too; the tape is empty then."""
    with serving(tmp_path, model_file(tmp_path), **kept_in(tmp_path)) as server:
        score(server, 20)
        assert server.stop() == 0
    assert times(tmp_path) == 20
    assert list((tmp_path / "data" / "tape").glob("*.tape")) == []


def test_a_service_whose_database_is_down_scores_and_says_so(tmp_path: Path) -> None:
    """It starts as well; once the database is there, what was scored is moved."""
    settings = kept_in(tmp_path) | {"LEDGER": "postgresql://nobody@127.0.0.1:1/nothing"}
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "ledger.key").write_text("ab" * 32)
    (tmp_path / "data" / "ledger.key").chmod(0o600)
    with serving(tmp_path, model_file(tmp_path), **settings) as server:
        score(server, 3)
        assert eventually(lambda: ledger(server)["state"] == "down")
        assert "127.0.0.1" in ledger(server)["reason"]
        assert status(server)["problems"] == ["the ledger's database does not answer: scores wait on the tape"]
        assert "\nledger_down 1.0\n" in httpx.get(server.url + "/metrics").text
        assert server.stop() == 0
    with serving(tmp_path, model_file(tmp_path), **kept_in(tmp_path)):
        assert eventually(lambda: (tmp_path / "data" / "ledger.db").exists() and times(tmp_path) == 3)


def test_a_ledger_that_is_not_usable_stops_the_start(tmp_path: Path) -> None:
    """The log says why."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "ledger.db").write_bytes(b"something else" * 500)
    server = start(tmp_path, model_file(tmp_path), **kept_in(tmp_path))
    assert server.process.wait(DEADLINE) == 2
    assert "not a database" in server.logged()


def test_a_key_file_of_another_ledger_stops_the_start(tmp_path: Path) -> None:
    """Before any worker could give a lead a key by it; with the right file it starts, and again without waiting."""
    given = kept_in(tmp_path)
    (tmp_path / "data").mkdir()
    right = tmp_path / "right.key"
    right.write_text("ab" * 32)
    ledger = open_ledger(given["LEDGER"])
    migrate(ledger)
    check_keys(ledger, LeadKeys(bytes.fromhex("ab" * 32)))
    ledger.close()
    server = start(tmp_path, model_file(tmp_path), **given)
    assert server.process.wait(DEADLINE) == 2
    assert "LEDGER_KEY_FILE holds another secret" in server.logged()
    assert not list((tmp_path / "data" / "tape").glob("*.tape"))
    with serving(tmp_path, model_file(tmp_path), **given | {"LEDGER_KEY_FILE": str(right)}) as running:
        score(running, 1)
        assert eventually(lambda: times(tmp_path) == 1)


def test_a_key_file_that_is_lost_while_the_service_runs_changes_no_key(tmp_path: Path) -> None:
    """Objections count as before; a worker that would need the file does not start until it is back."""
    keys = key_file(tmp_path, {"label": "all", "scopes": ["score", "admin"]})
    settings = kept_in(tmp_path) | {"API_KEYS": "", "API_KEYS_FILE": str(keys)}
    path, aside = tmp_path / "data" / "ledger.key", tmp_path / "aside.key"
    with serving(tmp_path, model_file(tmp_path), **settings) as server:
        server.http.headers["X-API-Key"] = "key of all"
        score(server, 1)
        assert eventually(lambda: times(tmp_path) == 1)
        assert server.http.get("/api/v1/leads/lead-0").status_code == 200  # which opens the ledger in the worker
        path.rename(aside)
        assert server.http.put("/api/v1/leads/lead-0/objection").status_code == 200
        lead = LEAD | {"lead_id": "lead-0"}
        assert eventually(lambda: server.http.post("/api/v1/score", json=lead).status_code == 403)
        os.kill(worker_of(server), signal.SIGKILL)
        assert eventually(lambda: "leads were recorded by its secret" in server.logged())
        assert not path.exists()
        aside.rename(path)
        assert eventually(lambda: answers(server, lead) == 403)


def answers(server: Server, lead: dict[str, Any]) -> int:
    """The status for a lead; 0 while no worker serves."""
    try:
        return server.http.post("/api/v1/score", json=lead, timeout=1).status_code
    except httpx.TransportError:
        return 0


def test_without_a_ledger_there_is_no_keeper(tmp_path: Path) -> None:
    """One worker is the only process, and the status has no ledger."""
    with serving(tmp_path, model_file(tmp_path), LEDGER="") as server:
        assert status(server)["ledger"] is None
        assert children(server.process.pid) == []
