"""A real service keeps every score that it answers, in each of the ways in which leads come."""

import json
import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import factories
import httpx
import numpy as np
import pytest
import xgboost as xgb
from factories import LEAD, body, lead, model_file
from serving import Server, eventually, scoring, serving, start

from leadscoring.errors import CannotStart
from leadscoring.ledger.lead_key import open_keys
from leadscoring.ledger.segments import ENCODED, Record, is_being_written, read, segments_in
from leadscoring.model.file import open_model
from leadscoring.serving.recording import Recording, check_recording
from leadscoring.settings import Settings, read_settings

integration = pytest.mark.integration


def environ(folder: Path, **more: str) -> dict[str, str]:
    """Settings with a ledger whose files are in this folder."""
    return {"LEDGER": "on", "LEDGER_TAPE_PATH": str(folder / "tape"), "LEDGER_KEY_FILE": str(folder / "key")} | more


def tape_alone(folder: Path, **more: str) -> dict[str, str]:
    """With a database that nobody reaches, so that no keeper takes anything off the tape."""
    (folder / "key").write_text("ab" * 32)
    (folder / "key").chmod(0o600)
    return environ(folder, LEDGER="postgresql://nobody@127.0.0.1:1/nothing") | more


def settings_in(folder: Path, **more: str) -> Settings:
    """The same, read."""
    return read_settings(environ(folder, **more))


def records(folder: Path) -> list[Record]:
    """What is on the tapes of all workers."""
    return [record for path in segments_in(folder / "tape") for record in read(path, 0, 1_000_000).records]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of the service's files."""
    return tmp_path_factory.mktemp("recording")


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[Server]:
    """A service of two workers that keeps scores, with every protocol."""
    with serving(
        folder, model_file(folder), **tape_alone(folder, WORKERS="2", ENDPOINT_PROTOCOLS="v2,sagemaker")
    ) as one:
        yield one


def sent(server: Server, path: str, content: bytes, request: str, kind: str = "application/json") -> Any:
    """The response to a request with this id, which must succeed."""
    headers = {"X-Request-ID": request, "Content-Type": kind}
    answer = server.http.post(path, content=content, headers=headers)
    assert answer.status_code == 200, answer.text
    return answer


@integration
def test_every_way_to_score_is_kept_and_computed_again(server: Server, folder: Path) -> None:
    """Alone, in a batch, by lines, by SageMaker and V2: stock XGBoost finds every bit of each margin in its row."""
    sent(server, "/api/v1/score", body(LEAD), "alone")
    sent(server, "/api/v1/score/batch", body([lead("a"), {"lead_id": "broken"}, lead("b")]), "batch")
    lines = b"\n".join(map(body, [lead("c"), lead("d", growth=0.1)]))
    sent(server, "/api/v1/score/batch", lines, "lines", "application/x-ndjson")
    sent(server, "/invocations", b"1,2,,1,0,1,0.5\n2,2,,1,0,1,0.5\n", "sagemaker", "text/csv")
    tensor = {"name": "rows", "shape": [1, 7], "datatype": "FP32", "data": [1, 2, 3, 1, 0, 1, 0.5]}
    sent(server, "/v2/models/small/infer", json.dumps({"inputs": [tensor]}).encode(), "v2")
    found = records(folder)
    by_request = {
        request: sum(record.request == request for record in found) for request in ("alone", "batch", "lines")
    }
    assert by_request == {"alone": 1, "batch": 2, "lines": 2}
    keys = open_keys(settings_in(folder))
    assert {record.key for record in found if record.request == "lines"} == {keys.key("c"), keys.key("d")}
    encoded = [record for record in found if record.flags & ENCODED]
    assert sorted(record.request for record in encoded) == ["sagemaker", "sagemaker", "v2"]
    assert {record.key for record in encoded} == {b""}
    assert [record.margin for record in found] == recomputed(found)
    digest = found[0].model
    assert {record.model for record in found} == {digest}
    assert (folder / "tape" / "models" / digest).read_bytes() == (folder / "model.json").read_bytes()


def recomputed(found: list[Record]) -> list[float]:
    """The margins of rows as stock XGBoost has them."""
    stock = factories.booster()
    rows = np.array([np.frombuffer(record.row, "<f4") for record in found])
    names, types = stock.feature_names, stock.feature_types
    data = xgb.DMatrix(rows, feature_names=names, feature_types=types, enable_categorical=True)
    return [float(margin) for margin in stock.predict(data, output_margin=True)]


@integration
def test_the_metrics_show_the_size_of_the_tape(server: Server) -> None:
    """And that nothing was left out."""

    def shown() -> dict[str, float]:
        lines = [line for line in server.http.get("/metrics").text.splitlines() if line.startswith("ledger_")]
        return {name: float(value) for name, value in map(str.split, lines)}

    assert eventually(lambda: shown()["ledger_tape_bytes"] >= 2 << 24)
    assert shown()["ledger_unrecorded_leads_total"] == 0


@integration
def test_a_killed_worker_loses_no_score_that_was_answered(server: Server, folder: Path) -> None:
    """Each that a client has an answer to is on a tape exactly once, while workers are killed and replaced."""
    answered: list[str] = []
    ending = threading.Event()

    def ask(client: int) -> None:
        with httpx.Client(base_url=server.url, headers=dict(server.http.headers), timeout=30) as http:
            number = 0
            while not ending.is_set():
                number += 1
                request = f"client-{client}-{number}"
                try:
                    answer = http.post("/api/v1/score", content=body(LEAD), headers={"X-Request-ID": request})
                except httpx.TransportError:
                    continue
                if answer.status_code == 200:
                    answered.append(request)

    clients = [threading.Thread(target=ask, args=(client,)) for client in range(2)]
    for client in clients:
        client.start()
    try:
        for _ in range(2):
            before = len(answered)
            assert eventually(lambda before=before: len(answered) > before + 50)  # type: ignore[misc]
            assert eventually(lambda: len(scoring(server)) == 2)
            gone = scoring(server)[0]
            os.kill(gone, signal.SIGKILL)
            assert eventually(lambda gone=gone: len(new := scoring(server)) == 2 and gone not in new)  # type: ignore[misc]
    finally:
        ending.set()
        for client in clients:
            client.join()
    on_tape = [record.request for record in records(folder) if record.request.startswith("client-")]
    assert len(answered) > 100
    assert set(answered) <= set(on_tape)
    assert len(on_tape) == len(set(on_tape))
    assert any(not is_being_written(path) for path in segments_in(folder / "tape"))


@integration
@pytest.mark.parametrize(("full", "status"), [("serve", 200), ("refuse", 503)])
def test_a_full_tape_serves_or_refuses(tmp_path: Path, full: str, status: int) -> None:
    """As LEDGER_FULL says; what is not kept is counted."""
    settings = tape_alone(tmp_path, LEDGER_FULL=full, LEDGER_TAPE_BYTES=str(2 << 24))
    taken = tmp_path / "tape" / "others-000001.tape"
    taken.parent.mkdir(mode=0o700)
    with taken.open("wb") as file:
        file.truncate(2 << 24)  # as a tape that was not moved
    with serving(tmp_path, model_file(tmp_path), **settings) as server:
        alone = server.http.post("/api/v1/score", json=LEAD)
        batch = server.http.post("/api/v1/score/batch", json=[LEAD, LEAD])
        lines = server.http.post(
            "/api/v1/score/batch", content=body(LEAD), headers={"Content-Type": "application/x-ndjson"}
        )
        assert [alone.status_code, batch.status_code, lines.status_code] == [status] * 3
        counted = next(
            line for line in server.http.get("/metrics").text.splitlines() if line.startswith("ledger_unrecorded_leads")
        )
        assert float(counted.split()[1]) == (4 if full == "serve" else 0)
        if full == "refuse":
            assert alone.json()["code"] == "not_recorded"
            assert int(alone.headers["retry-after"]) > 0
        assert server.logged().count("tape full") == 1


@integration
@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_tape_that_cannot_be_used_prevents_the_start(tmp_path: Path, workers: str) -> None:
    """In one line, before any worker starts."""
    (tmp_path / "file").write_text("")
    settings = environ(tmp_path, LEDGER_TAPE_PATH=str(tmp_path / "file" / "tape"), WORKERS=workers)
    server = start(tmp_path, model_file(tmp_path), **settings)
    assert server.process.wait(60) == 2
    assert "LEDGER_TAPE_PATH" in server.logged()
    server.http.close()


def test_what_keeps_scores_is_made_before_the_workers_start(tmp_path: Path) -> None:
    """The key, and a folder for the tapes and the models."""
    check_recording(settings_in(tmp_path))
    assert (tmp_path / "key").exists()
    assert (tmp_path / "tape" / "models").is_dir()


def test_a_model_is_kept_from_the_first_file_that_has_it(tmp_path: Path) -> None:
    """Whatever is at MODEL_PATH meanwhile; without any, its scores could not be computed again."""
    path = model_file(tmp_path)
    model = open_model(path)
    other = tmp_path / "other.json"
    other.write_text("{}")
    recording = Recording(settings_in(tmp_path), (tmp_path / "missing.json", other, path))
    recording.of(model)
    assert (tmp_path / "tape" / "models" / model.sha256).read_bytes() == path.read_bytes()
    recording.tape.close()
    again = tmp_path / "again"
    recording = Recording(settings_in(again), (other,))
    with pytest.raises(CannotStart, match="the model file has changed"):
        recording.of(model)
    recording.tape.close()
