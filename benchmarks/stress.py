"""``make stress``: overloads, stops, restarts and breaks the service; prints one table, also in ``STRESS.md``.

    python -m benchmarks.stress [--overload SECONDS] [--soak SECONDS] [--only NAME ...]

The default run takes about five minutes; ``--overload 60 --soak 1200`` is the long one. All processes are stopped.
"""

import argparse
import json
import os
import platform
import shutil
import signal
import statistics
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import psutil

from benchmarks.attacks import attacks
from benchmarks.bodies import hostile_bodies
from benchmarks.models import lead_body, model_file
from benchmarks.open_loop import Load, in_own_process
from benchmarks.proxied import proxies
from benchmarks.proxy import proxied
from benchmarks.remote import remote
from benchmarks.row import Row
from benchmarks.servers import CLIENT_CORE, KEY, post
from benchmarks.service import ENDS_WITHIN, Service, run, status, until

REPORT = Path(__file__).parent / "STRESS.md"
RESULTS = Path("build") / "stress"
"""The latest results of each part."""

HEAD = ["what", "ours", "against", "figure", "bound", "holds"]
MODEL = 300, 6
"""Number and depth of trees: the larger of the two models of the benchmark."""

MEMORY_SECONDS = 1.0
"""Seconds after an overload in which the service releases its memory."""

BATCH = 100
CROWD = 3000
"""Connections that suffice for every request, however many wait; each takes about 6 kB."""

OPEN_LOOP = (100, 400, 800, CROWD)
"""Connections of an overload. If none is free, a request waits in its client, unknown to the service."""


def scored(url: str) -> float:
    """Returns the number of leads scored so far; 0 if there is no response."""
    try:
        with urllib.request.urlopen(url + "/metrics", timeout=5) as answer:
            lines = answer.read().decode().splitlines()
    except OSError:
        return 0.0
    return sum(float(line.split()[1]) for line in lines if line.startswith("model_predictions_total{"))


def batch() -> bytes:
    """Returns the body of one batch."""
    one = json.loads(lead_body())
    return json.dumps([one | {"lead_id": f"lead-{place}"} for place in range(BATCH)]).encode()


def single(url: str, rate: float, seconds: float) -> Load:
    """Returns a load of single leads."""
    return Load(url + "/api/v1/score", rate, seconds, lead_body(), KEY, connections=32, timeout=15)


def overload(seconds: float) -> list[Row]:
    """Measures five times the peak load, from few connections and from one per client."""
    return [row for connections in OPEN_LOOP for row in overloaded(seconds, connections)]


def overloaded(seconds: float, connections: int) -> list[Row]:
    """Measures five times the peak, which is the median of closed loops before and after."""
    service = Service(model_file(*MODEL), WORKERS="1", DRAIN_SECONDS="0")
    try:
        url, body = service.url + "/api/v1/score/batch", batch()
        turns = closed_loop(url, body)
        before = service.memory()
        probing = Load(service.url + "/health", 20, seconds + 1, connections=8)
        with in_own_process(probing, int(CLIENT_CORE)) as probes:
            found = run(Load(url, 5 * statistics.median(turns), seconds, body, KEY, connections, timeout=15))
            health = probes.result()
        back = until(lambda: status(service.url + "/health/ready") == 200 and recovered(service.url), 30)
        time.sleep(MEMORY_SECONDS)
        grown = service.memory() / before - 1
        peak = statistics.median(turns + closed_loop(url, body))
    finally:
        service.stop()
    crowded = connections == CROWD
    offered = f"{(found.sent + found.unsent) / found.took:,.0f} batches/s offered, {found.unsent:,} found no connection"
    answered = [
        Row("... all answers, p99 in ms", str(found.statuses), "", found.percentile(99, 200), 5000, at_most=True)
    ]
    return [
        Row(f"{seconds:g} s at 5 times the peak, {connections:,} connections: goodput", f"{found.goodput:,.0f}/s",
            f"peak {peak:,.0f}/s; {offered}", found.goodput / peak, 0.8 if crowded else 0.9),
        *([] if found.unsent else answered),
        Row("... /health, p99 in ms", str(health.statuses), "", health.percentile(99), 50, at_most=True),
        Row("... requests without an answer", str(dict(found.failures)), str(found.statuses), found.lost, 0,
            at_most=True),
        Row("... memory growth", f"from {before:.0f} MB", "", grown, 0.5 if crowded else 0.25, at_most=True),
        Row("... back to normal, s", "", "", back, 5, at_most=True),
    ]  # fmt: skip


def closed_loop(url: str, body: bytes) -> list[float]:
    """Returns the requests per second of a closed loop, for each of several turns."""
    run(Load(url, 0, 1, body, KEY, 8, closed=True))
    return [run(Load(url, 0, 3, body, KEY, 8, closed=True)).goodput for _ in range(4)]


def recovered(url: str) -> bool:
    """Whether several leads in a row are scored."""
    for _ in range(5):
        try:
            post(url + "/api/v1/score", lead_body())
        except OSError:
            return False
    return True


def stop() -> list[Row]:
    """Measures SIGTERM under 200 requests per second."""
    service = Service(model_file(*MODEL), WORKERS="2", core=None, DRAIN_SECONDS="3")
    with in_own_process(single(service.url, 200, 8), int(CLIENT_CORE)) as running:
        until(lambda: scored(service.url) > 200)
        service.process.send_signal(signal.SIGTERM)
        noticed = until(lambda: status(service.url + "/health/ready") == 503, 10)
        code = service.process.wait(ENDS_WITHIN)
        found = running.result()
    return [
        Row("SIGTERM under 200/s: ready is 503 after, s", "", "", noticed, 0.5, at_most=True),
        Row("... accepted requests that failed", str(found.said()["failures"]), "", found.lost, 0, at_most=True),
        Row("... exit code", "", "", code, 0, at_most=True),
    ]


def rolling() -> list[Row]:
    """Measures a rolling restart of two services behind nginx."""
    nginx = shutil.which("nginx", path=os.environ.get("PATH", "") + ":/usr/sbin")
    if nginx is None:
        return [Row("rolling restart: there is no nginx here", "", "", 1, 0, at_most=True)]
    with ExitStack() as closing:
        folder = Path(closing.enter_context(tempfile.TemporaryDirectory()))
        services = [Service(model_file(*MODEL), core=None, WORKERS="1", DRAIN_SECONDS="1") for _ in range(2)]
        try:
            url = closing.enter_context(proxied(nginx, folder, [each.port for each in services]))
            with in_own_process(single(url, 100, 12), int(CLIENT_CORE)) as running:
                until(lambda: scored(services[0].url) + scored(services[1].url) > 50)
                for place, old in enumerate(list(services)):
                    old.stop()
                    services[place] = Service(model_file(*MODEL), old.port, core=None, WORKERS="1", DRAIN_SECONDS="1")
                found = running.result()
        finally:
            for service in services:
                service.stop()
    failed = found.sent - len(found.latencies.get(200, ()))
    told = f"{found.statuses} {dict(found.failures)}"
    return [Row("rolling restart behind nginx, 100/s: failed requests", told, "", failed, 0, at_most=True)]


def faults() -> list[Row]:
    """Measures the replacement of a killed and of a stopped worker, of two."""
    rows = []
    for fault in (signal.SIGKILL, signal.SIGSTOP):
        service = Service(model_file(*MODEL), core=None, WORKERS="2", DRAIN_SECONDS="0")
        try:
            until(lambda: service.serving() == 2)  # noqa: B023  # called before the loop goes on
            with in_own_process(single(service.url, 100, 10), int(CLIENT_CORE)) as running:
                until(lambda: scored(service.url) > 50)  # noqa: B023  # the same
                before = set(service.workers())
                victim = min(before)
                os.kill(victim, fault)
                took = until(lambda: bool(service.answering() - before), 30)  # noqa: B023  # the same
                found = running.result()
        finally:
            service.stop()
        slowest = max((max(each) for each in found.latencies.values()), default=float("nan"))
        told = f"{found.statuses} {dict(found.failures)}"
        rows += [
            Row(f"{fault.name} of a worker: another serves after, s", told, "", took, 5, at_most=True),
            Row("... slowest answer, s", "", "", slowest, 10, at_most=True),
        ]
    return rows


def soak(seconds: float) -> list[Row]:
    """Measures half the peak load over a long time."""
    service = Service(model_file(*MODEL), WORKERS="1", DRAIN_SECONDS="0")
    try:
        run(Load(service.url + "/api/v1/score", 0, 3, lead_body(), KEY, 32, closed=True))
        peak = run(Load(service.url + "/api/v1/score", 0, 5, lead_body(), KEY, 32, closed=True)).goodput
        process = psutil.Process(service.process.pid)
        seen: list[tuple[float, float, int, int]] = []
        with in_own_process(single(service.url, peak / 2, seconds), int(CLIENT_CORE)) as running:
            end = time.monotonic() + seconds
            while (now := time.monotonic()) < end:
                time.sleep(min(1.0, max(0.0, end - now)))  # between two samples of the soak
                seen.append((now, service.memory(), process.num_fds(), process.num_threads()))
            found = running.result()
    finally:
        service.stop()
    warm = seen[len(seen) // 3 :]
    slope = statistics.linear_regression([row[0] for row in warm], [row[1] for row in warm]).slope * 3600
    hour = f"{warm[0][1]:.1f} to {warm[-1][1]:.1f} MB"
    return [
        Row(f"{seconds:g} s at half the peak: memory, MB/hour", hour, f"{peak / 2:,.0f}/s", slope, 60, at_most=True),
        Row("... descriptors, growth", "", "", grown(warm, 2), 8, at_most=True),
        Row("... threads, growth", "", "", grown(warm, 3), 0, at_most=True),
        Row("... answers other than 200", str(found.statuses), f"p99 {found.percentile(99):.1f} ms",
            found.sent - len(found.latencies.get(200, ())), 0, at_most=True),
    ]  # fmt: skip


def markdown(rows: list[list[str]]) -> str:
    """Formats rows, of which the first is the header, as a Markdown table."""
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    lines.insert(1, "|" + "---|" * len(rows[0]))
    return "\n".join(lines)


def machine() -> str:
    """Describes the processor and the software."""
    cpuinfo = Path("/proc/cpuinfo").read_text().splitlines()
    processor = next((line.split(":", 1)[1].strip() for line in cpuinfo if "model name" in line), platform.processor())
    return f"{processor}, {os.cpu_count()} cores, Linux {platform.release()}, Python {platform.python_version()}"


def grown(seen: list[tuple[float, float, int, int]], column: int) -> float:
    """Returns the difference between the maxima of the second and the first half."""
    half = len(seen) // 2
    return max(row[column] for row in seen[half:]) - max(row[column] for row in seen[:half])


def main() -> int:
    """Runs the requested parts; the exit code is 0 if all bounds hold."""
    parser = argparse.ArgumentParser(description="Overload, stop, restart and break the service under load.")
    parser.add_argument("--overload", type=float, default=60, help="seconds at five times the peak")
    parser.add_argument("--soak", type=float, default=90, help="seconds at half the peak")
    parser.add_argument("--bodies", type=int, default=400, help="hostile bodies")
    parser.add_argument(
        "--only", nargs="*", default=[], help="overload, attacks, proxies, stop, rolling, faults, remote, bodies, soak"
    )
    options = parser.parse_args()
    parts: dict[str, Callable[[], list[Row]]] = {
        "overload": lambda: overload(options.overload),
        "attacks": lambda: attacks(model_file(*MODEL), batch()),
        "proxies": lambda: proxies(model_file(*MODEL), batch()),
        "stop": stop,
        "rolling": rolling,
        "faults": faults,
        "remote": remote,
        "bodies": lambda: hostile_bodies(MODEL, options.bodies),
        "soak": lambda: soak(options.soak),
    }
    RESULTS.mkdir(parents=True, exist_ok=True)
    for name, part in parts.items():
        if not options.only or name in options.only:
            rows = part()
            for row in rows:
                print(" | ".join(row.cells()), file=sys.stderr, flush=True)
            told = [f"{datetime.now(UTC):%Y-%m-%d %H:%M}, load average {os.getloadavg()[1]:.1f}"]
            (RESULTS / f"{name}.json").write_text(json.dumps([told, *(row.cells() for row in rows)]))
    found = [json.loads(path.read_text()) for name in parts if (path := RESULTS / f"{name}.json").exists()]
    table = markdown([HEAD, *(row for _, *rows in found for row in rows)])
    print(table)
    if len(found) == len(parts):
        when = "; ".join(f"{name} {told[0]}" for name, (told, *_) in zip(parts, found, strict=True))
        REPORT.write_text(INTRODUCTION.format(machine=machine(), table=table, batch=BATCH, when=when, model=MODEL))
    return 0 if all(row[-1] == "yes" for _, *rows in found for row in rows) else 1


INTRODUCTION = """# Stress

`make stress` does all of this, prints the table and writes this file; `make stress STRESS="--overload 60 --soak 1200"`
is the long run. Load comes from `benchmarks/open_loop.py` at a constant rate, from a core that the overloaded and the
soaked service do not use; latency counts from the moment at which a request should have left. Overload sends batches
of {batch} leads to one worker with a model of {model[0]} trees of depth {model[1]}; its peak is what a closed loop of
the same batches gives, before and after. Each part can be run alone (`--only`), and stands here as it was last run.

Measured on {machine}.
Parts: {when}.

{table}
"""

if __name__ == "__main__":
    sys.exit(main())
