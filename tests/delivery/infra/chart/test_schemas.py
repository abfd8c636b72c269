"""Everything that the chart can make is what Kubernetes and the Prometheus Operator publish as allowed."""

import json
from pathlib import Path
from typing import Any

import helm_python as helm
import kubernetes_validate
import pytest
import yaml
from cloudcoil.models.prometheus_operator import v1 as operator
from infra.kubernetes.values import CHART

from leadscoring.settings import TABLE, read_settings

from .conftest import KEYS, Chart, Manifest, Release, opened

OLDEST = yaml.safe_load((CHART / "Chart.yaml").read_text("utf-8"))["kubeVersion"].removeprefix(">=").removesuffix("-0")
VERSIONS = (OLDEST, kubernetes_validate.latest_version())

OPERATOR: dict[str, Any] = {"serviceMonitor": {"enabled": True}, "prometheusRule": {"enabled": True}}

OPTIONS: dict[str, dict[str, Any]] = {
    "as it is": {},
    "names": {"fullnameOverride": "scores", "image": {"digest": "sha256:" + "0" * 64, "pullSecrets": [{"name": "registry"}]}},
    "keys of its own": {"apiKeys": {"existingSecret": "", "value": "ours"}},
    "key file": {"apiKeys": {"existingSecret": ""}, "keyFile": {"existingSecret": "key-file"}},
    "ledger": {
        "ledger": {"existingSecret": "ledger", "to": [{"podSelector": {}}], "tapeMebibytes": 4096},
        "overrides": {"settings": {"LEDGER_DAYS": 365}},
    },
    "model of a claim": {"model": {"claim": "models", "file": "mine.ubj"}},
    "model of a config map": {"model": {"configMap": "model"}},
    "model on SageMaker": {
        "overrides": {"settings": {"MODEL_ENDPOINT_PROVIDER": "sagemaker", "SAGEMAKER_ENDPOINT_NAME": "leads"}},
        "serviceAccount": {"annotations": {"eks.amazonaws.com/role-arn": "arn:aws:iam::123456789012:role/leads"}},
    },
    "model on Azure ML": {
        "overrides": {"settings": {"MODEL_ENDPOINT_PROVIDER": "azure", "AZURE_ML_ENDPOINT_URL": "https://leads.example.com/score"}},
        "azureMlKey": {"existingSecret": "azure"},
        "podLabels": {"azure.workload.identity/use": "true"},
    },
    "traces": {
        "overrides": {"settings": {"OTEL_TRACES": "on"}},
        "extraEnv": [{"name": "OTEL_EXPORTER_OTLP_ENDPOINT", "value": "http://collector.traces:4318"}],
        "networkPolicy": {"extraEgress": [{"ports": [{"port": 4318}], "to": [{"namespaceSelector": {"matchLabels": {"a": "b"}}}]}]},
    },
    "account that is there": {"serviceAccount": {"create": False, "name": "others"}},
    "balancer of a cloud": {"service": {"type": "LoadBalancer", "port": 8080, "annotations": {"a": "b"}}},
    "ingress": {"ingress": {"enabled": True, "className": "nginx", "host": "leads.example.com", "tlsSecret": "tls", "annotations": {"a": "b"}}},
    "fixed number": {"autoscaling": {"enabled": False}},
    "scaling by requests": {"autoscaling": {"requestsMetric": "http_requests_per_second"}},
    "known clients": {"networkPolicy": {"from": [{"podSelector": {"matchLabels": {"app": "crm"}}}], "dns": []}},
    "no network policy": {"networkPolicy": {"enabled": False}},
    "one port": {"overrides": {"settings": {"OPERATIONS_ACCESS": "open"}}},
    "operator": OPERATOR | {"prometheusRule": {"enabled": True, "labels": {"release": "prometheus"}, "runbooks": "https://wiki.example.com/runbooks"}},
    "places": {
        "nodeSelector": {"disk": "fast"}, "priorityClassName": "high", "podAnnotations": {"a": "b"},
        "tolerations": [{"key": "scoring", "operator": "Exists"}],
        "affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [{"matchExpressions": [{"key": "gpu", "operator": "DoesNotExist"}]}]}}},
    },
}  # fmt: skip
"""Values by what they are for."""

NEW: dict[str, dict[str, Any]] = {"model of an image": {"model": {"image": "registry.example.com/models/leads:1"}}}
"""What only newer clusters can."""


SOUND: set[tuple[str, str]] = set()
"""Manifests that were checked, with the version: most options change one of them, and a check takes long."""


def check(manifest: Manifest, version: str) -> None:
    """Raises for a field that is unknown, missing or of another type."""
    seen = (json.dumps(manifest), version)
    if seen not in SOUND:
        check_anew(manifest, version)
        SOUND.add(seen)


def check_anew(manifest: Manifest, version: str) -> None:
    """The same, however often."""
    if manifest["apiVersion"] == "monitoring.coreos.com/v1":
        read = getattr(operator, manifest["kind"]).model_validate(manifest)
        # The types overlook a field that they do not know: it is then missing from what they write again.
        assert read.model_dump(mode="json", by_alias=True, exclude_unset=True) == manifest
    else:
        kubernetes_validate.validate(manifest, version, strict=True)


@pytest.fixture(scope="module", params=OPTIONS)
def option(request: pytest.FixtureRequest) -> str:
    """Each of them, by what it is for."""
    return str(request.param)


@pytest.fixture(scope="module")
def made(chart: Chart, option: str) -> dict[str, Release]:
    """What an option makes of each environment; rendered once for all that is asked of it."""
    return {name: chart.render(name, **OPTIONS[option]) for name in ("dev", "prod")}


@pytest.mark.parametrize("version", VERSIONS)
def test_every_manifest_keeps_to_the_published_schema(made: dict[str, Release], name: str, version: str) -> None:
    """With the oldest Kubernetes that the chart allows, and with the newest, strictly."""
    for manifest in made[name].manifests:
        check(manifest, version)


def test_a_model_out_of_an_image_keeps_to_the_newest_schema(chart: Chart) -> None:
    """Older ones do not know such a volume, and say so."""
    release = chart.render(**NEW["model of an image"])
    for manifest in release.manifests:
        check(manifest, VERSIONS[1])
    with pytest.raises(kubernetes_validate.ValidationError, match="image"):
        check(release.one("Deployment"), VERSIONS[0])


def test_the_service_takes_what_the_container_is_told(made: dict[str, Release], name: str, option: str) -> None:
    """By its own table and relations; what it does not know is only what an option adds on purpose."""
    release = made[name]
    added = {each["name"] for each in OPTIONS[option].get("extraEnv", [])}
    told = release.environ.keys() | release.secrets.keys()
    assert told - added <= {row.name for row in TABLE}
    secret = dict.fromkeys(release.secrets, "out-of-a-secret")
    url = {"LEDGER": "postgresql://a:b@c/d"} if "LEDGER" in secret else {}
    read_settings(release.environ | secret | url)


def test_every_value_is_tried() -> None:
    """Each that the chart has is given in one option at least."""
    with helm.Chart.load(CHART) as chart:
        values = set(chart.values)
    given = {name for option in OPTIONS.values() for name in option} | set(KEYS) | {"environment"}
    assert given == values


@pytest.mark.parametrize("break_it", [
    lambda spec: spec.update(replica=3),
    lambda spec: spec["template"]["spec"]["containers"][0].update(livenesProbe={}),
    lambda spec: spec["template"]["spec"]["containers"][0]["ports"][0].update(containerPort="http"),
])  # fmt: skip
def test_a_manifest_that_is_wrong_would_be_found(chart: Chart, break_it: Any) -> None:
    """Or the tests above would hold nothing."""
    deployment = chart.render().one("Deployment")
    break_it(deployment["spec"])
    with pytest.raises(kubernetes_validate.ValidationError):
        check(deployment, VERSIONS[1])


@pytest.mark.parametrize("kind", ["ServiceMonitor", "PrometheusRule"])
def test_a_resource_of_the_operator_that_is_wrong_would_be_found(chart: Chart, kind: str) -> None:
    """The same, for a field that nobody knows."""
    manifest = chart.render(**OPERATOR).one(kind)
    manifest["spec"]["intervall"] = "15s"
    with pytest.raises(AssertionError):
        check(manifest, VERSIONS[1])


def test_helm_finds_nothing_to_object_to(option: str) -> None:
    """`helm lint --strict`, but for the picture that a chart may have."""
    given = (KEYS if "apiKeys" not in OPTIONS[option] else {}) | OPTIONS[option]
    report = helm.lint(CHART, given, strict=True)
    assert [each for each in report["messages"] if "icon is recommended" not in str(each)] == []


def test_the_packaged_chart_makes_the_same(chart: Chart, tmp_path: Path) -> None:
    """What is linked is packed with it, so that it needs no clone."""
    packed = opened(Path(helm.package(CHART, destination=tmp_path)))
    assert packed.render(**OPERATOR).texts == chart.render(**OPERATOR).texts


def test_names_are_those_of_the_release(chart: Chart) -> None:
    """Two releases in one namespace do not get into each other's way, and no resource names a namespace of its own."""
    one, two = (chart.render(release=release, **OPERATOR) for release in ("lead-scoring", "second"))
    names = [{(each["kind"], each["metadata"]["name"]) for each in release.manifests} for release in (one, two)]
    assert not names[0] & names[1]
    assert all(name.startswith("second-lead-scoring") for _, name in names[1])
    assert not [each for each in one.manifests + two.manifests if "namespace" in each["metadata"]]
