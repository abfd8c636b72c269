"""The shipped Prometheus and Alertmanager watch a live service: it breaks, the right people are told, it recovers."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from factories import LEAD, body, lead, model_file
from monitoring import ALERTMANAGER, PLACES, PROMETHEUS, RULES, Stack, hastened, program, watching
from serving import DEADLINE, Server, eventually, serving, start, wait_until_ready

pytestmark = [pytest.mark.integration, pytest.mark.timeout(400)]

BATCH = body([lead(f"lead-{place}") for place in range(200)])
CROWD = 24
PATIENCE = 2 * DEADLINE
FIRING = "[FIRING] ServiceDown (critical)"


@contextmanager
def watched(folder: Path, **environ: str) -> Iterator[tuple[Server, Stack]]:
    """A service, and the monitoring that has seen it."""
    program("prometheus")
    with (
        serving(folder, model_file(folder), **environ) as server,
        watching(folder / "monitoring", f"127.0.0.1:{server.port}") as stack,
    ):
        assert eventually(lambda: bool(stack.query('service_info{job="lead-scoring"}')), PATIENCE)
        yield server, stack


def test_what_is_changed_for_these_tests_is_the_clock_and_the_place() -> None:
    """Each line that differs is one of time, and each place stands where it is replaced."""
    text = "".join(path.read_text("utf-8") for path in [*PROMETHEUS.rglob("*.yml"), ALERTMANAGER / "alertmanager.yml"])
    changed = {
        new.split(":")[0].strip()
        for old, new in zip(text.split("\n"), hastened(text).split("\n"), strict=True)
        if old != new
    }
    assert changed == {
        "scrape_interval",
        "scrape_timeout",
        "evaluation_interval",
        "for",
        "interval",
        "group_wait",
        "group_interval",
    }
    assert all(place in text for place in PLACES)


def test_a_service_that_dies_is_paged_and_its_return_is_told(tmp_path: Path) -> None:
    """ServiceDown for its instance, and nothing before."""
    with watched(tmp_path, ENV="production") as (server, stack):
        rules = httpx.get(f"{stack.prometheus}/api/v1/rules", timeout=DEADLINE).json()["data"]["groups"]
        assert sum(len(group["rules"]) for group in rules) == len(RULES)
        assert eventually(lambda: bool(stack.query("instance:system_cpu_usage:ratio_rate5m")), PATIENCE)
        assert eventually(lambda: bool(stack.query('up{job="alertmanager"} == 1')), PATIENCE)
        assert eventually(lambda: not outages(stack), PATIENCE)  # a busy machine may have missed a look
        told = stack.inbox.count("page", FIRING)

        server.process.kill()
        server.process.wait(DEADLINE)
        assert eventually(lambda: stack.inbox.count("page", FIRING) > told and bool(outages(stack)), PATIENCE)
        (down,) = outages(stack)
        assert down["labels"]["instance"] == f"127.0.0.1:{server.port}"
        assert "runbooks" not in down["labels"]
        assert down["annotations"]["runbook_url"].endswith("docs/MONITORING.md#servicedown")

        returned = start(tmp_path, tmp_path / "model.json", PORT=str(server.port))
        try:
            wait_until_ready(returned)
            assert eventually(lambda: not outages(stack), PATIENCE)
            assert eventually(lambda: stack.inbox.has("page", "[RESOLVED] ServiceDown (critical)"), PATIENCE)
        finally:
            returned.http.close()
            returned.stop()


def outages(stack: Stack) -> list[dict[str, Any]]:
    """The alerts for services that do not answer."""
    return [alert for alert in stack.alerts() if alert["labels"]["alertname"] == "ServiceDown"]


def test_a_service_that_fails_requests_is_paged_until_it_answers_them_again(tmp_path: Path) -> None:
    """HighErrorRate as a page and Overloaded as a ticket, from real answers with status 503."""
    with (
        watched(tmp_path, ENV="production", MAX_QUEUE_SECONDS="0.001") as (server, stack),
        ThreadPoolExecutor(CROWD) as crowd,
    ):
        assert eventually(lambda: bool(stack.query("job:api_failures:increase15m")), PATIENCE)
        refused, asked = 0, 0
        while refused < 10 or refused < asked / 10:
            assert asked < 100 * CROWD, "nothing was refused"
            statuses = list(crowd.map(lambda _: batch(server), range(CROWD)))
            asked, refused = asked + CROWD, refused + statuses.count(503)
            assert set(statuses) <= {200, 503}
        assert eventually(lambda: stack.inbox.has("page", "[FIRING] HighErrorRate (critical)"), PATIENCE)
        assert eventually(lambda: stack.inbox.has("ticket", "[FIRING] Overloaded (warning)"), PATIENCE)
        assert eventually(lambda: not outages(stack), PATIENCE)

        def resolved() -> bool:
            for _ in range(200):
                server.http.post("/api/v1/score", json=LEAD)
            return stack.inbox.has("page", "[RESOLVED] HighErrorRate (critical)")

        assert eventually(resolved, PATIENCE)


def batch(server: Server) -> int:
    """The status that a batch gets."""
    headers = {"Content-Type": "application/json"}
    return server.http.post("/api/v1/score/batch", content=BATCH, headers=headers).status_code


def test_the_demo_key_in_production_is_paged(tmp_path: Path) -> None:
    """As soon as it is seen."""
    with watched(tmp_path, ENV="production", API_KEYS="demo-api-key-123") as (_, stack):
        assert eventually(lambda: stack.inbox.has("page", "[FIRING] DemoKeyInProduction (critical)"), PATIENCE)
