"""Every symptom of the guide is told to somebody, at the thresholds of the file, out of what the service really says."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from infra.azure.__main__ import TEMPLATES
from infra.environments import Environment
from project import ROOT

from leadscoring.telemetry.events import EVENTS

Alerts = Callable[..., dict[str, dict[str, Any]]]
Changed = Callable[[Callable[[dict[str, Any]], object]], Path]

ON_METRICS = {"ServerErrors", "SlowAnswers", "TooFewReplicas", "Restarts", "HighCpu", "HighMemory"}
ON_REQUESTS = {"HighErrorRate", "HighLatency", "RequestsRefused", "ServiceDown"}
WINDOWS = {"PT1M": 1, "PT5M": 5, "PT10M": 10, "PT15M": 15, "PT30M": 30, "PT1H": 60}


def remote(environment: dict[str, Any]) -> None:
    """Lets an Azure ML endpoint score."""
    environment["settings"] |= {
        "MODEL_ENDPOINT_PROVIDER": "azure",
        "AZURE_ML_ENDPOINT_URL": "https://a.example.com/score",
    }


def condition(alert: dict[str, Any]) -> dict[str, Any]:
    """The one condition of an alert."""
    (found,) = alert["criteria"]["allOf"]
    return dict(found)


def test_every_symptom_has_an_alert_that_tells_somebody(alerts: Alerts) -> None:
    """When it comes, and by itself when it goes."""
    found = alerts()
    assert set(found) == ON_METRICS | ON_REQUESTS | {"ErrorsLogged"}
    for alert in found.values():
        told = alert["actions"]
        assert "actionGroup.id" in (told["actionGroups"] if isinstance(told, dict) else [told[0]["actionGroupId"]])
        assert alert["enabled"] is alert["autoMitigate"] is True


def test_alerts_have_the_thresholds_of_the_file(alerts: Alerts, environment: Environment) -> None:
    """The guide's among them: 5 % errors, 1000 ms, 80 %; Azure counts processors and memory itself."""
    limits, found = environment.alarms, alerts()
    for symptom, threshold, minutes in (
        ("HighErrorRate", limits.error_percent, limits.error_minutes),
        ("HighLatency", limits.latency_ms, limits.latency_minutes),
        ("SlowAnswers", limits.latency_ms, limits.latency_minutes),
        ("RequestsRefused", limits.refused_percent, limits.refused_minutes),
        ("ServiceDown", 1, limits.down_minutes),
        ("TooFewReplicas", environment.min_replicas, limits.missing_minutes),
        ("HighCpu", environment.cpu_millicores * 1_000_000 * limits.cpu_percent / 100, limits.resource_minutes),
        ("ErrorsLogged", limits.log_errors, 5),
        ("ServerErrors", environment.azure.failed_requests, 5),
        ("Restarts", environment.azure.restarts, 15),
    ):
        assert condition(found[symptom])["threshold"] == threshold, symptom
        assert WINDOWS[found[symptom]["windowSize"]] >= minutes, symptom
    memory = environment.memory_mib * 2**20 * limits.memory_percent / 100
    assert memory - 100 <= condition(found["HighMemory"])["threshold"] <= memory  # whole numbers all the way
    assert (limits.error_percent, limits.latency_ms, limits.cpu_percent, limits.memory_percent) == (5, 1000, 80, 80)


def test_metrics_are_those_of_container_apps(alerts: Alerts) -> None:
    """By the names and dimensions that Azure Monitor has."""
    found = alerts()
    assert {symptom: condition(found[symptom])["metricName"] for symptom in ON_METRICS} == {
        "ServerErrors": "Requests",
        "SlowAnswers": "ResponseTime",
        "TooFewReplicas": "Replicas",
        "Restarts": "RestartCount",
        "HighCpu": "UsageNanoCores",
        "HighMemory": "WorkingSetBytes",
    }
    assert condition(found["ServerErrors"])["dimensions"] == [
        {"name": "statusCodeCategory", "operator": "Include", "values": ["5xx"]}
    ]


@pytest.mark.parametrize(("minutes", "metric", "log"), [
    (1, "PT1M", "PT5M"), (2, "PT5M", "PT5M"), (5, "PT5M", "PT5M"), (6, "PT15M", "PT10M"),
    (10, "PT15M", "PT10M"), (15, "PT15M", "PT15M"), (16, "PT30M", "PT30M"), (31, "PT1H", "PT1H"), (60, "PT1H", "PT1H"),
])  # fmt: skip
def test_azure_looks_back_over_the_next_time_that_it_knows(
    changed: Changed, alerts: Alerts, minutes: int, metric: str, log: str
) -> None:
    """It takes no others, and lines of the log come with a delay."""
    folder = changed(lambda environment: environment["alarms"].update(latency_minutes=minutes))
    found = alerts(folder=folder)
    assert (found["SlowAnswers"]["windowSize"], found["HighLatency"]["windowSize"]) == (metric, log)


def test_without_lines_of_requests_no_alert_reads_them(changed: Changed, alerts: Alerts) -> None:
    """A share of the failed among the failed is all, and silence would be taken for an outage."""
    found = alerts(folder=changed(lambda environment: environment.update(log_level="WARNING")))
    assert set(found) == ON_METRICS | {"ErrorsLogged"}


def test_failures_of_a_remote_model_have_an_alert(changed: Changed, alerts: Alerts, environment: Environment) -> None:
    """By the names of its errors in the log."""
    found = alerts(folder=changed(remote))
    assert condition(found["ModelEndpointFailure"])["threshold"] == environment.alarms.model_failures
    assert 'tostring(line.error) startswith "Endpoint"' in condition(found["ModelEndpointFailure"])["query"]


def test_the_table_is_asked_for_by_rules_that_do_not_look_for_it_first(alerts: Alerts) -> None:
    """It comes into being with the first line, after the first deployment."""
    for alert in alerts().values():
        if "query" in condition(alert):
            assert alert["skipQueryValidation"] is True
            assert condition(alert)["query"].startswith(
                "ContainerAppConsoleLogs_CL\n"
                '| where ContainerAppName_s == "lead-scoring-api" and ContainerName_s == "api"\n'
            )


def test_queries_read_what_the_service_writes(changed: Changed, alerts: Alerts) -> None:
    """Every field of a line that they name is one of the log's events, and each ends with the figure that is compared."""
    fields = {field for event in EVENTS.values() for field in event.fields} | {"level", "event", "timestamp"}
    for symptom, alert in alerts(folder=changed(remote)).items():
        query = condition(alert).get("query", "")
        assert set(re.findall(r"\bline\.(\w+)", query)) <= fields, symptom
        if query:
            assert condition(alert)["metricMeasureColumn"] == "found"
            assert re.match(r"\| (summarize|extend) found = ", query.splitlines()[-1]), symptom


LINES: list[tuple[str, dict[str, Any]]] = [
    ("ready", {"event": "request", "level": "INFO", "path": "/health/ready", "status": 200, "duration_ms": 0.1}),
    ("fine", {"event": "request", "level": "INFO", "path": "/api/v1/score", "status": 200, "duration_ms": 5.0}),
    ("refused", {"event": "request", "level": "INFO", "path": "/api/v1/score", "status": 401, "duration_ms": 1.0}),
    ("failed", {"event": "request", "level": "ERROR", "path": "/api/v1/score", "status": 502, "duration_ms": 2500.0,
                "error": "EndpointTimeout"}),
    ("draining", {"event": "request", "level": "WARNING", "path": "/health/ready", "status": 503, "duration_ms": 0.1}),
    ("broken", {"event": "model fails", "level": "ERROR", "reason": "golden rows"}),
]  # fmt: skip
"""Lines as the service writes them."""

FOUND = {
    "HighErrorRate": {"failed"},
    "RequestsRefused": {"refused"},
    "ServiceDown": {"ready"},
    "ErrorsLogged": {"failed", "broken"},
    "ModelEndpointFailure": {"failed"},
}
"""Which of them each query counts."""

TESTS: tuple[tuple[str, Callable[[dict[str, Any], "re.Match[str]"], bool]], ...] = (
    (r'tostring\(line\.(\w+)\) == "([^"]*)"', lambda line, m: line.get(m[1], "") == m[2]),
    (r'tostring\(line\.(\w+)\) !startswith "([^"]*)"', lambda line, m: not line.get(m[1], "").startswith(m[2])),
    (r'tostring\(line\.(\w+)\) startswith "([^"]*)"', lambda line, m: line.get(m[1], "").startswith(m[2])),
    (r"toint\(line\.(\w+)\) == (\d+)", lambda line, m: line.get(m[1]) == int(m[2])),
    (r"toint\(line\.(\w+)\) >= (\d+)", lambda line, m: line.get(m[1], 0) >= int(m[2])),
    (r"toint\(line\.(\w+)\) between \((\d+) \.\. (\d+)\)", lambda line, m: int(m[2]) <= line.get(m[1], 0) <= int(m[3])),
)
"""The conditions that the queries use; one more is not understood, and fails."""


def holds(text: str, line: dict[str, Any]) -> bool:
    """Whether a line meets a condition."""
    for pattern, test in TESTS:
        if matched := re.fullmatch(pattern, text):
            return test(line, matched)
    raise AssertionError(f"not understood: {text}")


def counted(query: str, line: dict[str, Any]) -> bool:
    """Whether a query counts a line: every filter on what it says, and the count, let it through."""
    filters = [
        part for where in re.findall(r"^\| where (.*line\..*)$", query, re.MULTILINE) for part in where.split(" and ")
    ]
    filters += re.findall(r"countif\((.*?)\),", query)
    return all(holds(part, line) for part in filters)


@pytest.mark.parametrize("symptom", FOUND)
def test_queries_count_the_lines_that_they_are_about(changed: Changed, alerts: Alerts, symptom: str) -> None:
    """Health checks are no requests of clients, and only those that went well say that a replica is ready."""
    query = condition(alerts(folder=changed(remote))[symptom])["query"]
    assert {name for name, line in LINES if counted(query, line)} == FOUND[symptom]


def test_the_lines_above_have_the_fields_of_the_log() -> None:
    """What they leave out is not asked for."""
    for _, line in LINES:
        event = EVENTS[line["event"]]
        assert set(line) - {"event", "level"} <= set(event.fields)


def test_nobody_is_told_unless_somebody_is_named(only: Callable[..., dict[str, Any]]) -> None:
    """By a mail, in the form that all of Azure's alarms have."""
    assert only("foundation", "actionGroup")["properties"]["emailReceivers"] == []
    group = only("foundation", "actionGroup", alarmEmail="ops@example.com")["properties"]
    (receiver,) = group["emailReceivers"]
    assert (receiver["emailAddress"], receiver["useCommonAlertSchema"]) == ("ops@example.com", True)
    assert len(group["groupShortName"]) <= 12  # Azure's own limit


def test_the_deployment_guide_names_every_alert(changed: Changed, alerts: Alerts) -> None:
    """And none that is not made."""
    page = (ROOT / "docs" / "DEPLOYMENT.md").read_text("utf-8")
    section = page.partition("\n## Azure\n")[2].partition("\n## ")[0]
    folder = changed(remote)
    found = {
        f"lead-scoring-{symptom}" for template in ("service", "model") for symptom in alerts(template, folder=folder)
    }
    assert set(re.findall(r"`(lead-scoring-[A-Z]\w+)`", section)) == found


def test_names_stand_in_one_file() -> None:
    """Which the templates, the script and the tests of documents read."""
    names = json.loads((TEMPLATES / "names.json").read_bytes())
    script = (TEMPLATES.parents[1] / "scripts" / "deploy-azure.sh").read_text("utf-8")
    for name in ("repository", "apiKeys", "modelKey", "deployment", "vaultPrefix"):
        assert names[name] in script, name
