"""From a score to its outcome, its history and its erasure: in SQLite, and with two instances on one PostgreSQL."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import postgresql
import pytest
from factories import key_file, lead, model_file
from serving import Server, eventually, serving, status
from sqlalchemy import select

from leadscoring.ledger.database import open_ledger
from leadscoring.ledger.lead_key import LeadKeys
from leadscoring.ledger.tables import metadata, score

pytestmark = pytest.mark.integration

SCORE, BATCH, OUTCOMES = "/api/v1/score", "/api/v1/score/batch", "/api/v1/outcomes"
MOMENT = "2026-02-01T10:00:00Z"
EVERY_WORKER = 12
"""Connections, so that each worker gets some."""


class Fleet(NamedTuple):
    """Two instances, or one twice, on the ledger at ``url``; each has its folder in ``folder``."""

    here: Server
    there: Server
    url: str
    folder: Path
    settings: dict[str, str]
    cluster: postgresql.Cluster | None

    def run(self, *command: str) -> "subprocess.CompletedProcess[str]":
        """A command in the environment of the service."""
        program = [str(Path(sys.executable).parent / "leadscoring"), *command]
        return subprocess.run(
            program, env=os.environ | self.settings, capture_output=True, text=True, timeout=60, check=False
        )


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def fleet(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    """One instance of two workers with SQLite; two instances, of one worker and of two, with PostgreSQL."""
    folder = tmp_path_factory.mktemp("fleet")
    keys = key_file(folder, {"label": "all", "scopes": ["score", "outcomes", "admin"]})
    (folder / "ledger.key").write_text("ab" * 32)
    (folder / "ledger.key").chmod(0o600)
    settings = {"API_KEYS": "", "API_KEYS_FILE": str(keys), "LEDGER_KEY_FILE": str(folder / "ledger.key")}
    with ExitStack() as running:
        cluster = running.enter_context(postgresql.cluster()) if request.param == "postgresql" else None
        url = cluster.url() if cluster is not None else f"sqlite:///{folder}/ledger.db"
        settings |= {"LEDGER": url, "MODEL_PATH": str(model_file(folder))}

        def instance(name: str, workers: str) -> Server:
            tape = {"LEDGER_TAPE_PATH": str(folder / name), "WORKERS": workers}
            server = running.enter_context(serving(folder, model_file(folder), **settings, **tape))
            server.http.headers["X-API-Key"] = "key of all"
            assert eventually(lambda: status(server)["ledger"]["state"] == "healthy")
            return server

        there = instance("there", "2")
        here = instance("here", "1") if request.param == "postgresql" else there
        yield Fleet(here, there, url, folder, settings, cluster)


def ok(answer: httpx.Response) -> Any:
    """The content of a response that must succeed."""
    assert answer.status_code == 200, answer.text
    return answer.json()


def shown(server: Server, name: str) -> dict[str, Any]:
    """What is kept of a lead; empty if there is nothing."""
    answer = server.http.get(f"/api/v1/leads/{name}")
    return dict(answer.json()) if answer.status_code == 200 else {}


def kept(server: Server, name: str) -> int:
    """How many times a lead was scored, by the ledger."""
    return sum(score["times"] for score in shown(server, name).get("scores", []))


def everywhere(server: Server, holds: Callable[[httpx.Response], bool], name: str) -> bool:
    """Whether every worker comes to answer so when a lead is scored; each connection may reach another one."""

    def each() -> bool:
        headers = dict(server.http.headers)
        for _ in range(EVERY_WORKER):
            with httpx.Client(base_url=server.url, headers=headers, timeout=30) as http:
                if not holds(http.post(SCORE, json=lead(name))):
                    return False
        return True

    return eventually(each)


def test_a_score_becomes_history_that_every_instance_shows(fleet: Fleet) -> None:
    """Alone and in a batch, folded where nothing changed; the probability is that of the response."""
    alone = ok(fleet.here.http.post(SCORE, json=lead("ann")))
    ok(fleet.here.http.post(BATCH, json=[lead("ann"), lead("ann", visits=9), lead("other")]))
    assert eventually(lambda: kept(fleet.there, "ann") == 3)
    found = shown(fleet.there, "ann")
    assert [score["times"] for score in found["scores"]] == [2, 1]
    assert found["scores"][0]["raw_score"] == alone["score"]["raw_score"]


def test_an_outcome_at_one_instance_is_seen_by_the_other(fleet: Fleet) -> None:
    """Sent again to another one it is a repetition, and the history has it once."""
    ok(fleet.here.http.post(SCORE, json=lead("bob")))
    assert eventually(lambda: kept(fleet.there, "bob") == 1)
    sent = {"lead_id": "bob", "outcome": "won", "at": MOMENT}
    assert ok(fleet.here.http.post(OUTCOMES, json=sent)) == {"lead_id": "bob", "status": "recorded", "scored": True}
    assert ok(fleet.there.http.post(OUTCOMES, json=sent))["status"] == "repeated"
    assert [one["outcome"] for one in shown(fleet.there, "bob")["outcomes"]] == ["won"]


def test_an_objection_at_one_instance_reaches_the_other(fleet: Fleet) -> None:
    """Every worker refuses, until it is withdrawn at the other one."""
    path = "/api/v1/leads/carl/objection"
    ok(fleet.here.http.put(path))
    for server in (fleet.here, fleet.there):
        assert everywhere(server, lambda answer: answer.status_code == 403, "carl")
    assert fleet.there.http.post(SCORE, json=lead("carl")).json()["code"] == "lead_objected"
    ok(fleet.there.http.delete(path))
    for server in (fleet.here, fleet.there):
        assert everywhere(server, lambda answer: answer.status_code == 200, "carl")


def test_an_erased_lead_is_gone_and_may_come_back(fleet: Fleet) -> None:
    """No table and no file, of the database and of the tapes, has anything of it; a later score is a new history."""
    request = "request-of-dora"
    for server in (fleet.here, fleet.there):
        ok(server.http.post(SCORE, json=lead("dora", revenue=123457.0), headers={"X-Request-ID": request}))
    ok(fleet.here.http.post(OUTCOMES, json={"lead_id": "dora", "outcome": "lost", "at": MOMENT}))
    assert eventually(lambda: kept(fleet.there, "dora") == 2)
    kept_there = score_of(fleet, request), LeadKeys(bytes.fromhex("ab" * 32)).key("dora"), request.encode()
    assert places(fleet, request) != []
    assert all(taped(fleet, needle) for needle in kept_there)
    ok(fleet.here.http.delete("/api/v1/leads/dora"))
    assert fleet.there.http.get("/api/v1/leads/dora").status_code == 404
    assert eventually(lambda: places(fleet, request) == [])
    assert eventually(lambda: not any(taped(fleet, needle) for needle in kept_there)), "workers end their segments"
    for needle in (kept_there[0], b"dora"):
        assert [path.name for path in fleet.folder.glob("ledger.db*") if needle in path.read_bytes()] == []
    ok(fleet.there.http.post(SCORE, json=lead("dora")))
    assert eventually(lambda: kept(fleet.here, "dora") == 1)


def score_of(fleet: Fleet, request: str) -> bytes:
    """The row of a score that the ledger keeps."""
    ledger = open_ledger(fleet.url)
    with ledger.reading() as connection:
        row = connection.scalar(select(score.c.row).where(score.c.request == request))
    ledger.close()
    assert row
    return bytes(row)


def taped(fleet: Fleet, needle: bytes) -> list[str]:
    """The files of the tapes that contain some bytes."""
    found = []
    for path in (*fleet.folder.glob("here/*"), *fleet.folder.glob("there/*")):
        with suppress(FileNotFoundError):  # the keeper has just removed it
            found += [path.name] if path.is_file() and needle in path.read_bytes() else []
    return found


def places(fleet: Fleet, needle: str) -> list[str]:
    """The tables, and the files of SQLite, that contain a text."""
    ledger = open_ledger(fleet.url)
    with ledger.reading() as connection:
        found = [
            name
            for name, table in metadata.tables.items()
            if any(needle in repr(tuple(row)) for row in connection.execute(select(table)))
        ]
    ledger.close()
    files = [path for path in fleet.folder.glob("ledger.db*") if needle.encode() in path.read_bytes()]
    return found + [path.name for path in files]


def test_the_commands_find_the_ledger_sound(fleet: Fleet) -> None:
    """Its tables are the newest, every score is recomputed to the bit, and live quality has too few leads to judge."""
    ok(fleet.here.http.post(SCORE, json=lead("eve")))
    assert eventually(lambda: kept(fleet.there, "eve") == 1)
    checked = fleet.run("ledger", "check", "--json")
    assert checked.returncode == 0, checked.stderr
    counts = json.loads(checked.stdout)
    assert counts["version"] == counts["newest"]
    assert counts["score"] >= 1
    again = fleet.run("replay")
    assert again.returncode == 0, again.stderr
    assert f"{counts['score']:,} scores recomputed" in again.stdout
    quality = fleet.run("quality")
    assert quality.returncode == 0, quality.stderr
    assert "Too few mature leads" in quality.stdout
    assert ok(fleet.here.http.get("/api/v1/model/quality"))["verdict"] == "too few"


def test_status_and_metrics_say_that_nothing_waits(fleet: Fleet) -> None:
    """At both instances."""
    for server in (fleet.here, fleet.there):
        ok(server.http.post(SCORE, json=lead("finn")))
        assert eventually(lambda server=server: moved(server) > 0)  # type: ignore[misc]
        assert status(server)["problems"] == []
        exposed = server.http.get("/metrics").text
        assert "\nledger_down 0.0\n" in exposed
        assert "\nledger_unrecorded_leads_total 0.0\n" in exposed


def moved(server: Server) -> int:
    """How many leads an instance has moved, by its status."""
    return int(status(server)["ledger"]["moved"])


def test_a_database_that_stops_under_load_fails_no_score_and_loses_none(fleet: Fleet) -> None:
    """PostgreSQL ends as after a power cut and comes back; outcomes meanwhile are to be sent again."""
    for number in range(150):
        if fleet.cluster is not None and number == 50:
            fleet.cluster.stop("immediate")
        if fleet.cluster is not None and number == 100:
            answer = fleet.here.http.post(OUTCOMES, json={"lead_id": "gina", "outcome": "won", "at": MOMENT})
            assert (answer.status_code, "retry-after" in answer.headers) == (503, True)
            fleet.cluster.start()
        ok(fleet.here.http.post(SCORE, json=lead("gina", visits=number)))
        ok(fleet.there.http.post(SCORE, json=lead("gina", visits=number)))
    assert eventually(lambda: kept(fleet.here, "gina") == 300)
