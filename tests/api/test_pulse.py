"""What processes tell of themselves is true of all of them, whichever is asked."""

import os
import signal
import time
from collections.abc import Mapping
from pathlib import Path

import httpx
import psutil
import pytest
from factories import model_file
from prometheus_client.parser import text_string_to_metric_families
from serving import DEADLINE, Server, children, eventually, serving

import leadscoring
from leadscoring.api.pulse import STALL_WINDOW, Longest

pytestmark = pytest.mark.integration


def test_the_longest_stall_is_remembered_for_a_while_and_then_forgotten() -> None:
    """Between one and two windows, so that a scrape sees it."""
    longest = Longest()
    assert longest.seen(0.0, 0.1) == 0.1
    assert longest.seen(1.0, 3.0) == 3.0
    assert longest.seen(STALL_WINDOW - 1, 0.2) == 3.0
    assert longest.seen(STALL_WINDOW + 1, 0.2) == 3.0
    assert longest.seen(2 * STALL_WINDOW + 2, 0.1) == 0.2


def test_a_loop_that_stands_still_shows(tmp_path: Path) -> None:
    """For about as long as it did."""
    with serving(tmp_path, model_file(tmp_path)) as server:
        assert eventually(lambda: metrics(server)["event_loop_longest_stall_seconds"] >= 0)
        os.kill(server.process.pid, signal.SIGSTOP)
        time.sleep(0.5)  # the loop stands still for so long
        os.kill(server.process.pid, signal.SIGCONT)
        assert eventually(lambda: metrics(server)["event_loop_longest_stall_seconds"] > 0.4)


def metrics(server: Server) -> Mapping[str, float]:
    """Every sample without labels, from whichever worker answers: each request has a connection of its own."""
    said = httpx.get(f"{server.url}/metrics", timeout=DEADLINE).text
    families = text_string_to_metric_families(said)
    return {sample.name: sample.value for family in families for sample in family.samples if not sample.labels}


def test_any_worker_tells_of_all(tmp_path: Path) -> None:
    """How many are ready, what they use together, since when the service runs; a worker that died is missed."""
    before = time.time()
    with serving(tmp_path, model_file(tmp_path), WORKERS="3", ENV="staging") as server:
        assert eventually(lambda: metrics(server)["service_ready_workers"] == 3)
        workers = [psutil.Process(pid) for pid in children(server.process.pid)]

        def all_told() -> bool:
            told = metrics(server)["process_resident_memory_bytes"]
            return told == pytest.approx(sum(worker.memory_info().rss for worker in workers), rel=0.2)

        assert eventually(all_told)
        seen = [metrics(server) for _ in range(12)]
        assert {told["service_workers"] for told in seen} == {3}
        spent = [told["process_cpu_seconds_total"] for told in seen]
        machine = [told["system_cpu_seconds_total"] for told in seen]
        assert spent == sorted(spent)
        assert machine == sorted(machine)
        started = [told["process_start_time_seconds"] for told in seen]
        assert max(started) - min(started) < 2
        assert before - 2 < min(started) < time.time() + 2
        assert seen[0]["process_open_fds"] > 3 * 3
        assert 0 < seen[0]["system_memory_usage_ratio"] <= 1
        assert 0 < seen[0]["system_disk_usage_ratio"] <= 1
        assert 0 < seen[0]["system_cpu_cores"] <= (os.cpu_count() or 1)
        about = f'service_info{{env="staging",version="{leadscoring.__version__}"}} 1.0'
        assert about in httpx.get(f"{server.url}/metrics", timeout=DEADLINE).text

        os.kill(workers[0].pid, signal.SIGKILL)
        assert eventually(lambda: workers[0].pid not in children(server.process.pid))
        assert eventually(lambda: metrics(server)["service_ready_workers"] == 3)
        assert metrics(server)["process_cpu_seconds_total"] >= spent[-1]


def test_what_a_look_at_the_machine_needs_is_there_before_anyone_asks(tmp_path: Path) -> None:
    """Though not before the service is ready: neither the start nor a scrape pays for it."""
    with serving(tmp_path, model_file(tmp_path)) as server:
        assert eventually(lambda: "_psutil" in Path(f"/proc/{server.process.pid}/maps").read_text())
        process = psutil.Process(server.process.pid)
        before = process.cpu_times()
        assert server.http.get("/metrics").status_code == 200
        after = process.cpu_times()
        assert after.user + after.system - before.user - before.system < 0.05


def test_a_service_that_drains_is_not_ready(tmp_path: Path) -> None:
    """It says so at once, while it still answers."""
    with serving(tmp_path, model_file(tmp_path), DRAIN_SECONDS="300") as server:
        assert metrics(server)["service_ready_workers"] == 1
        server.process.send_signal(signal.SIGTERM)
        assert eventually(lambda: metrics(server)["service_ready_workers"] == 0)
        server.process.kill()


def test_failures_are_shown_before_there_are_any(tmp_path: Path) -> None:
    """With the successes that they are divided by."""
    with serving(tmp_path, model_file(tmp_path)) as server:
        said = server.http.get("/metrics").text
        for route in ("/api/v1/score", "/api/v1/score/batch"):
            for status in (200, 500, 502, 503, 504):
                assert f'http_requests_total{{endpoint="{route}",method="POST",status="{status}"}} 0.0' in said
            assert f'http_request_duration_seconds_bucket{{endpoint="{route}",le="0.25",method="POST"}} 0.0' in said
