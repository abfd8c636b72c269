"""The part ``bodies`` of ``make stress``: sends hostile bodies one after the other, while probes check health."""

import http.client
import json
from itertools import islice
from pathlib import Path

from benchmarks.hostile import Names, bodies, camel
from benchmarks.models import lead_body, model_file
from benchmarks.open_loop import Load, in_own_process
from benchmarks.row import Row
from benchmarks.servers import CLIENT_CORE, KEY
from benchmarks.service import Service, run

LARGEST = 5_242_880
TIMEOUT = 120
IDLE_SECONDS = 5
PROBES = 50
"""Probes per second."""


def hostile_bodies(model: tuple[int, int], count: int) -> list[Row]:
    """Measures the cost of the most expensive of ``count`` bodies, and the latency of probes meanwhile."""
    service = Service(model_file(*model), WORKERS="1", DRAIN_SECONDS="0")
    try:
        names = list(json.loads(lead_body())["features"])
        singles, batches, statuses = [0.0], [0.0], set[int]()
        idle = run(Load(service.url + "/health", PROBES, IDLE_SECONDS, connections=8)).percentile(99)
        probing = Load(service.url + "/health", PROBES, count / 8, connections=8)
        with in_own_process(probing, int(CLIENT_CORE)) as probes:
            for many, sent in islice(bodies(1, Names(names, names[0], names[-1])), count):
                took, status = cost(service, "/api/v1/score/batch" if many else "/api/v1/score", sent[:LARGEST])
                (batches if many else singles).append(took)
                statuses.add(status)
            wrong = json.dumps([{"lead_id": 1, "features": dict.fromkeys(map(camel, names), 1)}] * 1000).encode()
            honest, _ = cost(service, "/api/v1/score/batch", wrong)
            health = probes.result()
    finally:
        service.stop()
    failed = [status for status in statuses if status >= 500]  # failures of the service
    return [
        Row(f"{count} hostile bodies of up to 5 MB: costliest single, ms", "", "", max(singles), 100, at_most=True),
        Row("... costliest batch, ms", "", "", max(batches), 1000, at_most=True),
        Row("... 1,000 leads in camelCase, ms", "", "", honest, 1000, at_most=True),
        Row(
            "... /health, p99 in ms",
            str(health.statuses),
            f"idle {idle:.1f} ms",
            health.percentile(99),
            50,
            at_most=True,
        ),
        Row("... failures", str(sorted(statuses)), "", len(failed), 0, at_most=True),
    ]


def cost(service: Service, path: str, sent: bytes) -> tuple[float, int]:
    """Returns the processor time that the service spends on one body, in milliseconds, and the status."""
    before = spent(service.process.pid)
    connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=TIMEOUT)
    connection.request("POST", path, sent, {"X-API-Key": KEY, "Content-Type": "application/json"})
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return (spent(service.process.pid) - before) * 1e3, answer.status


def spent(pid: int) -> float:
    """Returns the processor time of all threads of a process, in seconds."""
    return sum(int(path.read_text().split()[0]) for path in Path(f"/proc/{pid}/task").glob("*/schedstat")) / 1e9
