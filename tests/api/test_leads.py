"""What is kept of a lead, over a socket: its history adds up, an objection is respected, and erased is erased."""

import json
import sqlite3
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
import pytest
from factories import card, key_file, lead, model_file
from ledgers import DAY, KEYS, NEW_YEAR, add_score, bytes_in, ledger_settings, new_ledger
from serving import Server, eventually, serving

from leadscoring.model.file import open_model

pytestmark = pytest.mark.integration

ID = "ann / 5%"
PATH = "/api/v1/leads/ann%20%2F%205%25"
BATCH = "/api/v1/score/batch"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the service and its ledger are."""
    return tmp_path_factory.mktemp("leads")


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[Server]:
    """A service of two workers with a ledger."""
    keys = key_file(folder, {"label": "web"}, {"label": "ops", "scopes": ["admin"]})
    ledger = new_ledger(folder)
    (folder / "other").mkdir()
    other = model_file(folder / "other", card(version="2.0.0"))
    for path, days, features in (
        (model_file(folder), 0, {}),
        (model_file(folder), 3, {"visits": 9, "source": "partner", "growth": None}),
        (other, 5, {"visits": 9, "source": "partner", "growth": None}),
        (other, 9, {"visits": 2, "source": ..., "growth": 0.1}),
    ):
        add_score(
            ledger, path, lead(ID, **features), NEW_YEAR + days * DAY, times=3, last_at=NEW_YEAR + (days + 1) * DAY
        )
    ledger.close()
    settings = ledger_settings(folder) | {"API_KEYS": "", "API_KEYS_FILE": str(keys), "WORKERS": "2"}
    with serving(folder, model_file(folder), **settings) as running:
        running.http.headers["X-API-Key"] = "key of ops"
        yield running


def report(server: Server, **sent: Any) -> None:
    """Records an outcome of the lead."""
    assert server.http.post("/api/v1/outcomes", json={"lead_id": ID} | sent).status_code == 200


def test_the_history_of_a_lead_adds_up(server: Server, folder: Path) -> None:
    """Under one model the differences of all contributions are that of the margins; another model is a line of its own."""
    said = server.http.get(PATH).json()
    scores = said["scores"]
    assert said["lead_id"] == ID
    assert [score["model"]["version"] for score in scores] == ["1.2.3", "1.2.3", "2.0.0", "2.0.0"]
    assert said["score"] == scores[-1]
    assert (scores[0]["first_at"], scores[0]["last_at"], scores[0]["times"]) == (
        "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z", 3,
    )  # fmt: skip
    assert scores[0]["receipt"] is None
    for before, after in pairwise(scores):
        receipt = after["receipt"]
        assert receipt["margin"] == after["margin"] - before["margin"]
        if before["model"] != after["model"]:
            assert receipt["model_before"] == before["model"]
            assert receipt["differences"] == []
            continue
        assert receipt["model_before"] is None
        total = sum(difference["contribution"] for difference in receipt["differences"])
        assert total + receipt["rest"] == pytest.approx(receipt["margin"], abs=1e-12)
        assert abs(receipt["rest"]) < 1e-5
    values = {one["feature"]: (one["before"], one["after"]) for one in scores[1]["receipt"]["differences"]}
    assert values.items() >= {"visits": (3, 9), "source": ("event", "partner"), "growth": (0.35, None)}.items()
    assert values["open_rate"] == (0.4, 0.4)


def test_the_reasons_of_the_latest_score_are_those_of_the_service(server: Server, folder: Path) -> None:
    """With the bits, from the stored row; and as many as are asked for."""
    said = server.http.get(f"{PATH}?reasons=3").json()
    sent = lead(ID, visits=2, source=..., growth=0.1)
    scored = server.http.post("/api/v1/score?reasons=3", json=sent).json()
    assert said["reasons"] == scored["reasons"]
    assert said["score"]["raw_score"] == scored["score"]["raw_score"]
    assert server.http.get(f"{PATH}?reasons=0").json()["reasons"] == []
    assert server.http.get(f"{PATH}?reasons=x").json()["code"] == "invalid_parameter"


def test_the_nearest_tier_begins_where_it_says(server: Server, folder: Path) -> None:
    """A margin changed by that much is in that tier, and by a little less in the same one as before."""
    said = server.http.get(PATH).json()
    model = open_model(model_file(folder))
    margin, near = said["score"]["margin"], said["nearest_tier"]
    assert near["tier"] != said["score"]["tier"]
    assert model.score(margin + near["margin"]).tier == near["tier"]
    assert model.score(margin + near["margin"] * (1 - 1e-9)).tier == said["score"]["tier"]
    assert near["raw_score"] in model.card.tiers.thresholds


def test_outcomes_stand_beside_the_scores(server: Server, folder: Path) -> None:
    """In the order in which they occurred; which counts, and whether they contradict each other, is said."""
    report(server, outcome="lost", at="2026-03-02T00:00:00Z")
    report(server, outcome="won", at="2026-03-01T00:00:00Z", value=5)
    said = server.http.get(PATH).json()
    assert [(one["outcome"], one["counts"], one["value"]) for one in said["outcomes"]] == [
        ("won", False, 5.0), ("lost", True, None),
    ]  # fmt: skip
    assert (said["outcome"], said["contradictory"]) == ("lost", True)
    report(server, outcome="open", at="2026-03-03T00:00:00Z")
    assert server.http.get(PATH).json()["outcome"] is None


def test_a_lead_that_nobody_knows_is_not_found(server: Server) -> None:
    """For every method but an objection, which comes before the first score too."""
    for method, path in (("GET", ""), ("DELETE", ""), ("DELETE", "/objection")):
        answer = server.http.request(method, f"/api/v1/leads/nobody{path}")
        assert (answer.status_code, answer.json()["code"]) == (404, "lead_unknown")
    assert server.http.get("/api/v1/leads/%FF").json()["code"] == "lead_unknown"
    assert server.http.get("/api/v1/leads/a/b").json()["code"] == "not_found"
    refused = server.http.post(PATH)
    assert (refused.status_code, refused.headers["allow"]) == (405, "GET, HEAD, DELETE")
    assert server.http.get(f"{PATH}/objection").headers["allow"] == "PUT, DELETE"


def test_leads_need_a_key_of_an_administrator(server: Server) -> None:
    """Reading one too."""
    for method, path in (
        ("GET", PATH),
        ("DELETE", PATH),
        ("PUT", f"{PATH}/objection"),
        ("DELETE", f"{PATH}/objection"),
    ):
        assert server.http.request(method, path, headers={"X-API-Key": "key of web"}).status_code == 403
        assert server.http.request(method, path, headers={"X-API-Key": ""}).status_code == 401


def score(server: Server, *ids: str) -> list[str]:
    """The codes of the errors of leads in a batch, over a new connection; empty texts for scores."""
    leads = [lead(one, visits=place) for place, one in enumerate(ids)]
    with httpx.Client(base_url=server.url, headers={"X-API-Key": "key of web"}, timeout=30) as client:
        return [place["error"]["code"] if "error" in place else "" for place in client.post(BATCH, json=leads).json()]


def test_an_objection_is_respected_by_every_worker_and_can_be_withdrawn(server: Server) -> None:
    """Alone 403; in a batch the others are scored as without it; also of a lead that was never scored."""
    path = "/api/v1/leads/no%2Fthanks"
    said = server.http.put(f"{path}/objection").json()
    assert said["lead_id"] == "no/thanks"
    assert said["objected_at"] is not None
    assert server.http.put(f"{path}/objection").json() == said
    assert server.http.get(path).json()["objected_at"] == said["objected_at"]
    assert eventually(lambda: all(score(server, "no/thanks") == ["lead_objected"] for _ in range(20)))
    assert score(server, "a", "no/thanks", "b") == ["", "lead_objected", ""]
    alone = server.http.post("/api/v1/score", json=lead("no/thanks"))
    assert (alone.status_code, alone.json()["code"]) == (403, "lead_objected")
    leads = [lead("a", source="new"), lead("no/thanks"), lead("b", visits=-1), lead("c", revenue=5)]
    mixed = server.http.post(BATCH, json=leads).json()
    plain = server.http.post(BATCH, json=[leads[0], *leads[2:]]).json()
    assert mixed[1]["lead_id"] == "no/thanks"
    drop = {"request_id"}
    assert [{k: v for k, v in one.items() if k not in drop} for place, one in enumerate(mixed) if place != 1] == [
        {k: v for k, v in one.items() if k not in drop} for one in plain
    ]
    lines = "\n".join(map(json.dumps, leads))
    streamed = server.http.post(BATCH, content=lines, headers={"Content-Type": "application/x-ndjson"}).text
    assert [json.loads(line).get("error", {}).get("code") for line in streamed.splitlines()] == [
        None, "lead_objected", "invalid_lead", None,
    ]  # fmt: skip
    assert server.http.delete(f"{path}/objection").json() == {"lead_id": "no/thanks", "objected_at": None}
    assert eventually(lambda: all(score(server, "no/thanks") == [""] for _ in range(20)))


def test_acts_say_who_objected_and_erased(server: Server, folder: Path) -> None:
    """With the label of the key, and nothing of the person."""
    path = "/api/v1/leads/acting"
    for method, part in (("PUT", "/objection"), ("PUT", "/objection"), ("DELETE", "/objection")):
        server.http.request(method, path + part)
    server.http.post("/api/v1/outcomes", json={"lead_id": "acting", "outcome": "won", "at": "2026-03-01T00:00:00Z"})
    assert server.http.delete(path).json()["outcomes"] == 1
    with sqlite3.connect(folder / "ledger.db") as ledger:
        acts = ledger.execute("SELECT actor, act, report FROM act ORDER BY number DESC LIMIT 3").fetchall()
    assert [(actor, act) for actor, act, _ in acts] == [("ops", "erase"), ("ops", "withdraw"), ("ops", "object")]
    assert json.loads(acts[0][2]) == {"scores": 0, "outcomes": 1}


def test_an_objection_is_by_an_id_that_a_lead_can_have(server: Server) -> None:
    """One that was cut or mistaken is not confirmed: nobody would be excluded by it."""
    answer = server.http.put(f"/api/v1/leads/{'x' * 257}/objection")
    assert (answer.status_code, answer.json()["code"]) == (404, "lead_unknown")


def test_no_log_holds_the_id_of_a_lead(server: Server) -> None:
    """The path of a request is logged without it."""
    for path in ("", "/objection", "/x"):
        server.http.get(f"/api/v1/leads/somebody-secret{path}")
    for prefix in ("/scoring/api/v1/leads", "/api/v2/leads", "//api/v1/leads"):
        server.http.get(f"{server.url}{prefix}/somebody-secret")
    assert eventually(lambda: server.logged().count('/leads/"') >= 6)
    assert "somebody-secret" not in server.logged()


def test_an_erased_lead_is_in_no_file(server: Server, folder: Path) -> None:
    """Neither its rows, nor the requests that scored it, nor its outcomes; a tombstone stays, and others stay whole."""
    row = erasable(folder, "gone")
    stays = erasable(folder, "stays")
    server.http.post(
        "/api/v1/outcomes", json={"lead_id": "gone", "outcome": "won", "at": "2026-03-01T00:00:00Z", "value": 41.75}
    )
    assert bytes_in(folder, row)
    said = server.http.delete("/api/v1/leads/gone").json()
    assert (said["lead_id"], said["scores"], said["outcomes"]) == ("gone", 20, 1)
    assert bytes_in(folder, row) == []
    assert bytes_in(folder, b"request-of-gone") == []
    assert bytes_in(folder, stays)
    assert server.http.get("/api/v1/leads/gone").json()["code"] == "lead_unknown"
    assert server.http.get("/api/v1/leads/stays").status_code == 200
    with sqlite3.connect(folder / "ledger.db") as ledger:
        assert ledger.execute("SELECT count(*) FROM erased WHERE key = ?", (KEYS.key("gone"),)).fetchone() == (1,)
        orphans = "SELECT count(*) FROM {0} WHERE lead NOT IN (SELECT number FROM lead)"
        assert [ledger.execute(orphans.format(table)).fetchone()[0] for table in ("score", "outcome")] == [0, 0]
    again = server.http.post(
        "/api/v1/outcomes", json={"lead_id": "gone", "outcome": "won", "at": "2026-03-01T00:00:00Z"}
    )
    assert (again.status_code, again.json()["code"]) == (410, "lead_erased")


def erasable(folder: Path, name: str) -> bytes:
    """Adds scores of a lead; returns what is found in the files while it is there."""
    ledger = new_ledger(folder)
    mark = sum(name.encode()) / 7
    for time in range(20):
        at = NEW_YEAR + time * DAY
        add_score(ledger, model_file(folder), lead(name, revenue=mark), at, request=f"request-of-{name}")
    with ledger.reading() as connection:
        (row,) = connection.exec_driver_sql("SELECT row FROM score ORDER BY number DESC LIMIT 1").one()
    ledger.close()
    return bytes(row)


def test_an_objection_survives_erasure(server: Server, folder: Path) -> None:
    """With nothing but the lead's key: without it the person would be scored again."""
    erasable(folder, "objector")
    server.http.put("/api/v1/leads/objector/objection")
    assert server.http.delete("/api/v1/leads/objector").json()["scores"] == 20
    assert server.http.delete("/api/v1/leads/objector").json()["code"] == "lead_unknown"
    said = server.http.get("/api/v1/leads/objector").json()
    assert (said["scores"], said["score"], said["outcomes"]) == ([], None, [])
    assert said["objected_at"] is not None
    assert eventually(lambda: score(server, "objector") == ["lead_objected"])
