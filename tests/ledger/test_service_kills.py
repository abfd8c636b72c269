"""Workers, keepers and supervisors of a service are killed at random moments: no acknowledged score is lost or doubled."""

import os
import random
import time
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
from factories import model_file
from keepers import move_all
from ledgers import KEYS, ledger_settings
from serving import DEADLINE, KEY, Server, children, eventually, holds_keeper_lock, start, wait_until_ready
from steady_load import SteadyLoad

pytestmark = pytest.mark.integration

KILLS = int(os.environ.get("SERVICE_KILLS", "6"))
"""More of them by ``make service-kills``."""

LONGEST_LIFE = 0.5
SUPERVISORS, KEEPERS = 0.12, 0.4
"""The share of kills that are of a supervisor, with which the service ends, and of a keeper where one keeps."""


class Service:
    """A service of two workers that is started again when its supervisor was killed."""

    def __init__(self, folder: Path, url: str) -> None:
        self._folder, self.kills = folder, {"worker": 0, "keeper": 0, "supervisor": 0}
        self._killed: list[psutil.Process] = []
        self._settings = ledger_settings(folder) | {"LEDGER": url, "WORKERS": "2"}
        self.server = self._started()

    def _started(self) -> Server:
        server = start(self._folder, model_file(self._folder), **self._settings)
        wait_until_ready(server)
        return server

    def kill(self, chance: random.Random) -> None:
        """Kills a process of the service."""
        if chance.random() < SUPERVISORS:
            self._end(self.server.process.pid, "supervisor")
            self.server.process.wait(DEADLINE)
            self.server.http.close()
            self.server = self._started()
            return
        below = children(self.server.process.pid)
        keepers = [pid for pid in below if holds_keeper_lock(pid)]
        if victims := keepers if keepers and chance.random() < KEEPERS else below:
            victim = chance.choice(victims)
            self._end(victim, "keeper" if victim in keepers else "worker")  # or a keeper that has not begun

    def _end(self, pid: int, which: str) -> None:
        with suppress(psutil.NoSuchProcess):  # it was just replaced
            self._killed += [psutil.Process(pid), *psutil.Process(pid).children()]
            psutil.Process(pid).kill()
            self.kills[which] += 1

    def stop(self) -> None:
        """Ends the service, and waits until nothing of it is left: orphans end by themselves."""
        self.server.http.close()
        self.server.stop()
        assert eventually(lambda: not any(map(lives, self._killed)))


def lives(process: psutil.Process) -> bool:
    """Whether a process runs."""
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def test_what_was_acknowledged_is_kept_once(url: str, tmp_path: Path) -> None:
    """However often a process of the service is killed; and every bit of each margin is that of stock XGBoost."""
    seed = random.randrange(1 << 30)
    chance, service = random.Random(seed), Service(tmp_path, url)
    try:
        with SteadyLoad(service.server.url, KEY) as load:
            for _ in range(KILLS):
                time.sleep(chance.uniform(0, LONGEST_LIFE))  # what is random is the moment
                service.kill(chance)
                load.url = service.server.url
            before = len(load.acknowledged)
            assert eventually(lambda: len(load.acknowledged) > before)
    finally:
        service.stop()
    move_all(url, tmp_path / "tape")
    rows = load.check(url, KEYS)
    print(
        f"seed {seed}: {service.kills} killed, {len(load.acknowledged):,} acknowledged, {rows:,} kept, {load.failed} failed"
    )
