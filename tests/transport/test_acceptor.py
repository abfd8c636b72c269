"""Connections are taken as they come, those of probes before all others, also when there is room for no more."""

import os
import resource
import socket
from collections.abc import Iterator
from contextlib import ExitStack, closing

import psutil
import pytest
from factories import model_file
from serving import DEADLINE, Server, eventually, serving
from wire import wired

from leadscoring.transport.acceptor import waiting

pytestmark = pytest.mark.integration

LIMIT = 80
HEALTH = b"GET /health/ready HTTP/1.1\r\nHost: a\r\n\r\n"


@pytest.fixture
def server(tmp_path: os.PathLike[str]) -> Iterator[Server]:
    """A service that holds few connections."""
    with serving(tmp_path, model_file(tmp_path), MAX_CONNECTIONS=str(LIMIT)) as running:  # type: ignore[arg-type]  # a path
        yield running


def connected(server: Server, stack: ExitStack, count: int) -> list[socket.socket]:
    """So many connections that say nothing."""
    return [
        stack.enter_context(closing(socket.create_connection(("127.0.0.1", server.port), timeout=DEADLINE)))
        for _ in range(count)
    ]


def test_probes_are_answered_when_all_connections_are_taken(server: Server) -> None:
    """Others are refused, and told so."""
    with ExitStack() as stack:
        connected(server, stack, 2 * LIMIT)
        for _ in range(3 * LIMIT):
            with wired(server) as wire:
                wire.send(HEALTH)
                answer = wire.answer()
            assert answer is not None
            assert answer.status == 200
        with wired(server) as wire:
            wire.send(b"GET /docs HTTP/1.1\r\nHost: a\r\n\r\n")
            answer = wire.answer()
        assert answer is not None
        assert answer.status == 503


def test_without_descriptors_the_service_says_so_goes_on_and_recovers(server: Server) -> None:
    """Open connections are served, and new ones as soon as there is a descriptor again."""
    process = psutil.Process(server.process.pid)
    with ExitStack() as stack, wired(server) as kept:
        kept.send(HEALTH)
        assert kept.answer() is not None
        before = process.rlimit(resource.RLIMIT_NOFILE)
        process.rlimit(resource.RLIMIT_NOFILE, (process.num_fds() + 3, before[1]))
        connected(server, stack, 10)
        assert eventually(lambda: '"descriptors exhausted"' in server.logged())
        kept.send(HEALTH)
        answer = kept.answer()
        assert answer is not None
        assert answer.status == 200
        with wired(server) as late:
            late.send(HEALTH)
            process.rlimit(resource.RLIMIT_NOFILE, before)
            answer = late.answer()
        assert answer is not None
        assert answer.status == 200
    assert eventually(lambda: '"descriptors available"' in server.logged())
    assert server.logged().count('"descriptors exhausted"') == 1
    assert 'requests_rejected_total{reason="descriptors"}' in server.http.get("/metrics").text


def test_how_many_wait_is_known() -> None:
    """At least one is said to, or the kernel's number."""
    with socket.socket() as listener, ExitStack() as stack:
        listener.bind(("127.0.0.1", 0))
        listener.listen(16)
        assert waiting(listener) == 1
        for _ in range(5):
            stack.enter_context(closing(socket.create_connection(listener.getsockname())))
        assert waiting(listener) in (5, 8)
