"""One service has one model: the file at MODEL_PATH as it was at the start, for every worker, however late it starts."""

import os
import signal
from pathlib import Path

import httpx
import pytest
from factories import LEAD, booster, model_file
from serving import (
    KEY,
    Server,
    children,
    eventually,
    kept,
    serving,
    status,
)

pytestmark = pytest.mark.integration


@pytest.mark.parametrize("now", ["another model", "half a model", "nothing"])
def test_a_worker_that_is_replaced_serves_the_model_that_the_service_started_with(tmp_path: Path, now: str) -> None:
    """Whatever is at MODEL_PATH by now: one service never scores a lead in two ways."""
    model = model_file(tmp_path)
    with serving(tmp_path, model, WORKERS="2") as server:
        assert eventually(lambda: server.logged().count('"listening"') == 2)
        first = served(server)
        if now == "another model":
            booster(seed=8).save_model(model)
        elif now == "half a model":
            model.write_bytes(model.read_bytes()[:-100])
        else:
            model.unlink()
        for victim in children(server.process.pid):
            os.kill(victim, signal.SIGKILL)
        assert eventually(lambda: server.logged().count('"listening"') == 4)
        assert all(served(server) == first for _ in range(10))
        assert server.logged().count('"model file changed"') == 2
        assert status(server)["status"] == "healthy"


def served(server: Server) -> tuple[str, float]:
    """The model that some worker serves, and how it scores."""
    asked = {"X-API-Key": KEY, "Connection": "close"}
    info = httpx.get(server.url + "/api/v1/model/info", headers=asked, timeout=30).json()
    scored = httpx.post(server.url + "/api/v1/score", json=LEAD, headers=asked, timeout=30).json()
    return info["sha256"], scored["score"]["raw_score"]


def test_without_room_for_a_copy_a_worker_takes_no_other_model(tmp_path: Path) -> None:
    """It does not start until the file of the others is back."""
    model = model_file(tmp_path)
    with serving(tmp_path, model, WORKERS="2", TMPDIR=str(tmp_path)) as server:
        assert eventually(lambda: status(server)["status"] == "healthy")
        kept(tmp_path).unlink()  # as where the disk was full
        away = model.rename(tmp_path / "away.json")
        booster(seed=8).save_model(model)
        os.kill(children(server.process.pid)[0], signal.SIGKILL)
        assert eventually(lambda: '"ModelChanged"' in server.logged())
        away.replace(model)
        assert eventually(lambda: server.logged().count('"listening"') == 3)
