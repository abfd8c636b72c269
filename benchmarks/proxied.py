"""Overload behind proxies that share connections to the service: what one key does to another there.

A request that waits at a proxy, for a connection to the service, is in no line of ours, and every key's stand in one.
"""

import os
import shutil
import statistics
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from benchmarks.attacks import KEYS, QUIET, asking
from benchmarks.models import lead_body
from benchmarks.open_loop import Load
from benchmarks.proxy import CONFIGURATION, started
from benchmarks.row import Row
from benchmarks.servers import KEY, free_port
from benchmarks.service import Service, run

CROWDS = {100: 0.9, 1000: 0.6}
"""Connections of the greedy key, and what goodput is to be of the peak; the proxy runs where the clients do, and
what it keeps of a thousand batches costs time that is the clients' too."""

SECONDS = 6.0
FEW, MANY = 64, 1024
"""Connections that HAProxy may have to the service: fewer than the crowd, and more."""

HAPROXY = """
global
  maxconn 4096
  log stderr format raw local0 emerg
defaults
  mode http
  timeout connect 5s
  timeout client 30s
  timeout server 30s
  timeout queue 30s
frontend clients
  bind 127.0.0.1:{port}
  default_backend services
backend services
  http-reuse always
  server one 127.0.0.1:{service} maxconn {connections}
"""


@contextmanager
def nginx(folder: Path, service: int) -> Iterator[str]:
    """The address of an nginx that keeps connections to the service, and opens as many as it needs."""
    port = free_port()
    text = CONFIGURATION.format(folder=folder, servers=f"    server 127.0.0.1:{service} max_fails=0;", port=port)
    file = folder / "nginx.conf"
    file.write_text(text.replace("worker_connections 1024", "worker_connections 4096"))
    command = [program("nginx"), "-p", str(folder), "-c", str(file)]
    with started(command, port, folder / "nginx-error.log") as url:
        yield url


@contextmanager
def haproxy(folder: Path, service: int, connections: int) -> Iterator[str]:
    """The address of an HAProxy that has so many connections to the service, each for whoever is next."""
    port = free_port()
    file = folder / "haproxy.cfg"
    file.write_text(HAPROXY.format(port=port, service=service, connections=connections))
    with started([program("haproxy"), "-f", str(file)], port, folder / "haproxy.log") as url:
        yield url


def program(name: str) -> str:
    """Where a proxy is. Raises ``FileNotFoundError`` when it is nowhere."""
    found = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin")
    if found is None:
        raise FileNotFoundError(f"there is no {name} here")
    return found


PROXIES = {
    "nginx with keepalive": nginx,
    f"HAProxy with maxconn {MANY}": lambda folder, service: haproxy(folder, service, MANY),
    f"HAProxy with maxconn {FEW}": lambda folder, service: haproxy(folder, service, FEW),
}


def proxies(model: Path, batch: bytes) -> list[Row]:
    """A greedy key's crowd and a quiet key's single leads, through each proxy."""
    rows = []
    for name, through in PROXIES.items():
        for connections in CROWDS:
            service = Service(model, WORKERS="1", DRAIN_SECONDS="0", API_KEYS=KEYS)
            try:
                with tempfile.TemporaryDirectory() as folder, through(Path(folder), service.port) as url:
                    rows += crowded(name, url, batch, connections, queues=connections > FEW and str(FEW) in name)
            finally:
                service.stop()
    return rows


def crowded(name: str, url: str, batch: bytes, connections: int, queues: bool) -> list[Row]:
    """One crowd through one proxy; where it ``queues`` at the proxy, what the quiet key waits there is the proxy's."""
    path = "/api/v1/score/batch"

    def goodput(of: int, seconds: float) -> tuple[float, dict[int, int]]:
        found = run(Load(url + path, 0, seconds, batch, KEY, of, timeout=15, closed=True))
        return found.goodput, found.statuses

    peaks = [goodput(16, 3)[0]]
    with asking(urlsplit(url).port or 80, "/api/v1/score", lead_body(), QUIET) as quiet:
        good, statuses = goodput(connections, SECONDS)
    peaks.append(goodput(16, 3)[0])
    peak = statistics.mean(peaks)
    refused = sum(quiet.statuses.values()) - quiet.statuses[200]
    in_line = 1e3 * connections / peak if queues else 0.0  # all that may stand before it at the proxy
    return [
        Row(f"{name}, a key with {connections} connections: goodput", f"{good:,.0f}/s {statuses}",
            f"16 connections {peak:,.0f}/s", good / peak, CROWDS[connections]),
        Row("... another's leads, refused", str(dict(quiet.statuses)), "", refused, 0, at_most=True),
        Row("... p99 in ms", f"median {quiet.percentile(50):.1f}",
            f"the proxy's line {in_line:.0f} ms" if queues else "", quiet.percentile(99), 100 + 1.5 * in_line,
            at_most=True),
    ]  # fmt: skip
