"""Isolation between clients: overload in a closed loop, a greedy client, floods, and memory held by slow bodies."""

import http.client
import statistics
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.models import lead_body
from benchmarks.open_loop import Load, Outcome, in_own_process
from benchmarks.row import Row
from benchmarks.servers import CLIENT_CORE, KEY
from benchmarks.service import Service, run, scraped

QUIET = "quiet-key"
CROWD_KEYS = tuple(f"crowd-{place}" for place in range(20))
KEYS = ",".join((KEY, QUIET, *CROWD_KEYS))
CROWDS = (100, 400, 800)
SECONDS = 6.0
LARGE = b"x" * 200_000
STALL = "event_loop_longest_stall_seconds"


class Asked:
    """The outcomes of requests that a thread sends one by one, on one connection or each on a new one."""

    def __init__(self) -> None:
        self.statuses: Counter[int] = Counter()
        self.milliseconds: list[float] = []

    def percentile(self, share: float) -> float:
        """Returns the percentile ``share`` of the latency in ms; NaN without requests."""
        ordered = sorted(self.milliseconds)
        return ordered[min(len(ordered) - 1, int(len(ordered) * share / 100))] if ordered else float("nan")

    def ask(self, connection: http.client.HTTPConnection, path: str, body: bytes | None, key: str) -> None:
        """Sends one request and waits for its response; status 0 means that there was none."""
        began = time.perf_counter()
        try:
            connection.request("POST" if body else "GET", path, body, {"X-API-Key": key} if key else {})
            answer = connection.getresponse()
            answer.read()
            self.statuses[answer.status] += 1
        except (OSError, http.client.HTTPException):
            self.statuses[0] += 1
            connection.close()
        self.milliseconds.append((time.perf_counter() - began) * 1e3)


@contextmanager
def asking(port: int, path: str, body: bytes | None = None, key: str = "", afresh: bool = False) -> Iterator[Asked]:
    """Sends about thirty requests a second in the background as long as the context is open."""
    record, ended = Asked(), threading.Event()

    def go() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        while not ended.wait(0.03):
            if afresh:
                connection.close()
            record.ask(connection, path, body, key)
        connection.close()

    thread = threading.Thread(target=go)
    thread.start()
    try:
        yield record
    finally:
        ended.set()
        thread.join()


def crowd(
    service: Service, path: str, body: bytes, key: str, connections: int, seconds: float = SECONDS,
    keys: tuple[str, ...] = (),
) -> Outcome:  # fmt: skip
    """Runs clients in a closed loop."""
    return run(Load(service.url + path, 0, seconds, body, key, connections, timeout=15, closed=True, keys=keys))


def closed(service: Service, batch: bytes) -> list[Row]:
    """Measures overload by clients that retry immediately, relative to sixteen that saturate the service."""
    path, rows = "/api/v1/score/batch", []
    peaks = [crowd(service, path, batch, KEY, 16, 3).goodput for _ in range(2)]
    before = service.memory()
    for connections in CROWDS:
        with asking(service.port, "/health", afresh=True) as probes:
            found = crowd(service, path, batch, KEY, connections)
        time.sleep(1.0)  # in which the service releases the memory of the overload
        peaks.append(crowd(service, path, batch, KEY, 16, 3).goodput)
        peak, grown = statistics.mean(peaks[-2:]), service.memory() / before - 1
        rows += [
            Row(f"{connections} connections in a closed loop: goodput", f"{found.goodput:,.0f}/s {found.statuses}",
                f"16 connections {peak:,.0f}/s", found.goodput / peak, 0.9),
            Row("... memory growth", f"from {before:.0f} MB", "", grown, 0.25, at_most=True),
            Row("... /health on new connections, p99 in ms", str(dict(probes.statuses)), "", probes.percentile(99), 50,
                at_most=True),
        ]  # fmt: skip
    return rows


def many_keys(service: Service, batch: bytes) -> list[Row]:
    """Measures the largest crowd with a few keys and with many, all with equal load."""
    path, rows = "/api/v1/score/batch", []
    peaks = [crowd(service, path, batch, KEY, 16, 3).goodput]
    for keys in (CROWD_KEYS[:2], CROWD_KEYS):
        found = crowd(service, path, batch, "", CROWDS[-1], keys=keys)
        peaks.append(crowd(service, path, batch, KEY, 16, 3).goodput)
        peak, served = statistics.mean(peaks[-2:]), [found.served[place] for place in range(len(keys))]
        rows += [
            Row(f"{CROWDS[-1]} connections of {len(keys)} keys in a closed loop: goodput",
                f"{found.goodput:,.0f}/s {found.statuses}", f"16 connections {peak:,.0f}/s", found.goodput / peak, 0.9),
            Row("... batches of the key with the fewest, against the mean", f"{min(served)}",
                f"{statistics.mean(served):.0f}", min(served) / max(1.0, statistics.mean(served)), 0.5),
        ]  # fmt: skip
    return rows


def greed(service: Service, batch: bytes) -> list[Row]:
    """Measures the single leads of one key while another sends batches on many connections."""
    rows = []
    for connections in CROWDS[::2]:
        with asking(service.port, "/api/v1/score", lead_body(), QUIET) as quiet:
            crowd(service, "/api/v1/score/batch", batch, KEY, connections)
        refused = sum(quiet.statuses.values()) - quiet.statuses[200]
        rows += [
            Row(f"a key with {connections} connections: another's leads, refused", str(dict(quiet.statuses)), "",
                refused, 0, at_most=True),
            Row("... p99 in ms", f"median {quiet.percentile(50):.1f}", "", quiet.percentile(99), 100, at_most=True),
        ]  # fmt: skip
    return rows


FLOODS = {
    "401 with 200 KB": ("/api/v1/score/batch", LARGE, "wrong", 400),
    "401 of single leads": ("/api/v1/score", b"{}", "wrong", 800),
    "404": ("/nothing", b"", "", 800),
    "/metrics": ("/metrics", b"", "", 200),
}
"""Path, body, key and connections of each flood."""


def floods(service: Service) -> list[Row]:
    """Measures floods of requests that are cheap to send: the memory they leave, and the latency of probes."""
    rows, before = [], service.memory()
    for name, (path, body, key, connections) in FLOODS.items():
        with asking(service.port, "/health/ready", afresh=True) as probes:
            found = crowd(service, path, body, key, connections)
        told = f"{sum(found.statuses.values()) / found.took:,.0f}/s"
        rows.append(Row(f"a flood of {name}: /health/ready on new connections, p99 in ms", told,
                        str(dict(probes.statuses)), probes.percentile(99), 50, at_most=True))  # fmt: skip
    grown = service.memory() / before - 1
    return [*rows, Row("... memory growth after all of them", f"from {before:.0f} MB", "", grown, 0.1, at_most=True)]


def held(service: Service) -> list[Row]:
    """Measures 150 incomplete bodies of 5 MB."""
    before = service.memory()
    head = f"POST /api/v1/score/batch HTTP/1.1\r\nHost: a\r\nX-API-Key: {KEY}\r\nContent-Length: 5000000\r\n\r\n"
    load = Load(service.url + "/api/v1/score/batch", 0, 3, b" ", KEY, 150, timeout=1, closed=True,
                raw=head.encode() + b" " * 4_900_000)  # fmt: skip
    with in_own_process(load, int(CLIENT_CORE)) as running:
        time.sleep(3.0)  # while the bodies are held
        most = service.memory()
        running.result()
    return [Row("150 unfinished bodies of 5 MB: memory, MB", f"from {before:.0f} MB", "", most - before, 150,
                at_most=True)]  # fmt: skip


def attacks(model: Path, batch: bytes) -> list[Row]:
    """Runs all attacks, and measures the longest stall of the event loop meanwhile."""
    service = Service(model, WORKERS="1", DRAIN_SECONDS="0", API_KEYS=KEYS)
    try:
        rows = [
            *closed(service, batch),
            *many_keys(service, batch),
            *greed(service, batch),
            *floods(service),
            *held(service),
        ]
        stall = scraped(service.url, STALL)
    finally:
        service.stop()
    return [*rows, Row("... longest stall of the event loop, ms", "", "", stall * 1e3, 100, at_most=True)]
