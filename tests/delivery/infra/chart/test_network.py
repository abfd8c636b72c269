"""Who reaches the replicas, and whom they reach."""

from typing import Any

import pytest
from infra.environments import Environment

from .conftest import RELEASE, Chart, Manifest, Release

MONITORING = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}}
HTTPS = {"ports": [{"port": 443}]}

REMOTE: dict[str, dict[str, Any]] = {
    "sagemaker": {"MODEL_ENDPOINT_PROVIDER": "sagemaker", "SAGEMAKER_ENDPOINT_NAME": "leads"},
    "azure": {"MODEL_ENDPOINT_PROVIDER": "Azure", "AZURE_ML_ENDPOINT_URL": "https://leads.example.com/score"},
}


def policy(release: Release) -> Manifest:
    """The one policy."""
    found: Manifest = release.one("NetworkPolicy")["spec"]
    assert found["policyTypes"] == ["Ingress", "Egress"]
    return found


def allowed(rules: list[dict[str, Any]], port: int) -> list[Any]:
    """Who reaches a port, by the rules that name it; `None` is everyone."""
    return [rule.get("from") for rule in rules if port in [each["port"] for each in rule["ports"]]]


def test_everyone_may_ask_for_scores_and_monitoring_alone_for_metrics(
    release: Release, environment: Environment
) -> None:
    """Every rule names its port, so that none opens another."""
    ingress = policy(release)["ingress"]
    assert allowed(ingress, environment.port) == [None]
    assert allowed(ingress, int(environment.settings["OPERATIONS_PORT"])) == [[MONITORING]]
    assert len(ingress) == 2


def test_clients_can_be_named(chart: Chart) -> None:
    """Then nobody else reaches the API; metrics stay with monitoring."""
    crm = {"podSelector": {"matchLabels": {"app": "crm"}}}
    ingress = policy(chart.render(networkPolicy={"from": [crm], "monitoringNamespace": "watch"}))["ingress"]
    assert allowed(ingress, 8000) == [[crm]]
    assert allowed(ingress, 8001) == [
        [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "watch"}}}]
    ]


def test_monitoring_reaches_metrics_where_they_are_on_the_port_of_the_api(chart: Chart) -> None:
    """Beside the clients that are named."""
    crm = {"podSelector": {"matchLabels": {"app": "crm"}}}
    settings = {"settings": {"OPERATIONS_ACCESS": "open"}}
    ingress = policy(chart.render(overrides=settings, networkPolicy={"from": [crm]}))["ingress"]
    assert allowed(ingress, 8000) == [[crm], [MONITORING]]


def test_with_a_local_model_replicas_ask_for_names_and_nothing_else(release: Release) -> None:
    """Of the name servers of the cluster."""
    (names,) = policy(release)["egress"]
    assert names["ports"] == [{"port": 53, "protocol": "UDP"}, {"port": 53, "protocol": "TCP"}]
    assert names["to"] == [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}}}]


@pytest.mark.parametrize("provider", REMOTE)
def test_with_a_remote_model_they_reach_it_by_https(chart: Chart, provider: str) -> None:
    """At whatever address its name leads to."""
    names, https = policy(chart.render(overrides={"settings": REMOTE[provider]}))["egress"]
    assert names["ports"][0]["port"] == 53
    assert https == HTTPS


def test_other_ways_out_are_named(chart: Chart) -> None:
    """Such as the one to a collector of traces."""
    way = {"ports": [{"port": 4318}], "to": [{"namespaceSelector": {"matchLabels": {"team": "traces"}}}]}
    assert policy(chart.render(networkPolicy={"extraEgress": [way]}))["egress"][1:] == [way]


def test_a_cluster_without_policies_needs_none(chart: Chart) -> None:
    """Then there is no word of it."""
    release = chart.render(networkPolicy={"enabled": False})
    assert "NetworkPolicy" not in release.kinds()
    assert "alone" not in release.notes
    assert release.one("Deployment")["metadata"]["name"] == RELEASE
