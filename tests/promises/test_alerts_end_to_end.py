"""The shipped Prometheus and Alertmanager watch a live service: it breaks, the right people are told, it recovers.

So too when it is the leads that are no longer those of training.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import msgspec
import polars as pl
import pytest
from factories import LEAD, body, lead, model_file
from monitoring import ALERTMANAGER, PLACES, PROMETHEUS, RULES, Stack, hastened, watching
from past_leads import leads, trained
from programs import program
from serving import DEADLINE, Server, eventually, serving, start, wait_until_ready

pytestmark = [pytest.mark.integration, pytest.mark.timeout(400)]

BATCH = body([lead(f"lead-{place}") for place in range(200)])
CROWD = 24
PATIENCE = 2 * DEADLINE
FIRING = "[FIRING] ServiceDown (critical)"
MACHINE = {"HighCPU", "HighMemory", "LowDisk"}
"""Alerts that a busy machine is reason enough for, whatever is tested on it."""


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


def names(stack: Stack) -> set[str]:
    """The alerts there are, but for those of the machine."""
    return {alert["labels"]["alertname"] for alert in stack.alerts()} - MACHINE


def test_what_is_changed_for_these_tests_is_the_clock_and_the_place() -> None:
    """Each line that differs is one of time, and each place stands where it is replaced."""
    text = "".join(path.read_text("utf-8") for path in [*PROMETHEUS.rglob("*.yml"), ALERTMANAGER / "alertmanager.yml"])
    pairs = zip(text.split("\n"), hastened(text).split("\n"), strict=True)
    changed = {(old, new) for old, new in pairs if old != new}
    added_up = {(old, new) for old, new in changed if new.strip().startswith("expr:")}
    assert {old.replace(":1h]", ":5s]") for old, _ in added_up} == {new for _, new in added_up} != set()
    assert {new.split(":")[0].strip() for _, new in changed - added_up} == {
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
        page, _, anchor = down["annotations"]["runbook_url"].partition("#")
        assert page.startswith(stack.prometheus)
        assert f'<h3 id="{anchor}">ServiceDown</h3>' in httpx.get(page, timeout=DEADLINE).text

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


def test_leads_unlike_those_of_training_are_told_until_they_are_like_them_again(tmp_path: Path) -> None:
    """ModelDrift, ScoreDistributionShift and UnseenCategories as tickets, with the feature, and none of them before."""
    trained(rows=4000).save(tmp_path / "model.json")
    program("prometheus")
    with (
        serving(tmp_path, tmp_path / "model.json") as server,
        watching(tmp_path / "monitoring", f"127.0.0.1:{server.port}") as stack,
    ):
        compared = 'sum(job_bin:model_score_bins:increase{}{{job="lead-scoring"}}) >= 500'
        assert eventually(lambda: bool(stack.query("job_feature_bin:model_feature_bins:increase1h")), PATIENCE)
        score(server, batches(leads(2000, seed=9)))
        for window in ("1h", "1d", "7d"):
            assert eventually(lambda: bool(stack.query(compared.format(window))), PATIENCE)  # noqa: B023  # called now
        assert eventually(lambda: bool(stack.query("job:model_score_drift:psi1d < 0.1")), PATIENCE)
        assert stack.query("job_feature:model_feature_drift:psi1d >= 0.1") == []
        assert names(stack) == set()

        moved = pl.col("visits") + 9
        unknown = pl.when(pl.col("source") == "web").then(pl.lit("fair")).otherwise("source")
        score(server, batches(leads(3000, seed=10).with_columns(moved, unknown.alias("source"))))
        for name in ("ModelDrift", "ScoreDistributionShift", "UnseenCategories"):
            assert eventually(lambda: stack.inbox.has("ticket", f"[FIRING] {name} (warning)"), PATIENCE)  # noqa: B023
        drifted = {
            alert["labels"]["feature"] for alert in stack.alerts() if alert["labels"]["alertname"] == "ModelDrift"
        }
        assert drifted == {"visits", "source"}
        texts = [message.text for message in stack.inbox.messages if "UnseenCategories" in message.title]
        assert all("source has categories that were not in the training data" in text for text in texts)

        like_training = batches(leads(5000, seed=11))

        def resolved() -> bool:
            score(server, like_training)
            return stack.inbox.has("ticket", "[RESOLVED] UnseenCategories (warning)")

        assert eventually(resolved, PATIENCE)


def batches(frame: pl.DataFrame) -> list[bytes]:
    """The leads of a table, as many in a batch as there may be."""
    rows = [
        {"lead_id": f"lead-{place}", "features": {name: value for name, value in row.items() if value is not None}}
        for place, row in enumerate(frame.drop("won").iter_rows(named=True))
    ]
    return [body(rows[start : start + 1000]) for start in range(0, len(rows), 1000)]


def score(server: Server, sent: list[bytes]) -> None:
    """Has batches scored."""
    for content in sent:
        headers = {"Content-Type": "application/json"}
        answer = server.http.post("/api/v1/score/batch", content=content, headers=headers)
        assert answer.status_code == 200, answer.text
        scored = msgspec.json.decode(answer.content)
        assert all("score" in place for place in scored), answer.text[:1000]


def test_the_demo_key_in_production_is_paged(tmp_path: Path) -> None:
    """As soon as it is seen."""
    with watched(tmp_path, ENV="production", API_KEYS="demo-api-key-123") as (_, stack):
        assert eventually(lambda: stack.inbox.has("page", "[FIRING] DemoKeyInProduction (critical)"), PATIENCE)
