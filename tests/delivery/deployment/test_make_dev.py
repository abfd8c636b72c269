"""``make dev`` keeps what it scores: in the folder of the project, without anything that has to be set up."""

import os
import signal
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from project import ROOT
from serving import Server, eventually, free_port, wait_until_ready

from leadscoring.settings import DEMO_KEY

LEAD = (ROOT / "docs" / "examples" / "sample_request_1.json").read_bytes()

pytestmark = pytest.mark.integration


@contextmanager
def developing(folder: Path, **environ: str) -> Iterator[Server]:
    """What ``make dev`` starts, in an empty folder, ended by Ctrl-C."""
    words = ["make", "-n", "--no-print-directory", "dev"]  # which make prints where it was started by another
    told = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True)
    line, port, log = told.stdout.splitlines()[-1], free_port(), folder / "log"
    given = {name: value for name, value in os.environ.items() if name != "LEDGER"} | {"PORT": str(port)} | environ
    command = line.replace(".venv/bin/", f"{ROOT}/.venv/bin/")
    with log.open("wb") as out:
        process = subprocess.Popen(["/bin/sh", "-c", command], cwd=folder, env=given, stdout=out, stderr=out)
    server = Server(process, port, log)
    server.http.headers["X-API-Key"] = DEMO_KEY
    try:
        wait_until_ready(server)
        yield server
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0, server.logged()
    finally:
        server.http.close()
        if process.poll() is None:
            process.kill()
            process.wait()


def score(server: Server) -> int:
    """The status of a request for a score."""
    headers = {"Content-Type": "application/json"}
    return server.http.post("/api/v1/score", content=LEAD, headers=headers).status_code


def test_a_score_is_in_the_ledger_when_it_has_ended(tmp_path: Path) -> None:
    """The database, its secret and the tape are for their owner alone; nothing but them appears in the folder."""
    with developing(tmp_path) as server:
        assert score(server) == 200
    with closing(sqlite3.connect(tmp_path / "data" / "ledger.db")) as connection:
        assert connection.execute("SELECT count(*) FROM score").fetchone() == (1,)
    assert {path.name for path in tmp_path.iterdir()} == {"data", "log"}
    for path in (tmp_path / "data").iterdir():
        assert path.stat().st_mode & 0o077 == 0, path
    assert not list((tmp_path / "data" / "tape").glob("*.tape"))


@pytest.mark.parametrize("ledger", ["", "off"])
def test_it_keeps_nothing_where_that_is_said(tmp_path: Path, ledger: str) -> None:
    """For those who try it with real leads."""
    with developing(tmp_path, LEDGER=ledger) as server:
        assert score(server) == 200
    assert eventually(lambda: not (tmp_path / "data").exists())
