"""Alerts reach who should hear of them, once, and what a worse alert says already stays quiet."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from monitoring import ALERTMANAGER, ALERTS, Inbox, alerting, copied, run
from programs import program
from serving import DEADLINE, eventually

CONFIG = ALERTMANAGER / "alertmanager.yml"
ONE = {"job": "lead-scoring", "instance": "api:8000"}
OTHER = {"job": "lead-scoring", "instance": "api-2:8000"}
ALL = {"job": "lead-scoring"}
SEVERITY = {rule["alert"]: rule["labels"]["severity"] for rule in ALERTS}


def test_alertmanager_takes_its_configuration() -> None:
    """With its templates."""
    ran = run(program("amtool"), "check-config", str(CONFIG))
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "1 templates" in ran.stdout


@pytest.mark.parametrize(("severity", "receiver"), [("critical", "page"), ("warning", "ticket"), ("", "ticket")])
def test_the_severity_of_an_alert_says_who_hears_of_it(severity: str, receiver: str) -> None:
    """One that has none is not lost."""
    labels = ["alertname=ServiceDown", *([f"severity={severity}"] if severity else [])]
    ran = run(
        program("amtool"), "config", "routes", "test", f"--config.file={CONFIG}", f"--verify.receivers={receiver}", *labels
    )  # fmt: skip
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_no_secret_is_in_the_configuration() -> None:
    """Addresses of receivers come from files, which git is told to leave alone."""
    for receiver in yaml.safe_load(CONFIG.read_text("utf-8"))["receivers"]:
        for kind, settings in receiver.items():
            if kind == "name":
                continue
            for setting in settings:
                assert setting["api_url_file"].startswith("/etc/alertmanager/secrets/")
    ignored = (ALERTMANAGER / "secrets" / ".gitignore").read_text().splitlines()
    assert {"*", "!.gitignore"} <= set(ignored)


class Desk:
    """A running Alertmanager, to which a test sends alerts as Prometheus would."""

    def __init__(self, url: str, inbox: Inbox) -> None:
        self.url = url
        self.inbox = inbox

    def send(self, *alerts: dict[str, str], minutes: int = 5) -> None:
        """Sends alerts that end in some minutes."""
        now = datetime.now(UTC)
        times = {"startsAt": now.isoformat(), "endsAt": (now + timedelta(minutes=minutes)).isoformat()}
        said = {"summary": "what", "description": "how much", "runbook_url": "https://example.org/#runbook"}
        body = [{"labels": labels, "annotations": said, **times} for labels in alerts]
        httpx.post(f"{self.url}/api/v2/alerts", json=body, timeout=DEADLINE).raise_for_status()

    def state(self, **labels: str) -> str | None:
        """The state of the one alert with these labels."""
        known: list[dict[str, Any]] = httpx.get(f"{self.url}/api/v2/alerts", timeout=DEADLINE).json()
        return next((alert["status"]["state"] for alert in known if alert["labels"] == labels), None)


def alert(name: str, place: dict[str, str], **labels: str) -> dict[str, str]:
    """The labels of an alert as our rules make it."""
    return {"alertname": name, "severity": SEVERITY[name], **place, **labels}


def heading(labels: dict[str, str]) -> tuple[str, str]:
    """Where the message of an alert arrives, and its title."""
    receiver = "page" if labels["severity"] == "critical" else "ticket"
    return receiver, f"[FIRING] {labels['alertname']} ({labels['severity']})"


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """One Alertmanager with nothing in it."""
    program("prometheus-alertmanager", "alertmanager")
    copied(tmp_path / "monitoring", {"/etc/alertmanager/": f"{tmp_path}/monitoring/alertmanager/"})
    with alerting(tmp_path / "monitoring") as (url, inbox):
        yield Desk(url, inbox)


CASES = [
    (alert("ServiceDown", ONE), alert("HighMemory", ONE), alert("HighMemory", OTHER)),
    (alert("ServiceDown", ONE), alert("NotReady", ONE), alert("HighErrorRate", ALL)),
    (alert("ServiceDown", ALL), alert("HighErrorRate", ALL), alert("ServiceDown", ONE)),
    (alert("HighMemory", ONE, severity="critical"), alert("HighMemory", ONE, severity="warning"), alert("LowDisk", ONE, severity="warning")),
    (alert("AvailabilityBurnRate", ALL, severity="critical", window="1h"), alert("AvailabilityBurnRate", ALL, severity="warning", window="3d"), alert("LatencyBurnRate", ALL, severity="warning")),
    (alert("NotReady", ONE), alert("WorkersNotReady", ONE), alert("WorkersNotReady", OTHER)),
    (alert("HighErrorRate", ALL), alert("AvailabilityBurnRate", ALL, severity="critical", window="1h"), alert("Overloaded", ALL)),
    (alert("HighLatency", ALL, endpoint="/api/v1/score"), alert("LatencyBurnRate", ALL, severity="warning", window="1d"), alert("LatencyBurnRate", ALL, severity="critical", window="1h")),
    (alert("ModelBreakerOpen", ONE, endpoint_provider="azure"), alert("ModelFallbackInUse", ONE, endpoint_provider="azure"), alert("ModelFallbackInUse", OTHER, endpoint_provider="azure")),
]  # fmt: skip


@pytest.mark.integration
@pytest.mark.parametrize(
    ("worse", "quiet", "loud"), CASES, ids=[f"{case[0]['alertname']}-{case[1]['alertname']}" for case in CASES]
)
def test_what_a_worse_alert_says_already_stays_quiet(
    desk: Desk, worse: dict[str, str], quiet: dict[str, str], loud: dict[str, str]
) -> None:
    """And what it does not say is told."""
    desk.send(worse)
    assert eventually(lambda: desk.state(**worse) == "active")
    desk.send(quiet, loud)
    assert eventually(lambda: desk.state(**quiet) == "suppressed")
    assert eventually(lambda: desk.state(**loud) == "active")
    assert eventually(lambda: desk.inbox.has(*heading(loud)))
    assert heading(quiet) in (heading(loud), heading(worse)) or not desk.inbox.has(*heading(quiet))


@pytest.mark.integration
def test_many_instances_are_one_message_with_what_each_says_and_where_to_read_on(desk: Desk) -> None:
    """Grouped by the name of the alert."""
    desk.send(*(alert("HighCPU", {"job": "lead-scoring", "instance": f"api-{place}:8000"}) for place in range(20)))
    title, runbook = "[FIRING] HighCPU (warning)", "Runbook: https://example.org/#runbook"
    assert eventually(lambda: any(each.text.count(runbook) == 20 for each in list(desk.inbox.messages)))
    assert {(each.receiver, each.title) for each in desk.inbox.messages} == {("ticket", title)}
