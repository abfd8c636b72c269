"""A port is this service's own or the start fails in one line; a second one shows what the first should not."""

import errno
import os
import socket
from pathlib import Path

import pytest
from factories import model_file
from serving import DEADLINE, KEY, ended, start

from leadscoring.errors import CannotStart
from leadscoring.transport.listener import bound, cannot_listen, check_free, check_listens

LOOPBACK = "127.0.0.1"


@pytest.mark.parametrize(
    ("number", "advice"),
    [
        (errno.EADDRINUSE, "set OPERATIONS_PORT to another"),
        (errno.EACCES, "this user may take"),
        (errno.EADDRNOTAVAIL, "set HOST"),
    ],
)
def test_a_port_that_cannot_be_had_comes_with_what_to_do(number: int, advice: str) -> None:
    """By the system's own reason, with the address and the setting that names it."""
    said = str(cannot_listen(LOOPBACK, 80, OSError(number, os.strerror(number)), "OPERATIONS_PORT"))
    assert advice in said
    assert f"HOST {LOOPBACK} OPERATIONS_PORT 80" in said


def test_a_port_is_free_until_another_program_listens_there() -> None:
    """Workers that share it would not notice the other one."""
    with bound(LOOPBACK, 0, shared=False) as taken:
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(CannotStart, match="OPERATIONS_PORT"):
            check_free(LOOPBACK, port)
    check_free(LOOPBACK, port)


def test_workers_share_a_port_that_they_bind_as_shared() -> None:
    """The kernel then gives each of them its part of the connections; who does not share it is refused."""
    with bound(LOOPBACK, 0, shared=True) as first:
        port = first.getsockname()[1]
        with bound(LOOPBACK, port, shared=True) as second:
            assert second.getsockname() == first.getsockname()
            first.listen()
            with pytest.raises(OSError, match="in use"):
                bound(LOOPBACK, port, shared=False)


def test_a_socket_that_does_not_listen_is_noticed() -> None:
    """Also one that is closed already: the event loop keeps silent about either."""
    with socket.socket() as made:
        made.bind((LOOPBACK, 0))
        with pytest.raises(CannotStart):
            check_listens(made, LOOPBACK, 1)
        made.listen()
        check_listens(made, LOOPBACK, 1)
    with pytest.raises(CannotStart):
        check_listens(made, LOOPBACK, 1)


@pytest.mark.integration
@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_port_that_is_taken_is_told_in_one_line(tmp_path: Path, workers: str) -> None:
    """With exit code 2 and the words that operators look for."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        server = start(tmp_path, model_file(tmp_path), PORT=str(port), WORKERS=workers)
        assert server.process.wait(DEADLINE) == 2
        server.http.close()
        said = server.logged().strip()
    assert "ddress already in use" in said
    assert "PORT" in said
    assert len(said.splitlines()) == 1 or workers == "1"
    assert "Traceback" not in said


OVERTAKEN = """
import os, socket, sys
import uvicorn
from leadscoring.serving.drain import Server
from leadscoring.errors import CannotStart
from leadscoring.serving.server import arguments, listening
from leadscoring.settings import read_settings
from leadscoring.serving.supervisor import Supervisor

settings = read_settings(os.environ)
ours = listening(settings)
other = socket.socket()
other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
other.bind(ours.getsockname())
other.listen()
config = uvicorn.Config(**arguments(settings), workers=settings.workers)
try:
    if settings.workers == 1:
        Server(config, 0.0).run([ours])
    else:
        Supervisor(config, [ours], 0.0, 10.0, lambda: None).run()
except CannotStart as failure:
    sys.exit(f"CannotStart: {failure}")
"""


@pytest.mark.integration
@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_port_that_another_program_takes_meanwhile_is_told(tmp_path: Path, workers: str) -> None:
    """The kernel lets two programs have a port until one of them listens, as when two services are started at once."""
    settings = {"HOST": "127.0.0.1", "PORT": "0", "API_KEYS": KEY, "WORKERS": workers}
    said = ended(OVERTAKEN, MODEL_PATH=str(model_file(tmp_path)), **settings)
    assert "CannotStart: " in said.stderr
    assert "address already in use" in said.stdout + said.stderr
    assert "Traceback" not in said.stdout + said.stderr
