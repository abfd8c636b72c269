"""What could not be run, or would be open to everyone, is refused by Helm itself before anything is there."""

import shutil
from pathlib import Path
from typing import Any

import helm_python as helm
import pytest
from infra.kubernetes.values import CHART

from leadscoring.settings import DEMO_KEY

from .conftest import Chart, opened

MISSPELT: list[tuple[dict[str, Any], str]] = [
    ({"overides": {}}, "'overides' not allowed"),
    ({"overrides": {"min_replica": 3}}, "'min_replica' not allowed"),
    ({"overrides": {"probe": {"interval": 3}}}, "'interval' not allowed"),
    ({"overrides": {"alarms": {"latency_ms": 3}}}, "'alarms' not allowed"),
    ({"overrides": {"settings": {"WORKER": 3}}}, "'WORKER' not allowed"),
    ({"overrides": {"settings": {"API_KEYS": "ours"}}}, "'API_KEYS' not allowed"),
    ({"overrides": {"settings": {"MODEL_PATH": "model.json"}}}, "'MODEL_PATH' not allowed"),
    ({"overrides": {"settings": {"WORKERS": [2]}}}, "/overrides/settings/WORKERS"),
    ({"overrides": {"min_replicas": "three"}}, "/overrides/min_replicas"),
    ({"overrides": {"cpu_millicores": 1500}}, "/overrides/cpu_millicores"),
    ({"overrides": {"log_level": "LOUD"}}, "/overrides/log_level"),
    ({"image": {"name": "leads"}}, "'name' not allowed"),
    ({"image": {"digest": "latest"}}, "/image/digest"),
    ({"apiKeys": {"existingSecrets": "keys"}}, "'existingSecrets' not allowed"),
    ({"keyFile": {"key": "../keys.json"}}, "/keyFile/key"),
    ({"service": {"type": "Balancer"}}, "/service/type"),
    ({"overrides": {"settings": {"LEDGER": "on"}}}, "'LEDGER' not allowed"),
    ({"overrides": {"settings": {"LEDGER_TAPE_PATH": "data"}}}, "'LEDGER_TAPE_PATH' not allowed"),
    ({"ledger": {"url": "postgresql://a:b@c/d"}}, "'url' not allowed"),
    ({"ledger": {"tapeMebibytes": 31}}, "/ledger/tapeMebibytes"),
    ({"serviceMonitor": {"enabled": "yes"}}, "/serviceMonitor/enabled"),
    ({"networkPolicy": {"monitoringNamespace": ""}}, "/networkPolicy/monitoringNamespace"),
    ({"podLabels": {"a": 1}}, "/podLabels/a"),
]


@pytest.mark.parametrize(("values", "said"), MISSPELT, ids=[said for _, said in MISSPELT])
def test_helm_refuses_a_value_that_is_misspelt_or_out_of_range(chart: Chart, values: dict[str, Any], said: str) -> None:
    """With the place of it, when it renders and when it installs."""
    with pytest.raises(helm.HelmValuesError, match=said):
        chart.render(**values)


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"apiKeys": {"existingSecret": ""}}, "a key is required"),
    ({"apiKeys": {"existingSecret": "", "value": DEMO_KEY}}, "the demo key, which is public"),
    ({"apiKeys": {"existingSecret": "", "value": f"ours, {DEMO_KEY}"}}, "the demo key, which is public"),
    ({"apiKeys": {"existingSecret": "", "value": " , "}}, "must contain a key"),
    ({"apiKeys": {"value": "ours"}}, "only one of apiKeys.existingSecret and apiKeys.value"),
    ({"extraEnv": [{"name": "API_KEYS", "value": DEMO_KEY}]}, "the demo key, which is public"),
    ({"overrides": {"settings": {"MODEL_VERSION": DEMO_KEY}}}, "the demo key, which is public"),
    ({"overrides": {"min_replicas": 11}}, "min_replicas must be at most max_replicas, not 11 and 10"),
    ({"overrides": {"ending": {"stop_seconds": 25}}}, "stop_seconds must be greater than"),
    ({"overrides": {"settings": {"DRAIN_SECONDS": 25}}}, "stop_seconds must be greater than"),
    ({"overrides": {"cpu_millicores": 500}}, "WORKERS must be cpu_millicores / 1000"),
    ({"overrides": {"settings": {"ENDPOINT_PROTOCOLS": "v2,SageMaker"}}}, "scores without a key"),
    ({"ledger": {"existingSecret": "a"}, "overrides": {"ending": {"stop_seconds": 35}}}, "or the tape is lost"),
    ({"ledger": {"existingSecret": "a", "tapeMebibytes": 32}}, "at least 32 for each of WORKERS"),
    ({"overrides": {"settings": {"LEDGER_DAYS": 30}}}, "LEDGER_DAYS has no effect without ledger.existingSecret"),
    ({"model": {"claim": "a", "image": "b"}}, "only one of model.claim, model.configMap and model.image"),
    ({"ingress": {"enabled": True}}, "ingress.host is required"),
    ({"serviceMonitor": {"enabled": True}, "overrides": {"settings": {"OPERATIONS_ACCESS": "key"}}}, "no X-API-Key"),
]


@pytest.mark.parametrize(("values", "said"), REFUSED, ids=[f"{said}-{n}" for n, (_, said) in enumerate(REFUSED)])
def test_what_does_not_go_together_is_refused(chart: Chart, values: dict[str, Any], said: str) -> None:
    """With what is allowed, and without showing a key."""
    with pytest.raises(helm.HelmRenderError, match=said) as refused:
        chart.render(**values)
    assert DEMO_KEY not in str(refused.value)
    assert "ours" not in str(refused.value)


def test_an_environment_that_is_not_there_is_refused_with_those_that_are(chart: Chart) -> None:
    """A typing error must not deploy another one; what the file has beside environments is none."""
    for name in ("staging", "$schema"):
        with pytest.raises(helm.HelmRenderError, match="must be one of dev, prod"):
            chart.render(name)


@pytest.mark.parametrize(("link", "said"), [
    ("environments.json", "checked out or packaged without symbolic links"),
    ("rules", "checked out or packaged without symbolic links"),
])  # fmt: skip
def test_a_chart_whose_links_are_lost_says_so(tmp_path: Path, link: str, said: str) -> None:
    """Where Git makes no links, it writes a file with the path in it."""
    folder = shutil.copytree(CHART, tmp_path / "lead-scoring")
    place = folder / "files" / link
    shutil.rmtree(place) if place.is_dir() else place.unlink()
    place.write_text(f"../../../../{link}")
    with pytest.raises(helm.HelmRenderError, match=said):
        opened(folder).render(prometheusRule={"enabled": True})
