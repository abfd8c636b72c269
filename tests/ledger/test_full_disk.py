"""A real disk that is full: scoring goes on or refuses as LEDGER_FULL says, it is counted, and recovers by itself."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from factories import lead, model_file
from ledgers import ledger_settings
from serving import Server, eventually, serving, status
from small_disk import small_disk

pytestmark = pytest.mark.integration

KILOBYTES = 24 << 10
"""Room for one segment of 16 MiB."""


@contextmanager
def filled(disk: Path) -> Iterator[Path]:
    """Takes all room of a disk; yields the file that has it."""
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            pass
    yield filler
    filler.unlink(missing_ok=True)


def score(server: Server, *names: str) -> httpx.Response:
    """Scores leads in a batch, or one alone."""
    if len(names) == 1:
        return server.http.post("/api/v1/score", json=lead(names[0]))
    return server.http.post("/api/v1/score/batch", json=[lead(name) for name in names])


def unrecorded(server: Server) -> float:
    """The counter, over all workers."""
    lines = httpx.get(server.url + "/metrics").text.splitlines()
    return sum(float(line.split()[1]) for line in lines if line.startswith("ledger_unrecorded_leads_total "))


def section(server: Server) -> dict[str, Any]:
    """The ledger's section of the status."""
    found: dict[str, Any] = status(server)["ledger"]
    return found


@pytest.mark.parametrize("full", ["serve", "refuse"])
def test_no_room_for_the_tape(full: str, tmp_path: Path) -> None:
    """Leads that are not recorded are counted or refused; once there is room they are recorded."""
    with small_disk(tmp_path / "disk", KILOBYTES) as disk:
        (disk / "tape").mkdir()
        (disk / "tape" / "models").mkdir()
        settings = ledger_settings(tmp_path) | {"LEDGER_TAPE_PATH": str(disk / "tape"), "LEDGER_FULL": full}
        kept = model_file(tmp_path)
        with filled(disk) as filler:
            with filler.open("r+b") as file:
                file.truncate(file.seek(0, 2) - (1 << 20))  # room for the model and what is small
            with serving(tmp_path, kept, **settings) as server:
                answers = [score(server, "a"), score(server, "b", "c")]
                if full == "serve":
                    assert [answer.status_code for answer in answers] == [200, 200]
                    assert eventually(lambda: unrecorded(server) == 3)
                else:
                    assert [answer.status_code for answer in answers] == [503, 503]
                    assert answers[0].json()["code"] == "not_recorded"
                    assert "retry-after" in answers[0].headers
                assert "No space left on device" in server.logged()
                filler.unlink()
                assert eventually(lambda: score(server, "d").status_code == 200 and section(server)["moved"] > 0)
                assert '"tape has room again"' in server.logged()


def test_no_room_for_the_ledger(tmp_path: Path) -> None:
    """Scores wait on the tape, and the status says why."""
    with small_disk(tmp_path / "disk", 1 << 10) as disk, filled(disk) as filler:
        settings = ledger_settings(tmp_path) | {"LEDGER": f"sqlite:///{disk}/ledger.db"}
        with serving(tmp_path, model_file(tmp_path), **settings) as server:
            assert score(server, "a", "b").status_code == 200
            assert eventually(lambda: section(server)["state"] == "down")
            assert "disk" in section(server)["reason"]
            assert "\nledger_down 1.0\n" in httpx.get(server.url + "/metrics").text
            filler.unlink()
            assert eventually(lambda: section(server)["state"] == "healthy" and section(server)["moved"] == 2)
