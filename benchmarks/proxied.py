"""Overload behind proxies that share connections to the service: the effect of one key on another.

A request that waits at a proxy for a connection to the service is in no queue of ours, and the proxy has one queue for
all keys.
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
"""Connections of the greedy key, and the minimum goodput relative to the peak; the proxy shares the core of the
clients, and buffering a thousand batches takes time from them."""

SECONDS = 6.0
FEW, MANY = 64, 1024
"""Maximum connections of HAProxy to the service: fewer than the crowd, and more."""

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
    """Runs an nginx with keep-alive and unlimited connections to the service; yields its address."""
    port = free_port()
    text = CONFIGURATION.format(folder=folder, servers=f"    server 127.0.0.1:{service} max_fails=0;", port=port)
    file = folder / "nginx.conf"
    file.write_text(text.replace("worker_connections 1024", "worker_connections 4096"))
    command = [program("nginx"), "-p", str(folder), "-c", str(file)]
    with started(command, port, folder / "nginx-error.log") as url:
        yield url


@contextmanager
def haproxy(folder: Path, service: int, connections: int) -> Iterator[str]:
    """Runs an HAProxy with a limited pool of shared connections to the service; yields its address."""
    port = free_port()
    file = folder / "haproxy.cfg"
    file.write_text(HAPROXY.format(port=port, service=service, connections=connections))
    with started([program("haproxy"), "-f", str(file)], port, folder / "haproxy.log") as url:
        yield url


def program(name: str) -> str:
    """Returns the path of a proxy. Raises ``FileNotFoundError`` if it is not installed."""
    path = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin")
    if path is None:
        raise FileNotFoundError(f"there is no {name} here")
    return path


PROXIES = {
    "nginx with keepalive": nginx,
    f"HAProxy with maxconn {MANY}": lambda folder, service: haproxy(folder, service, MANY),
    f"HAProxy with maxconn {FEW}": lambda folder, service: haproxy(folder, service, FEW),
}


def proxies(model: Path, batch: bytes) -> list[Row]:
    """Measures a greedy key's crowd and a quiet key's single leads, through each proxy."""
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
    """Measures one crowd through one proxy; if it ``queues`` there, that wait of the quiet key is due to the proxy."""
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
    in_line = 1e3 * connections / peak if queues else 0.0  # the maximum wait in the queue of the proxy
    return [
        Row(f"{name}, a key with {connections} connections: goodput", f"{good:,.0f}/s {statuses}",
            f"16 connections {peak:,.0f}/s", good / peak, CROWDS[connections]),
        Row("... another's leads, refused", str(dict(quiet.statuses)), "", refused, 0, at_most=True),
        Row("... p99 in ms", f"median {quiet.percentile(50):.1f}",
            f"the proxy's line {in_line:.0f} ms" if queues else "", quiet.percentile(99), 100 + 1.5 * in_line,
            at_most=True),
    ]  # fmt: skip
