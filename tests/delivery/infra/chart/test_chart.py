"""What comes into being has the sizes of the environment, ends without losing a request, and may do as little as it can."""

import re
from typing import Any

import pytest
import yaml
from infra.environments import Environment
from project import ROOT

from leadscoring.settings import TABLE, read_settings

from .conftest import KEYS, RELEASE, Chart, Release

DOCKERFILE = (ROOT / "Dockerfile").read_text("utf-8")
NAMES = {row.name for row in TABLE}


def test_the_container_is_told_what_the_environment_says(release: Release, environment: Environment) -> None:
    """Every setting, and no other."""
    assert release.environ == environment.environ()


def test_every_variable_is_a_setting_of_the_service(release: Release) -> None:
    """The secret ones too, which come from Secrets."""
    assert release.environ.keys() | release.secrets.keys() <= NAMES
    assert {row.name for row in TABLE if row.secret} & release.environ.keys() == set()
    assert release.secrets == {"API_KEYS": ("lead-scoring-keys", "API_KEYS")}


def test_ports_are_those_that_the_service_listens_on(release: Release, environment: Environment) -> None:
    """By name, so that a Service and the probes mean the same."""
    settings = read_settings(release.environ | {"API_KEYS": "any"})
    ports = {port["name"]: port["containerPort"] for port in release.container["ports"]}
    assert ports == {"http": settings.port, "operations": settings.operations_port}
    assert environment.port == settings.port


def test_probes_ask_the_paths_of_the_environment_as_often_as_it_says(
    release: Release, environment: Environment
) -> None:
    """Restarting follows from being dead alone, never from being unready."""
    probe, container = environment.probe, release.container
    asked = {kind: (container[kind]["httpGet"]["path"], container[kind]["httpGet"]["port"])
             for kind in ("startupProbe", "livenessProbe", "readinessProbe")}  # fmt: skip
    assert asked == {
        "startupProbe": (probe.live_path, "http"),
        "livenessProbe": (probe.live_path, "http"),
        "readinessProbe": (probe.ready_path, "http"),
    }
    assert (probe.live_path, probe.ready_path) == ("/health/live", "/health/ready")
    start = container["startupProbe"]
    assert start["periodSeconds"] * start["failureThreshold"] == probe.start_seconds
    for kind in ("livenessProbe", "readinessProbe"):
        assert container[kind]["periodSeconds"] == probe.interval_seconds
        assert container[kind]["timeoutSeconds"] == probe.timeout_seconds
        assert container[kind]["failureThreshold"] == probe.unhealthy_count
    assert container["readinessProbe"]["successThreshold"] == probe.healthy_count


def test_a_replica_is_killed_only_after_its_last_answer(release: Release, environment: Environment) -> None:
    """Draining and answering together take less than Kubernetes waits."""
    settings = read_settings(release.environ | {"API_KEYS": "any"})
    grace = release.pod["spec"]["terminationGracePeriodSeconds"]
    assert grace == environment.ending.stop_seconds
    assert grace > settings.drain_seconds + settings.shutdown_seconds


def test_an_update_takes_no_replica_away_before_another_is_ready(release: Release) -> None:
    """And machines are emptied one replica at a time."""
    spec = release.one("Deployment")["spec"]
    assert spec["strategy"] == {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}}
    assert release.one("PodDisruptionBudget")["spec"]["maxUnavailable"] == 1


def test_replicas_have_the_size_of_the_environment(release: Release, environment: Environment) -> None:
    """What is asked for and what is allowed are the same: nothing is taken away from a replica when it needs it."""
    size = {"cpu": f"{environment.cpu_millicores}m", "memory": f"{environment.memory_mib}Mi"}
    assert release.container["resources"] == {"requests": size, "limits": size}


def test_scaling_is_between_the_limits_of_the_environment(release: Release, environment: Environment) -> None:
    """The Deployment names no number: an upgrade would take back what scaling has added."""
    spec, scaling = release.one("HorizontalPodAutoscaler")["spec"], environment.scaling
    assert "replicas" not in release.one("Deployment")["spec"]
    assert (spec["minReplicas"], spec["maxReplicas"]) == (environment.min_replicas, environment.max_replicas)
    assert spec["scaleTargetRef"] == {"apiVersion": "apps/v1", "kind": "Deployment", "name": RELEASE}
    (metric,) = spec["metrics"]
    assert metric["resource"] == {
        "name": "cpu",
        "target": {"type": "Utilization", "averageUtilization": scaling.cpu_percent},
    }
    assert [policy["periodSeconds"] for policy in spec["behavior"]["scaleUp"]["policies"]] == [scaling.out_seconds]
    assert [policy["periodSeconds"] for policy in spec["behavior"]["scaleDown"]["policies"]] == [scaling.in_seconds]
    assert spec["behavior"]["scaleDown"]["stabilizationWindowSeconds"] == scaling.in_seconds


def test_scaling_may_count_requests_too(chart: Chart, name: str, environment: Environment) -> None:
    """Where an adapter brings their number."""
    spec = chart.render(name, autoscaling={"requestsMetric": "asked"}).one("HorizontalPodAutoscaler")["spec"]
    assert spec["metrics"][1]["pods"] == {
        "metric": {"name": "asked"},
        "target": {"type": "AverageValue", "averageValue": str(environment.scaling.requests_per_second)},
    }


def test_without_scaling_there_are_as_many_replicas_as_there_must_be(
    chart: Chart, name: str, environment: Environment
) -> None:
    """And nothing that would change their number."""
    fixed = chart.render(name, autoscaling={"enabled": False})
    assert fixed.one("Deployment")["spec"]["replicas"] == environment.min_replicas
    assert "HorizontalPodAutoscaler" not in fixed.kinds()


def test_a_container_has_no_more_rights_than_it_needs(release: Release) -> None:
    """It runs as the user of the image, on a root that is read-only, and asks nothing of the cluster."""
    image = int(re.findall(r"^USER (\d+):\d+$", DOCKERFILE, re.MULTILINE)[0])
    pod = release.pod["spec"]
    assert pod["securityContext"] | {"fsGroupChangePolicy": None} == {
        "runAsNonRoot": True,
        "runAsUser": image,
        "runAsGroup": image,
        "fsGroup": image,
        "fsGroupChangePolicy": None,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    assert release.container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert pod["automountServiceAccountToken"] is False
    assert release.one("ServiceAccount")["automountServiceAccountToken"] is False
    assert pod["enableServiceLinks"] is False
    assert not {"hostNetwork", "hostPID", "hostIPC", "hostPath"} & pod.keys()


def test_what_can_be_written_to_is_what_compose_gives(release: Release) -> None:
    """Memory at /tmp of the same size; what workers share is where the image says, which every runtime mounts."""
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))["services"]["api"]
    (tmpfs,) = compose["tmpfs"]
    path, _, options = tmpfs.partition(":")
    assert release.container["volumeMounts"] == [{"name": "tmp", "mountPath": path}]
    size = re.sub(r"size=(\d+)m,.*", r"\1Mi", options)
    assert release.pod["spec"]["volumes"] == [{"name": "tmp", "emptyDir": {"medium": "Memory", "sizeLimit": size}}]
    assert "TMPDIR=/dev/shm" in DOCKERFILE


def test_replicas_are_spread_over_zones_and_machines(release: Release) -> None:
    """Those of one update for themselves."""
    constraints = release.pod["spec"]["topologySpreadConstraints"]
    assert [each["topologyKey"] for each in constraints] == ["topology.kubernetes.io/zone", "kubernetes.io/hostname"]
    for each in constraints:
        assert each["labelSelector"]["matchLabels"].items() <= release.pod["metadata"]["labels"].items()
        assert each["matchLabelKeys"] == ["pod-template-hash"]


@pytest.mark.parametrize("kind", ["Deployment", "PodDisruptionBudget", "NetworkPolicy", "Service"])
def test_everything_finds_the_replicas(chart: Chart, kind: str) -> None:
    """By labels that they have, and that an upgrade leaves as they are."""
    release = chart.render("prod", "another", podLabels={"team": "sales"})
    labels = release.pod["metadata"]["labels"]
    for each in (manifest for manifest in release.manifests if manifest["kind"] == kind):
        selector = each["spec"].get("selector") or each["spec"]["podSelector"]
        selector = selector.get("matchLabels", selector)
        assert selector.items() <= labels.items()
        assert set(selector) == {"app.kubernetes.io/name", "app.kubernetes.io/instance"}


def test_services_lead_to_ports_that_the_container_has(chart: Chart, name: str) -> None:
    """Also where metrics are on the port of the API."""
    for access in ("port", "open"):
        release = chart.render(name, overrides={"settings": {"OPERATIONS_ACCESS": access}})
        ports = {port["name"]: port["containerPort"] for port in release.container["ports"]}
        assert ("operations" in ports) == (access == "port")
        assert release.one("Service")["spec"]["ports"][0]["targetPort"] == "http"
        (port,) = release.one("Service", f"{RELEASE}-operations")["spec"]["ports"]
        assert port["port"] == ports[port["targetPort"]]


def test_no_load_balancer_gets_to_know_the_port_of_operations(chart: Chart) -> None:
    """Whatever the kind of the Service: metrics have a Service of their own without any address."""
    release = chart.render(service={"type": "LoadBalancer"})
    assert [port["name"] for port in release.one("Service")["spec"]["ports"]] == ["http"]
    operations = release.one("Service", f"{RELEASE}-operations")["spec"]
    assert (operations["type"], operations["clusterIP"]) == ("ClusterIP", "None")


@pytest.mark.parametrize(("values", "volume", "file"), [
    ({"claim": "models"}, {"persistentVolumeClaim": {"claimName": "models", "readOnly": True}}, "model.json"),
    ({"configMap": "model", "file": "mine.ubj"}, {"configMap": {"name": "model"}}, "mine.ubj"),
    ({"image": "r/leads:1"}, {"image": {"reference": "r/leads:1", "pullPolicy": "IfNotPresent"}}, "model.json"),
])  # fmt: skip
def test_a_model_can_come_from_elsewhere(
    chart: Chart, values: dict[str, Any], volume: dict[str, Any], file: str
) -> None:
    """Its path is in what is mounted, and nobody writes there."""
    release = chart.render(model=values)
    assert {"name": "model"} | volume in release.pod["spec"]["volumes"]
    (mount,) = (each for each in release.container["volumeMounts"] if each["name"] == "model")
    assert mount["readOnly"] is True
    assert release.environ["MODEL_PATH"] == f"{mount['mountPath']}/{file}"


def test_the_model_is_the_image_s_own_unless_told_otherwise(release: Release) -> None:
    """Its path is then the image's business."""
    assert "MODEL_PATH" not in release.environ


def test_a_key_file_is_mounted_so_that_its_changes_are_seen(chart: Chart) -> None:
    """As a folder: Kubernetes never changes a single file that is mounted."""
    release = chart.render(apiKeys={"existingSecret": ""}, keyFile={"existingSecret": "file"})
    (mount,) = (each for each in release.container["volumeMounts"] if each["name"] == "keys")
    assert "subPath" not in mount
    assert release.environ["API_KEYS_FILE"] == f"{mount['mountPath']}/keys.json"
    assert "API_KEYS" not in release.secrets


def test_keys_that_are_handed_to_the_chart_are_in_a_secret_alone(chart: Chart) -> None:
    """And a change of them restarts the replicas, which read them when they start."""
    one, two = (chart.render(apiKeys={"existingSecret": "", "value": key}) for key in ("key-of-ours", "another"))
    assert one.one("Secret", f"{RELEASE}-api-keys")["data"] == {"API_KEYS": "a2V5LW9mLW91cnM="}
    assert one.secrets["API_KEYS"] == (f"{RELEASE}-api-keys", "API_KEYS")
    assert "key-of-ours" not in "".join(one.texts.values()) + one.notes
    assert one.pod["metadata"]["annotations"] != two.pod["metadata"]["annotations"]


def test_a_secret_that_is_there_is_left_alone(release: Release) -> None:
    """Nothing is made that would overwrite it."""
    assert "Secret" not in release.kinds()


def test_what_is_different_here_counts(chart: Chart) -> None:
    """Field by field, with large numbers as the service reads them, and nothing else changed."""
    changed = chart.render(overrides={
        "max_replicas": 20, "cpu_millicores": 1000, "ending": {"stop_seconds": 60},
        "settings": {"WORKERS": 1, "MAX_BODY_BYTES": 10485760, "MAX_QUEUE_SECONDS": 0.25, "PORT": 9000},
    })  # fmt: skip
    before = chart.render().environ
    assert changed.environ == before | {
        "WORKERS": "1",
        "MAX_BODY_BYTES": "10485760",
        "MAX_QUEUE_SECONDS": "0.25",
        "PORT": "9000",
    }
    assert changed.one("HorizontalPodAutoscaler")["spec"]["maxReplicas"] == 20
    assert changed.pod["spec"]["terminationGracePeriodSeconds"] == 60
    assert changed.container["ports"][0]["containerPort"] == 9000
    read_settings(changed.environ | {"API_KEYS": "any"})


def test_a_flag_of_the_command_line_counts_as_text(chart: Chart) -> None:
    """`--set` makes a truth value of `true`, and the service wants a word."""
    changed = chart.render("dev", overrides={"settings": {"REQUIRE_SECURE_CONFIG": True}})
    assert changed.environ["REQUIRE_SECURE_CONFIG"] == "true"


def test_the_image_is_that_of_the_chart_s_version_unless_told_otherwise(chart: Chart) -> None:
    """A digest says more than a tag."""
    version = chart.loaded.metadata["appVersion"]
    digest = "sha256:" + "0" * 64
    assert chart.render().container["image"] == f"lead-scoring-api:{version}"
    assert chart.render(image={"repository": "r/s", "tag": "2"}).container["image"] == "r/s:2"
    assert chart.render(image={"repository": "r/s", "digest": digest}).container["image"] == f"r/s@{digest}"


def test_an_ingress_leads_to_the_service(chart: Chart) -> None:
    """With a certificate where one is named."""
    release = chart.render(ingress={"enabled": True, "host": "leads.example.com", "tlsSecret": "tls"})
    spec = release.one("Ingress")["spec"]
    assert spec["tls"] == [{"hosts": ["leads.example.com"], "secretName": "tls"}]
    (path,) = spec["rules"][0]["http"]["paths"]
    assert path["backend"]["service"] == {"name": RELEASE, "port": {"name": "http"}}
    assert "https://leads.example.com" in release.notes


def test_an_identity_of_the_cloud_is_named_on_the_account(chart: Chart) -> None:
    """As AWS and Azure want it; the replicas use that account."""
    annotations = {"eks.amazonaws.com/role-arn": "arn:aws:iam::123456789012:role/leads"}
    release = chart.render(serviceAccount={"annotations": annotations})
    assert release.one("ServiceAccount")["metadata"]["annotations"] == annotations
    assert release.pod["spec"]["serviceAccountName"] == release.one("ServiceAccount")["metadata"]["name"]


def test_the_notes_are_short_and_name_what_is_there(release: Release, environment: Environment) -> None:
    """Their commands too."""
    assert f"{environment.min_replicas} to {environment.max_replicas} replicas" in release.notes
    assert f"deployment/{RELEASE}" in release.notes
    assert len(release.notes.splitlines()) < 20
    assert KEYS["apiKeys"]["existingSecret"] not in release.notes
