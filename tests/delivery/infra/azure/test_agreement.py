"""Both clouds are made of one file: what one template says of a figure, the other says too, each in its own units."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from infra.environments import Environment, read_environment

pytest.importorskip("aws_cdk", reason="what writes AWS's templates is not installed")

Only = Callable[..., dict[str, Any]]
CERTIFICATE = "arn:aws:acm:us-east-1:123456789012:certificate/0f1e"


@pytest.fixture(scope="module")
def stacks(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], dict[str, Any]]:
    """The template of the service on AWS, by environment."""
    from infra.aws.account import Account
    from infra.aws.app import synthesize

    made: dict[str, dict[str, Any]] = {}

    def stack(name: str) -> dict[str, Any]:
        if name not in made:
            account = Account(image_tag="1.0.0", certificate_arn=CERTIFICATE)
            paths = synthesize(name, read_environment(name), account, tmp_path_factory.mktemp(name))
            (path,) = [path for path in paths if path.name == "lead-scoring.template.json"]
            made[name] = json.loads(path.read_bytes())
        return made[name]

    return stack


@pytest.fixture
def aws(stacks: Callable[[str], dict[str, Any]], name: str) -> Callable[[str], list[dict[str, Any]]]:
    """The properties of all resources of a kind on AWS."""

    def found(kind: str) -> list[dict[str, Any]]:
        return [made["Properties"] for made in stacks(name)["Resources"].values() if made["Type"] == kind]

    return found


def test_a_replica_is_of_the_same_size_and_is_told_the_same(aws: Callable[[str], Any], only: Only) -> None:
    """Processors, memory, port, settings, and the time until it is killed."""
    (task,) = aws("AWS::ECS::TaskDefinition")
    (there,) = task["ContainerDefinitions"]
    app = only("service", "app")["properties"]
    (here,) = app["template"]["containers"]
    assert here["name"] == there["Name"]
    assert here["resources"]["cpu"] == int(task["Cpu"]) / 1024
    assert float(here["resources"]["memory"].removesuffix("Gi")) == int(task["Memory"]) / 1024
    assert app["configuration"]["ingress"]["targetPort"] == there["PortMappings"][0]["ContainerPort"]
    told = {pair["name"]: pair["value"] for pair in here["env"] if "value" in pair}
    assert told == {pair["Name"]: pair["Value"] for pair in there["Environment"]}
    assert {pair["name"] for pair in here["env"] if "secretRef" in pair} == {each["Name"] for each in there["Secrets"]}
    assert app["template"]["terminationGracePeriodSeconds"] == there["StopTimeout"]


def test_there_are_as_many_replicas_for_the_same_reasons(aws: Callable[[str], Any], only: Only) -> None:
    """Between the same limits, at the same use of processors."""
    (limits,) = aws("AWS::ApplicationAutoScaling::ScalableTarget")
    scale = only("service", "app")["properties"]["template"]["scale"]
    assert (scale["minReplicas"], scale["maxReplicas"]) == (limits["MinCapacity"], limits["MaxCapacity"])
    targets = {
        policy["TargetTrackingScalingPolicyConfiguration"]["PredefinedMetricSpecification"]["PredefinedMetricType"]:
            policy["TargetTrackingScalingPolicyConfiguration"]["TargetValue"]
        for policy in aws("AWS::ApplicationAutoScaling::ScalingPolicy")
    }  # fmt: skip
    assert int(scale["rules"][1]["custom"]["metadata"]["value"]) == targets["ECSServiceAverageCPUUtilization"]


def test_readiness_is_asked_for_in_the_same_way(aws: Callable[[str], Any], only: Only) -> None:
    """Path, times and counts; and how often a replica that does not live is asked before it is restarted."""
    (group,) = aws("AWS::ElasticLoadBalancingV2::TargetGroup")
    (container,) = only("service", "app")["properties"]["template"]["containers"]
    probes = {probe["type"]: probe for probe in container["probes"]}
    ready = probes["Readiness"]
    assert ready["httpGet"]["path"] == group["HealthCheckPath"]
    assert ready["periodSeconds"] == group["HealthCheckIntervalSeconds"]
    assert ready["timeoutSeconds"] == group["HealthCheckTimeoutSeconds"]
    assert ready["successThreshold"] == group["HealthyThresholdCount"]
    assert ready["failureThreshold"] == group["UnhealthyThresholdCount"]
    (task,) = aws("AWS::ECS::TaskDefinition")
    check = task["ContainerDefinitions"][0]["HealthCheck"]
    assert (probes["Liveness"]["periodSeconds"], probes["Liveness"]["failureThreshold"]) == (
        check["Interval"],
        check["Retries"],
    )


def test_alarms_of_the_same_name_go_off_at_the_same_figure(
    aws: Callable[[str], Any], alerts: Callable[..., dict[str, dict[str, Any]]], environment: Environment
) -> None:
    """AWS counts seconds and percents where Azure counts milliseconds, billionths of a processor, and bytes."""
    there = {
        alarm["AlarmName"].removeprefix("lead-scoring-"): alarm["Threshold"] for alarm in aws("AWS::CloudWatch::Alarm")
    }
    here = {symptom: alert["criteria"]["allOf"][0]["threshold"] for symptom, alert in alerts().items()}
    units = {
        "HighLatency": 1000.0,
        "HighCpu": environment.cpu_millicores * 1e6 / 100,
        "HighMemory": environment.memory_mib * 2**20 / 100,
    }
    assert set(there) <= set(here)
    for symptom, threshold in there.items():
        assert here[symptom] == pytest.approx(threshold * units.get(symptom, 1.0), rel=1e-6), symptom


def test_lines_are_kept_as_long_where_azure_lets_them(aws: Callable[[str], Any], only: Only) -> None:
    """Never shorter; longer where AWS keeps them for less than Azure's 30 days."""
    days = only("foundation", "workspace")["properties"]["retentionInDays"]
    assert {group["RetentionInDays"] for group in aws("AWS::Logs::LogGroup")} <= {days} | set(range(30))
