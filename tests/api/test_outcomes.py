"""Outcomes over a socket: committed when they are answered, and refused with a reason each."""

import gzip
import json
import sqlite3
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from factories import LEAD, key_file, lead, model_file
from ledgers import NEW_YEAR, add_score, ledger_settings, new_ledger
from serving import Server, eventually, serving, worker_of

pytestmark = pytest.mark.integration

PATH = "/api/v1/outcomes"
AT = "2026-02-01T10:00:00Z"
WON = {"lead_id": "lead-1", "outcome": "won", "at": AT}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the service and its ledger are."""
    return tmp_path_factory.mktemp("outcomes")


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[Server]:
    """A service with a ledger, in which one lead is scored."""
    keys = key_file(
        folder, {"label": "crm", "scopes": ["outcomes"]}, {"label": "web"}, {"label": "ops", "scopes": ["admin"]}
    )
    ledger = new_ledger(folder)
    add_score(ledger, model_file(folder), LEAD, NEW_YEAR)
    ledger.close()
    settings = ledger_settings(folder) | {"API_KEYS": "", "API_KEYS_FILE": str(keys), "MAX_BATCH_SIZE": "50"}
    with serving(folder, model_file(folder), **settings) as running:
        running.http.headers["X-API-Key"] = "key of crm"
        yield running


@pytest.fixture(autouse=True)
def emptied(request: pytest.FixtureRequest) -> None:
    """No outcome is left of another test."""
    if "server" in request.fixturenames:
        request.getfixturevalue("server")
        with sqlite3.connect(request.getfixturevalue("folder") / "ledger.db") as ledger:
            ledger.execute("DELETE FROM outcome")


def kept(folder: Path) -> list[tuple[Any, ...]]:
    """The outcomes of the ledger, read by another library."""
    with sqlite3.connect(folder / "ledger.db") as ledger:
        return ledger.execute("SELECT kind, occurred_at, value, source FROM outcome ORDER BY number").fetchall()


def test_an_outcome_is_committed_when_it_is_answered(server: Server, folder: Path) -> None:
    """With the label of the key; sent again, it is repeated."""
    answer = server.http.post(PATH, json=WON | {"value": 1200})
    assert (answer.status_code, answer.json()) == (200, {"lead_id": "lead-1", "status": "recorded", "scored": True})
    assert kept(folder) == [("won", 1769940000000000, 1200.0, "crm")]
    answer = server.http.post(PATH, json=WON | {"value": 1200, "at": "2026-02-01T11:00:00+01:00"})
    assert answer.json() == {"lead_id": "lead-1", "status": "repeated", "scored": True}
    assert len(kept(folder)) == 1


def test_a_batch_has_an_answer_for_each_place(server: Server, folder: Path) -> None:
    """An invalid outcome does not affect the others; the id of a lead may be a number."""
    batch = [WON, {"lead_id": 7, "outcome": "lost", "at": AT, "id": "e"}, WON, WON | {"outcome": "sold"}, 5]
    batch.append({"lead_id": "7", "outcome": "won", "at": AT, "id": "e"})
    answer = server.http.post(
        PATH, content=gzip.compress(json.dumps(batch).encode()), headers={"Content-Encoding": "gzip"}
    )
    assert answer.status_code == 200
    said = answer.json()
    assert [place.get("status", place.get("error", {}).get("code")) for place in said] == [
        "recorded", "recorded", "repeated", "invalid_outcome", "invalid_outcome", "outcome_conflict",
    ]  # fmt: skip
    assert [place["lead_id"] for place in said] == ["lead-1", "7", "lead-1", "lead-1", None, "7"]
    assert [place.get("scored") for place in said[:3]] == [True, False, True]
    assert said[3]["error"]["errors"][0] == {
        "path": "/outcome", "message": "outcome must be won, lost or open, not 'sold'", "value": "sold",
        "allowed": "won, lost or open",
    }  # fmt: skip
    assert [row[0] for row in kept(folder)] == ["won", "lost"]
    assert server.http.post(PATH, json=[]).json() == []


def test_the_same_id_with_other_content_is_a_conflict(server: Server, folder: Path) -> None:
    """Which changes nothing."""
    assert server.http.post(PATH, json=WON | {"id": "deal-1"}).status_code == 200
    answer = server.http.post(PATH, json=WON | {"id": "deal-1", "outcome": "lost"})
    assert (answer.status_code, answer.json()["code"]) == (409, "outcome_conflict")
    assert [row[0] for row in kept(folder)] == ["won"]


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"at": "2026-02-01T10:00:00"}, "at must be a time with its zone"),
        ({"at": "2026-02-01"}, "at must be a time with its zone"),
        ({"at": 1769940000}, "at must be a time with its zone"),
        ({"at": (datetime.now(UTC) + timedelta(days=2)).isoformat()}, "at most a day ahead"),
        ({"at": None}, "at must be a time with its zone, such as 2026-01-31T10:00:00Z, at most a day ahead, not None"),
        ({"lead_id": ""}, "lead_id must be a text of 1 to 256 characters"),
        ({"lead_id": "x" * 257}, "lead_id must be a text of 1 to 256 characters"),
        ({"lead_id": 0.5}, "lead_id must be"),
        ({"lead_id": True}, "lead_id must be"),
        ({"lead_id": "\ud800"}, "lead_id must be"),
        ({"outcome": ["won"]}, "outcome must be won, lost or open"),
        ({"id": ""}, "id must be a text of 1 to 256 characters"),
        ({"value": "12"}, "value must be a number"),
        ({"value": 1e301}, "value must be a number below 1e300"),
        ({"\udc00": 1}, "unknown field '\\udc00'"),
        ({"Value": 1}, "unknown field 'Value' (allowed: lead_id, outcome, at, id, value)"),
    ],
)
def test_an_outcome_that_is_wrong_is_refused_with_the_reason(
    server: Server, folder: Path, changed: dict[str, Any], said: str
) -> None:
    """Alone it is a problem with the status 422; nothing is kept of it."""
    answer = server.http.post(PATH, content=json.dumps(WON | changed), headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_outcome")
    assert said in answer.json()["detail"]
    assert kept(folder) == []


def test_everything_that_is_wrong_is_listed_at_once(server: Server) -> None:
    """A missing field is one of its errors."""
    said = server.http.post(PATH, json={"outcome": "sold", "more": 1}).json()
    assert [fault["path"] for fault in said["errors"]] == ["/lead_id", "/outcome", "/at", "/more"]
    assert said["errors"][0]["message"].startswith("lead_id is required: ")


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ("{", 400, "malformed_json"),
        ("", 400, "malformed_json"),
        ("[1,]", 400, "malformed_json"),
        ('[{"lead_id":"a","outcome":"won","at":NaN}]', 400, "malformed_json"),
        ("[" * 100_000 + "]" * 100_000, 400, "malformed_json"),
        (f'{{"lead_id":"a","lead_id":"b","outcome":"won","at":"{AT}"}}', 422, "invalid_outcome"),
        (f'{{"\\udc00":1,"\\udc00":2,"lead_id":"a","outcome":"won","at":"{AT}"}}', 422, "invalid_outcome"),
        ("7", 422, "invalid_outcome"),
        (json.dumps([WON] * 51), 400, "batch_too_large"),
        (json.dumps([WON]) + "x", 400, "malformed_json"),
    ],
    ids=range(10),
)
def test_a_body_that_is_wrong_is_refused_as_a_whole(
    server: Server, folder: Path, body: str, status: int, code: str
) -> None:
    """A repeated key too: which value is meant cannot be known."""
    answer = server.http.post(PATH, content=body, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert kept(folder) == []


def test_outcomes_need_a_key_with_their_scope(server: Server, folder: Path) -> None:
    """One that scores cannot; one of an administrator can; one for outcomes cannot score."""
    statuses = {"key of web": 403, "key of ops": 200, "key of crm": 200, "nobody's": 401}
    for key, status in statuses.items():
        assert server.http.post(PATH, json=WON, headers={"X-API-Key": key}).status_code == status
    assert server.http.post("/api/v1/score", json=LEAD).json()["code"] == "key_scope"
    assert [row[3] for row in kept(folder)] == ["ops"]


def test_other_fields_of_the_query_are_refused(server: Server) -> None:
    """As on every route without parameters."""
    assert server.http.post(f"{PATH}?x=1", json=WON).json()["code"] == "invalid_parameter"


def test_a_ledger_that_is_locked_is_unavailable_and_scoring_goes_on(server: Server, folder: Path) -> None:
    """Answered with 503 and when to retry; nothing of it is kept, and sending again records it."""
    other = sqlite3.connect(folder / "ledger.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    answer = server.http.post(PATH, json=WON)
    assert (answer.status_code, answer.json()["code"]) == (503, "ledger_unavailable")
    assert int(answer.headers["retry-after"]) > 0
    assert server.http.post("/api/v1/score", json=LEAD, headers={"X-API-Key": "key of web"}).status_code == 200
    other.execute("ROLLBACK")
    other.close()
    assert kept(folder) == []
    assert server.http.post(PATH, json=WON).json()["status"] == "recorded"


def test_without_a_ledger_outcomes_and_leads_say_so(tmp_path: Path) -> None:
    """And a worker has loaded nothing of a database."""
    keys = key_file(tmp_path, {"label": "ops", "scopes": ["admin"]})
    with serving(tmp_path, model_file(tmp_path), API_KEYS="", API_KEYS_FILE=str(keys)) as server:
        server.http.headers["X-API-Key"] = "key of ops"
        answers = [server.http.post(PATH, json=WON), server.http.post(PATH, json=[WON])]
        answers += [server.http.request(*asked) for asked in (
            ("GET", "/api/v1/leads/a"), ("DELETE", "/api/v1/leads/a"),
            ("PUT", "/api/v1/leads/a/objection"), ("DELETE", "/api/v1/leads/a/objection"),
        )]  # fmt: skip
        assert {(answer.status_code, answer.json()["code"]) for answer in answers} == {(404, "ledger_off")}
        assert not loaded(server, "sqlalchemy")


def loaded(server: Server, name: str) -> bool:
    """Whether the worker of a server has mapped a library of a package, as seen by the kernel."""
    return any(name in mapped.path for mapped in psutil.Process(worker_of(server)).memory_maps())


@pytest.mark.skipif(sys.platform != "linux", reason="reads what a process has mapped")
def test_a_worker_loads_the_database_at_the_first_outcome(tmp_path: Path) -> None:
    """Not for scoring, and not for a request that is refused before."""
    new_ledger(tmp_path).close()
    with serving(tmp_path, model_file(tmp_path), **ledger_settings(tmp_path)) as server:
        assert server.http.post("/api/v1/score", json=lead()).status_code == 200
        assert server.http.post(PATH, json=WON).status_code == 403
        assert not loaded(server, "sqlite3")
    keys = key_file(tmp_path, {"label": "ops", "scopes": ["admin"]})
    settings = ledger_settings(tmp_path) | {"API_KEYS": "", "API_KEYS_FILE": str(keys)}
    with serving(tmp_path, model_file(tmp_path), **settings) as server:
        answer = httpx.post(server.url + PATH, json=WON, headers={"X-API-Key": "key of ops"}, timeout=30)
        assert answer.status_code == 200
        assert eventually(lambda: loaded(server, "sqlite3"))
