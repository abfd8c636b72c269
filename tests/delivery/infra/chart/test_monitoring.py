"""The Prometheus Operator finds every replica, under the name that the rules know, and gets every rule."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from monitoring import PROMETHEUS, RULES, run
from programs import program

from .conftest import Chart, Manifest, Release

ON: dict[str, Any] = {"serviceMonitor": {"enabled": True}, "prometheusRule": {"enabled": True}}
LINK = "{{ $externalLabels.runbooks }}"


@pytest.fixture
def watched(chart: Chart, name: str) -> Release:
    """A release where the operator is installed."""
    return chart.render(name, **ON)


def found_by(release: Release) -> Manifest:
    """The one Service that the monitor selects."""
    labels = release.one("ServiceMonitor")["spec"]["selector"]["matchLabels"]
    (service,) = (
        each
        for each in release.manifests
        if each["kind"] == "Service" and labels.items() <= each["metadata"]["labels"].items()
    )
    return service


def test_the_monitor_asks_a_port_that_is_there(watched: Release) -> None:
    """Of the Service that it selects, and through it of every replica; at the path that Prometheus asks elsewhere."""
    (endpoint,) = watched.one("ServiceMonitor")["spec"]["endpoints"]
    (port,) = found_by(watched)["spec"]["ports"]
    assert endpoint["port"] == port["name"]
    assert port["targetPort"] in [each["name"] for each in watched.container["ports"]]
    config = yaml.safe_load((PROMETHEUS / "prometheus.yml").read_text("utf-8"))
    (job,) = (each for each in config["scrape_configs"] if each["job_name"] == "lead-scoring")
    assert endpoint["path"] == job["metrics_path"]
    assert endpoint["interval"] == config["global"]["scrape_interval"]
    assert endpoint["scrapeTimeout"] == config["global"]["scrape_timeout"]


@pytest.mark.parametrize("release", ["lead-scoring", "second"])
def test_the_job_is_the_one_that_the_rules_know(chart: Chart, release: str) -> None:
    """Whatever the release is called."""
    made = chart.render("prod", release, **ON)
    label = made.only("ServiceMonitor")["spec"]["jobLabel"]
    services = [each for each in made.manifests if each["kind"] == "Service"]
    assert {each["metadata"]["labels"][label] for each in services} == {"lead-scoring"}
    assert {job for rule in RULES for job in re.findall(r'job="([^"]*)"', rule["expr"])} == {"lead-scoring"}


def test_replicas_that_are_not_ready_are_watched_too(watched: Release) -> None:
    """Or the alert on them could not fire."""
    assert found_by(watched)["spec"]["publishNotReadyAddresses"] is True


def rules_in(release: Release) -> list[dict[str, Any]]:
    """Every rule that the operator gets, in order."""
    return [rule for group in release.only("PrometheusRule")["spec"]["groups"] for rule in group["rules"]]


def test_the_operator_gets_every_rule_as_it_is(watched: Release) -> None:
    """Under the same groups."""
    assert rules_in(watched) == RULES


def test_the_link_to_runbooks_can_be_set(chart: Chart) -> None:
    """Where Prometheus has no external label for it; nothing else of a rule changes."""
    wiki = "https://wiki.example.com/monitoring"
    made = rules_in(chart.render(**ON | {"prometheusRule": {"enabled": True, "runbooks": wiki}}))
    assert [rule["annotations"]["runbook_url"] for rule in made if "alert" in rule] == [
        rule["annotations"]["runbook_url"].replace(LINK, wiki) for rule in RULES if "alert" in rule
    ]
    assert [rule["expr"] for rule in made] == [rule["expr"] for rule in RULES]
    assert LINK not in str(made)


def test_prometheus_takes_the_rules(watched: Release, tmp_path: Path) -> None:
    """As the operator hands them on."""
    file = tmp_path / "rules.yml"
    file.write_text(yaml.safe_dump({"groups": watched.one("PrometheusRule")["spec"]["groups"]}))
    ran = run(program("promtool"), "check", "rules", "--lint=all", "--lint-fatal", str(file))
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert f"{len(RULES)} rules found" in ran.stdout


def test_nothing_is_for_the_operator_where_it_is_not_installed(release: Release) -> None:
    """Such resources would stop the installation."""
    assert not {"ServiceMonitor", "PrometheusRule"} & release.kinds()
