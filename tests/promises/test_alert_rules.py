"""Every alert is complete, has its runbook and tests of both kinds, and asks only for metrics that the service has."""

import re
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from monitoring import ALERTS, NAMES, PROMETHEUS, RULE_FILES, RULE_TESTS, RULES, run
from pages import anchors, text_of
from programs import program
from queries import METRICS, RECORDED, asked_for, matchers

from leadscoring.api.routes import PATHS, TIMED
from leadscoring.telemetry.metrics import declared, error_types
from leadscoring.transport.failures import STATUS

GUIDE = "docs/MONITORING.md"
BY_NAME = [pytest.param(rule, id=f"{rule['alert']}-{rule['labels']['severity']}-{rule['for']}") for rule in ALERTS]
DEMANDED = {
    "HighErrorRate", "ServiceDown", "HighLatency", "ModelSlow", "ModelEndpointFailure", "ModelBreakerOpen",
    "ModelFallbackInUse", "NotReady", "Overloaded", "HighCPU", "HighMemory", "LowDisk", "DemoKeyInProduction",
    "ApiKeyExpiresSoon", "NoTraffic", "AvailabilityBurnRate", "LatencyBurnRate", "ModelDrift", "ScoreDistributionShift",
    "UnseenCategories",
}  # fmt: skip
"""What operators were promised to be woken or told by."""

LOAD = {"Overloaded", "DeadlineExceeded"}
"""Errors that the service answers with 503, but that say nothing of its model."""


def test_every_alert_that_was_promised_is_there() -> None:
    """By its name."""
    assert set(NAMES) >= DEMANDED


@pytest.mark.parametrize("rule", BY_NAME)
def test_an_alert_says_how_long_how_bad_what_and_where_to_read_on(rule: dict[str, Any]) -> None:
    """Its description has a value, and its runbook is found by its name."""
    name = rule["alert"]
    assert re.fullmatch(r"[1-9]\d*[mh]", rule["for"])
    assert rule["labels"]["severity"] in ("critical", "warning")
    said = rule["annotations"]
    assert set(said) == {"summary", "description", "runbook_url"}
    assert "$value" in said["description"]
    assert said["runbook_url"] == "{{ $externalLabels.runbooks }}#" + name.lower()
    assert name.lower() in anchors(text_of(GUIDE))


@pytest.mark.parametrize("name", NAMES)
def test_a_runbook_has_its_four_parts_and_a_command(name: str) -> None:
    """In the order in which they are read at night."""
    found = re.search(rf"^### {name}\n(.*?)(?=^##)", text_of(GUIDE) + "##", re.DOTALL | re.MULTILINE)
    assert found
    assert re.findall(r"^\*\*(\w+)\.\*\*", found[1], re.MULTILINE) == ["Meaning", "Impact", "Diagnosis", "Mitigation"]
    assert "```bash" in found[1]


def test_the_page_that_prometheus_shows_is_the_guide() -> None:
    """Nobody has to remember `make docs`; each heading has the anchor that links name, and nothing is fetched."""
    checked = run(sys.executable, "scripts/docs/render_runbooks.py", "--check")
    assert (checked.returncode, checked.stdout) == (0, ""), checked.stderr
    shown = (PROMETHEUS / "pages" / "runbooks.html").read_text("utf-8")
    assert set(re.findall(r'<h\d id="([^"]+)"', shown)) == anchors(text_of(GUIDE))
    assert {name.lower() for name in NAMES} <= anchors(text_of(GUIDE))
    links = set(re.findall(r'(?:href|src)="([^"]*)"', shown))
    assert {f"#{name.lower()}" for name in NAMES} <= links
    assert all(link[0] == "#" and link[1:] in anchors(text_of(GUIDE)) for link in links)


def test_no_runbook_is_left_of_an_alert_that_is_gone() -> None:
    """Each belongs to an alert."""
    chapter = text_of(GUIDE).partition("\n## Runbooks\n")[2]
    assert re.findall(r"^### (.*)$", chapter, re.MULTILINE) == list(dict.fromkeys(rule["alert"] for rule in ALERTS))


def test_the_link_to_runbooks_is_set_in_one_place() -> None:
    """Out of the box it is a page of Prometheus' own; and it is no label of an alert that is sent."""
    config = yaml.safe_load((PROMETHEUS / "prometheus.yml").read_text("utf-8"))
    path = config["global"]["external_labels"]["runbooks"].removeprefix("http://localhost:9090/user/")
    assert (PROMETHEUS / "pages" / path).is_file()
    assert config["alerting"]["alert_relabel_configs"] == [{"action": "labeldrop", "regex": "runbooks"}]


@pytest.mark.parametrize("rule", [pytest.param(rule, id=rule.get("record") or rule["alert"]) for rule in RULES])
def test_every_metric_that_a_rule_asks_for_exists(rule: dict[str, Any]) -> None:
    """In the service, or as another rule records it; and it is asked of our job alone."""
    asked = asked_for(rule["expr"])
    assert asked
    assert asked <= METRICS.keys() | RECORDED | {"up"}
    for name in asked & (METRICS.keys() | {"up"}):
        found = re.findall(rf"\b{name}\b(\{{[^}}]*\}})?", rule["expr"])
        assert all('job="lead-scoring"' in selector for selector in found), name


@pytest.mark.parametrize("rule", [pytest.param(rule, id=rule.get("record") or rule["alert"]) for rule in RULES])
def test_every_label_that_a_rule_asks_for_exists(rule: dict[str, Any]) -> None:
    """And one that must be equal to something can be."""
    for name, label, operator, value in matchers(rule["expr"]):
        family = METRICS.get(name)
        if label in ("job", "instance") or family is None:
            continue
        if label == "le":
            assert float(value) in family.buckets, (name, value)
            continue
        assert label in family.labels, (name, label)
        known = declared(("/api/v1/score", "/api/v1/score/batch", "/health/ready"), "azure", "production")
        values = next(each for each in known if each.name == family.name).labels[label]
        if operator == "=":
            assert value in values
        if operator == "=~":
            assert any(re.fullmatch(value, each) for each in values), (name, label, value)


def test_failures_of_the_model_are_all_errors_but_those_of_clients_and_of_load() -> None:
    """Whatever kind of error is added, its status says to which it belongs."""
    rule = next(rule for rule in RULES if rule.get("record") == "job_endpoint_provider:model_failures:rate5m")
    excluded = next(value for _, label, _, value in matchers(rule["expr"]) if label == "error_type").split("|")
    assert set(excluded) <= set(error_types())
    for kind, (status, *_) in STATUS.items():
        counts = status >= 500 and kind.__name__ not in LOAD
        assert (kind.__name__ not in excluded) == counts, kind


def test_what_the_objectives_divide_is_shown_before_anything_happens() -> None:
    """A series that begins with its first failure hides it; one that begins with its first success hides that."""
    families = declared(PATHS, "local", timed=TIMED)
    shown = next(family.shown for family in families if family.name == "http_requests")
    for route in ("/api/v1/score", "/api/v1/score/batch"):
        for status in ("200", "500", "502", "503", "504"):
            assert ("POST", route, status) in shown


def test_burn_rates_are_those_of_the_workbook() -> None:
    """Long window, short window, factor: the same pairs for both objectives."""
    pairs = [
        ("1h", "5m", 14.4, "critical"),
        ("6h", "30m", 6.0, "critical"),
        ("1d", "2h", 3.0, "warning"),
        ("3d", "6h", 1.0, "warning"),
    ]
    for name, record, budget in (("AvailabilityBurnRate", "failures", "0.001"), ("LatencyBurnRate", "slow", "0.01")):
        found = []
        for rule in (rule for rule in ALERTS if rule["alert"] == name):
            limits = re.findall(rf"job:scoring_{record}:ratio_rate(\w+) > ([\d.]+) \* ([\d.]+)", rule["expr"])
            (long, factor, one), (short, same, other) = limits
            assert (factor, one, other) == (same, budget, budget)
            assert rule["labels"]["window"] == long
            found.append((long, short, float(factor), rule["labels"]["severity"]))
        assert found == pairs


@pytest.mark.parametrize("name", NAMES)
def test_an_alert_is_tested_when_it_fires_and_when_it_does_not(name: str) -> None:
    """At least one case of each, and for each severity that it has."""
    fires, quiet = set(), 0
    for path in RULE_TESTS:
        for case in yaml.safe_load(path.read_text("utf-8"))["tests"]:
            checks = [check for check in case["alert_rule_test"] if check["alertname"] == name]
            fired = [alert["exp_labels"] for check in checks for alert in check["exp_alerts"]]
            fires |= {(labels["severity"], labels.get("window")) for labels in fired}
            quiet += bool(checks) and not fired
    wanted = {(rule["labels"]["severity"], rule["labels"].get("window")) for rule in ALERTS if rule["alert"] == name}
    assert fires == wanted
    assert quiet


@pytest.mark.timeout(400)
@pytest.mark.parametrize("path", RULE_TESTS, ids=[path.stem for path in RULE_TESTS])
def test_the_rules_do_what_their_tests_say(path: Path) -> None:
    """By Prometheus' own reading of them; days of series take seconds, and longer on a busy machine."""
    ran = run(program("promtool"), "test", "rules", str(path))
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_prometheus_takes_its_configuration() -> None:
    """And finds every file of rules by it."""
    promtool = program("promtool")
    ran = run(promtool, "check", "config", str(PROMETHEUS / "prometheus.yml"))
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert f"{len(RULE_FILES)} rule files found" in ran.stdout
    ran = run(promtool, "check", "rules", "--lint=all", "--lint-fatal", *map(str, RULE_FILES))
    assert ran.returncode == 0, ran.stdout + ran.stderr
