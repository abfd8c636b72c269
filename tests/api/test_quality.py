"""The route of live quality answers what the ledger keeps, and loads nothing of a database before it is asked."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest
from factories import lead, model_file
from ledgers import ledger_settings
from live_ledger import DAYS, HORIZON, PER_DAY, filled, now
from serving import Server, eventually, serving, worker_of

from leadscoring.quality.reported import renew


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A service with a ledger of which the report is kept."""
    folder = tmp_path_factory.mktemp("quality")
    ledger = filled(folder / "ledger.db")
    renew(ledger, HORIZON, "lost", now())
    ledger.close()
    with serving(folder, model_file(folder), **ledger_settings(folder), OUTCOME_DAYS=str(HORIZON)) as running:
        yield running


def maps(server: Server) -> str:
    """The files that the worker of the service has mapped."""
    return "\n".join(one.path for one in psutil.Process(worker_of(server)).memory_maps())


def test_the_kept_report_is_answered(server: Server) -> None:
    """Without numpy, and the database's libraries come with the first request alone."""
    assert server.http.post("/api/v1/score", json=lead()).status_code == 200
    assert "_sqlite3." not in maps(server)
    told = server.http.get("/api/v1/model/quality").json()
    assert (told["verdict"], told["alarm"]) == ("as predicted", None)
    assert (told["leads"], told["model"]["name"]) == (DAYS * PER_DAY, "lead-scoring")
    assert told["overall"]["observed"]["low"] < told["overall"]["predicted"] < told["overall"]["observed"]["high"]
    assert "_sqlite3." in maps(server)
    assert "numpy" not in maps(server)


def test_the_figures_are_metrics(server: Server, tmp_path_factory: pytest.TempPathFactory) -> None:
    """From the file that whoever keeps a report writes; an alarm has its direction."""
    folder = tmp_path_factory.mktemp("metrics")
    file = folder / "tape" / "quality.json"
    with serving(folder, model_file(folder), **ledger_settings(folder)) as running:
        eventually(file.exists)  # that of the keeper, which writes the next a minute later
        file.write_text('{"evidence":150.5,"expected":20,"observed":7,"alarm":"fewer"}')
        text = running.http.get("/metrics").text
    for line in (
        "live_quality_evidence 150.5",
        "live_quality_expected_conversions 20",
        "live_quality_observed_conversions 7",
        "live_quality_mature_leads 0",
        'live_quality_alarm{direction="fewer"} 1',
        'live_quality_alarm{direction="more"} 0',
    ):
        assert f"\n{line}" in text
    assert "\nlive_quality_evidence 0" in server.http.get("/metrics").text


def test_a_key_is_required(server: Server) -> None:
    """As for the other routes about the model."""
    assert httpx.get(server.url + "/api/v1/model/quality", timeout=30).status_code == 401


@pytest.mark.parametrize(
    ("ledger", "status", "code"),
    [("", 404, "ledger_off"), ("postgresql://nobody@127.0.0.1:1/nothing", 503, "ledger_unavailable")],
)
def test_without_a_ledger_there_is_an_error(tmp_path: Path, ledger: str, status: int, code: str) -> None:
    """Off, or out of reach."""
    with serving(tmp_path, model_file(tmp_path), **ledger_settings(tmp_path) | {"LEDGER": ledger}) as running:
        answer = running.http.get("/api/v1/model/quality")
    assert (answer.status_code, answer.json()["code"]) == (status, code)
