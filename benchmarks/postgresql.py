"""A throwaway PostgreSQL: a cluster of its own on a free port, with empty databases."""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import psutil
import psycopg

from benchmarks.servers import free_port

SERVERS = Path("/usr/lib/postgresql")
"""Where Debian has the programs of a server, by version."""


class NotInstalled(Exception):
    """There are no programs of a server."""


class Cluster:
    """A running server; ``url()`` makes an empty database."""

    def __init__(self, programs: Path, folder: Path, port: int, account: dict[str, Any]) -> None:
        self._programs, self._folder, self._port, self._account = programs, folder, port, account
        self._numbers = count(1)

    def url(self) -> str:
        """Returns the URL of a new database."""
        name = f"ledger_{next(self._numbers)}"
        with psycopg.connect(self._url("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        return self._url(name)

    def _url(self, database: str) -> str:
        return f"postgresql://postgres@127.0.0.1:{self._port}/{database}"

    def run(self, program: str, *arguments: str) -> None:
        """Runs a program of the server as its user."""
        command = [str(self._programs / program), *arguments]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=self._folder, timeout=60, **self._account)

    def start(self) -> None:
        """Starts the server; returns when it accepts connections."""
        options = f"-p {self._port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={self._folder}"
        self.run(
            "pg_ctl", "-D", str(self._folder / "data"), "-l", str(self._folder / "log"), "-w", "-o", options, "start"
        )

    def stop(self, how: str = "fast") -> None:
        """Stops the server: ``fast`` closes its connections, ``immediate`` is as after a power cut."""
        self.run("pg_ctl", "-D", str(self._folder / "data"), "-m", how, "-w", "stop")

    def processes(self) -> list[psutil.Process]:
        """Returns the processes of the server."""
        first = psutil.Process(int((self._folder / "data" / "postmaster.pid").read_text().split()[0]))
        return [first, *first.children()]

    def pause(self) -> None:
        """Stops every process where it is: connections stay open and get no response, as with a server that hangs."""
        for process in self.processes():
            process.suspend()

    def resume(self) -> None:
        """Lets them go on."""
        for process in self.processes():
            process.resume()


def programs() -> Path:
    """Returns the folder of the server's programs. Raises ``NotInstalled``."""
    found = sorted(SERVERS.glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if not found:
        raise NotInstalled("PostgreSQL is not installed (Debian, Ubuntu: apt-get install postgresql)")
    return found[-1].parent


def account() -> dict[str, Any]:
    """Returns whom the server runs as: root it refuses."""
    if os.geteuid():
        return {}
    entry = pwd.getpwnam("postgres")
    return {"user": entry.pw_uid, "group": entry.pw_gid}


@contextmanager
def cluster() -> Iterator[Cluster]:
    """Yields a server that runs as long as the context is open. Raises ``NotInstalled``."""
    folder, whom = Path(tempfile.mkdtemp(prefix="postgresql-")), account()
    made = Cluster(programs(), folder, free_port(), whom)
    if whom:
        os.chown(folder, whom["user"], whom["group"])
    try:
        made.run("initdb", "-D", str(folder / "data"), "-U", "postgres", "-A", "trust", "--no-sync", "--locale=C.UTF-8")
        made.start()
        try:
            yield made
        finally:
            made.stop("immediate")
    finally:
        shutil.rmtree(folder)
