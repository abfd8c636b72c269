"""The template of the service says what keeps it up, keeps it closed, and ends it without losing a request.

What the simulated cloud skips in silence (deployment settings, scaling, alarms, ways between security groups) is held
here, on the template.
"""

import re
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from aws_cdk.assertions import Match, Template
from infra.aws import names
from infra.aws.account import Account
from infra.environments import Environment, read_environment
from project import ROOT

Resource = dict[str, Any]
Synthesized = Callable[..., dict[str, Any]]


def found(template: dict[str, Any], kind: str) -> list[Resource]:
    """The properties of all resources of a kind."""
    return [made["Properties"] for made in template["Resources"].values() if made["Type"] == kind]


def only(template: dict[str, Any], kind: str) -> Resource:
    """The one resource of a kind."""
    (properties,) = found(template, kind)
    return dict(properties)


@pytest.fixture
def environment(name: str) -> Environment:
    """The sizes that the template must have."""
    return read_environment(name)


@pytest.fixture
def template(synthesized: Synthesized, name: str) -> dict[str, Any]:
    """The service's stack."""
    return dict(synthesized(name)[names.SERVICE_STACK])


@pytest.fixture
def container(template: dict[str, Any]) -> Resource:
    """The one container of a replica."""
    (container,) = only(template, "AWS::ECS::TaskDefinition")["ContainerDefinitions"]
    return dict(container)


def remote(name: str) -> Environment:
    """An environment whose leads are scored by SageMaker; whether the service offers that is its own to say."""
    local = read_environment(name)
    model = {"MODEL_ENDPOINT_PROVIDER": "sagemaker", "SAGEMAKER_ENDPOINT_NAME": names.ENDPOINT}
    return msgspec.structs.replace(local, settings={**local.settings, **model})


def test_things_have_the_names_that_operators_type(template: dict[str, Any], container: Resource) -> None:
    """The guide's commands work as they stand."""
    assert only(template, "AWS::ECS::Cluster")["ClusterName"] == "lead-scoring"
    assert only(template, "AWS::ECS::Service")["ServiceName"] == "lead-scoring-service"
    assert "/ecs/lead-scoring" in [group.get("LogGroupName") for group in found(template, "AWS::Logs::LogGroup")]
    assert container["Name"] == "api"


def test_a_replica_has_the_size_and_the_settings_of_the_file(
    template: dict[str, Any], container: Resource, environment: Environment
) -> None:
    """And none beside them."""
    task = only(template, "AWS::ECS::TaskDefinition")
    assert int(task["Cpu"]) / 1024 == environment.cpu_millicores / 1000
    assert task["Memory"] == str(environment.memory_mib)
    assert {pair["Name"]: pair["Value"] for pair in container["Environment"]} == environment.environ()
    assert container["PortMappings"] == [{"ContainerPort": 8000, "Protocol": "tcp"}]


def test_a_replica_has_longer_to_end_than_it_takes(container: Resource, environment: Environment) -> None:
    """It is killed only after it has drained and answered what it had accepted."""
    settings = environment.service_settings()
    assert container["StopTimeout"] > settings.drain_seconds + settings.shutdown_seconds
    assert container["StopTimeout"] <= 120  # Fargate's own limit


def test_a_replica_can_write_nothing_and_is_asked_whether_it_lives(container: Resource) -> None:
    """Restarted when it does not, and not while it merely drains."""
    assert container["ReadonlyRootFilesystem"] is True
    assert container["HealthCheck"]["Command"] == ["CMD", "leadscoring", "health"]


def test_log_lines_go_to_the_log_and_hold_up_no_request(container: Resource) -> None:
    """Lines that cannot be sent in time are lost instead."""
    assert container["LogConfiguration"]["LogDriver"] == "awslogs"
    assert container["LogConfiguration"]["Options"]["mode"] == "non-blocking"


def test_api_keys_come_out_of_the_vault(template: dict[str, Any], container: Resource) -> None:
    """Made at random where the account has none, so that the demo key is never one of them."""
    (secret,) = container["Secrets"]
    assert secret["Name"] == "API_KEYS"
    made = only(template, "AWS::SecretsManager::Secret")
    assert made["Name"] == "lead-scoring/api-keys"
    assert made["GenerateSecretString"]["PasswordLength"] >= 32
    assert "SecretString" not in made


def test_a_deployment_that_fails_goes_back_by_itself(template: dict[str, Any]) -> None:
    """When replicas do not start, or when clients notice; and capacity stays whole meanwhile."""
    settings = only(template, "AWS::ECS::Service")["DeploymentConfiguration"]
    assert settings["DeploymentCircuitBreaker"] == {"Enable": True, "Rollback": True}
    assert (settings["Alarms"]["Enable"], settings["Alarms"]["Rollback"]) == (True, True)
    assert len(settings["Alarms"]["AlarmNames"]) == 2
    assert (settings["MinimumHealthyPercent"], settings["MaximumPercent"]) == (100, 200)


def test_a_deployment_leaves_the_number_of_replicas_alone(template: dict[str, Any], environment: Environment) -> None:
    """Scaling holds it, between the limits of the file."""
    assert "DesiredCount" not in only(template, "AWS::ECS::Service")
    limits = only(template, "AWS::ApplicationAutoScaling::ScalableTarget")
    assert (limits["MinCapacity"], limits["MaxCapacity"]) == (environment.min_replicas, environment.max_replicas)


def test_replicas_follow_requests_and_processors(template: dict[str, Any], environment: Environment) -> None:
    """AWS counts requests of a minute, the file those of a second."""
    policies = [
        policy["TargetTrackingScalingPolicyConfiguration"]
        for policy in found(template, "AWS::ApplicationAutoScaling::ScalingPolicy")
    ]
    assert {
        policy["PredefinedMetricSpecification"]["PredefinedMetricType"]: policy["TargetValue"] for policy in policies
    } == {
        "ALBRequestCountPerTarget": environment.scaling.requests_per_second * 60,
        "ECSServiceAverageCPUUtilization": environment.scaling.cpu_percent,
    }


def test_clients_come_by_https_and_plain_http_is_sent_there(template: dict[str, Any]) -> None:
    """With the account's certificate, and no old protocol."""
    secure, plain = sorted(found(template, "AWS::ElasticLoadBalancingV2::Listener"), key=lambda made: -made["Port"])
    assert (secure["Port"], secure["Protocol"]) == (443, "HTTPS")
    assert len(secure["Certificates"]) == 1
    assert "TLS13" in secure["SslPolicy"]
    (action,) = plain["DefaultActions"]
    assert (plain["Port"], action["Type"]) == (80, "redirect")
    assert action["RedirectConfig"] == {"Port": "443", "Protocol": "HTTPS", "StatusCode": "HTTP_301"}


def attributes(properties: Resource, which: str) -> dict[str, str]:
    """The attributes of a load balancer or a group."""
    return {pair["Key"]: pair["Value"] for pair in properties[which]}


def test_requests_go_to_ready_replicas(template: dict[str, Any], environment: Environment) -> None:
    """By the path that says whether leads can be scored."""
    group = only(template, "AWS::ElasticLoadBalancingV2::TargetGroup")
    assert group["HealthCheckPath"] == "/health/ready"
    assert group["Matcher"] == {"HttpCode": "200"}
    assert group["HealthCheckIntervalSeconds"] == environment.probe.interval_seconds
    assert group["HealthCheckTimeoutSeconds"] < group["HealthCheckIntervalSeconds"]


def test_no_request_is_lost_to_times_that_do_not_match(template: dict[str, Any], environment: Environment) -> None:
    """The balancer closes idle connections before the service does, and lets open requests end."""
    settings = environment.service_settings()
    balancer = attributes(only(template, "AWS::ElasticLoadBalancingV2::LoadBalancer"), "LoadBalancerAttributes")
    group = attributes(only(template, "AWS::ElasticLoadBalancingV2::TargetGroup"), "TargetGroupAttributes")
    assert int(balancer["idle_timeout.timeout_seconds"]) < settings.keep_alive_seconds
    ending = settings.drain_seconds + settings.shutdown_seconds
    assert int(group["deregistration_delay.timeout_seconds"]) >= ending


def test_replicas_are_reached_by_the_load_balancer_alone(template: dict[str, Any]) -> None:
    """At the port of the API; that of metrics and status is open to nobody."""
    ways = found(template, "AWS::EC2::SecurityGroupIngress")
    assert [(way["FromPort"], way["ToPort"]) for way in ways] == [(8000, 8000)]
    assert "SourceSecurityGroupId" in ways[0]
    network = only(template, "AWS::ECS::Service")["NetworkConfiguration"]["AwsvpcConfiguration"]
    assert network["AssignPublicIp"] == "DISABLED"


def statements(template: dict[str, Any], role: str) -> list[Resource]:
    """What policies let a role do, by the beginning of the role's name in the template."""
    policies = found(template, "AWS::IAM::Policy")
    mine = [policy for policy in policies if any(r["Ref"].startswith(role) for r in policy["Roles"])]
    return [statement for policy in mine for statement in policy["PolicyDocument"]["Statement"]]


def test_the_service_may_do_nothing_where_the_model_is_local(template: dict[str, Any]) -> None:
    """Its role has no policy at all."""
    assert statements(template, "TaskTaskRole") == []
    assert all("ManagedPolicyArns" not in role for role in found(template, "AWS::IAM::Role"))


def test_the_service_may_call_the_named_endpoint_and_no_other(synthesized: Synthesized) -> None:
    """One action on one resource, where the model is on SageMaker."""
    template = synthesized("prod", environment=remote("prod"))[names.SERVICE_STACK]
    (statement,) = statements(template, "TaskTaskRole")
    assert (statement["Action"], statement["Effect"]) == ("sagemaker:InvokeEndpoint", "Allow")
    assert statement["Resource"]["Fn::Join"][1][-1].endswith(":endpoint/lead-scoring-endpoint")
    assert "*" not in str(statement["Resource"])


def test_the_agent_may_pull_one_image_read_one_secret_and_write_one_log(template: dict[str, Any]) -> None:
    """The one action on everything knows no resource."""
    open_to_all = [s["Action"] for s in statements(template, "TaskExecutionRole") if s["Resource"] == "*"]
    assert open_to_all == ["ecr:GetAuthorizationToken"]
    actions = {
        a
        for s in statements(template, "TaskExecutionRole")
        for a in [s["Action"]]
        for a in ([a] if isinstance(a, str) else a)
    }
    assert {"secretsmanager:GetSecretValue", "logs:PutLogEvents", "ecr:BatchGetImage"} <= actions
    assert not [action for action in actions if action.endswith("*") or action.startswith("iam")]


def test_log_lines_are_kept_as_long_as_the_file_says(template: dict[str, Any], environment: Environment) -> None:
    """Those of the network too."""
    kept = {group["RetentionInDays"] for group in found(template, "AWS::Logs::LogGroup")}
    assert kept == {environment.log_retention_days}


SYMPTOMS = {"HighErrorRate", "HighLatency", "RequestsRefused", "ServiceDown", "TooFewReplicas", "HighCpu", "HighMemory",
            "ErrorsLogged"}  # fmt: skip


def test_every_symptom_of_the_guide_has_an_alarm_that_tells_somebody(template: dict[str, Any]) -> None:
    """When it comes, and when it goes."""
    alarms = found(template, "AWS::CloudWatch::Alarm")
    assert {alarm["AlarmName"] for alarm in alarms} == {f"lead-scoring-{symptom}" for symptom in SYMPTOMS}
    assert all(alarm["AlarmActions"] == alarm["OKActions"] != [] for alarm in alarms)


def test_the_deployment_guide_names_every_alarm(synthesized: Synthesized) -> None:
    """And none that is not made."""
    page = (ROOT / "docs" / "DEPLOYMENT.md").read_text("utf-8")
    section = page.partition("\n## AWS\n")[2].partition("\n## ")[0]
    made = {
        alarm["AlarmName"]
        for template in synthesized("prod", environment=remote("prod")).values()
        for alarm in found(template, "AWS::CloudWatch::Alarm")
    }
    assert set(re.findall(r"`(lead-scoring-[A-Z]\w+)`", section)) == made


def alarm(template: dict[str, Any], symptom: str) -> Resource:
    """One alarm."""
    (made,) = [a for a in found(template, "AWS::CloudWatch::Alarm") if a["AlarmName"] == f"lead-scoring-{symptom}"]
    return dict(made)


def test_alarms_have_the_thresholds_of_the_file(template: dict[str, Any], environment: Environment) -> None:
    """The guide's among them: 5 % errors for 3 minutes, 1000 ms, 80 %."""
    limits = environment.alarms
    for symptom, threshold, minutes in (
        ("HighErrorRate", limits.error_percent, limits.error_minutes),
        ("HighLatency", limits.latency_ms / 1000, limits.latency_minutes),
        ("TooFewReplicas", environment.min_replicas, limits.missing_minutes),
        ("HighCpu", limits.cpu_percent, limits.resource_minutes),
        ("HighMemory", limits.memory_percent, limits.resource_minutes),
    ):
        made = alarm(template, symptom)
        assert (made["Threshold"], made["EvaluationPeriods"]) == (threshold, minutes), symptom
    assert (limits.error_percent, limits.error_minutes, limits.latency_ms) == (5, 3, 1000)
    assert (limits.cpu_percent, limits.memory_percent) == (80, 80)


def test_a_service_that_says_nothing_is_down(template: dict[str, Any]) -> None:
    """Silence of the others is no traffic."""
    assert alarm(template, "ServiceDown")["TreatMissingData"] == "breaching"
    assert alarm(template, "HighErrorRate")["TreatMissingData"] == "notBreaching"


def test_errors_are_a_share_of_all_requests_and_count_when_no_replica_answers(template: dict[str, Any]) -> None:
    """The load balancer's own 5xx are failures too."""
    metrics = {part["Id"]: part for part in alarm(template, "HighErrorRate")["Metrics"]}
    (share,) = [part["Expression"] for part in metrics.values() if "Expression" in part]
    assert share == "100 * (FILL(balancer, 0) + FILL(service, 0)) / total"
    assert metrics["balancer"]["MetricStat"]["Metric"]["MetricName"] == "HTTPCode_ELB_5XX_Count"
    assert metrics["service"]["MetricStat"]["Metric"]["MetricName"] == "HTTPCode_Target_5XX_Count"
    assert metrics["total"]["MetricStat"]["Metric"]["MetricName"] == "RequestCount"


def test_errors_of_the_log_are_counted_by_their_level(template: dict[str, Any]) -> None:
    """As the service writes it."""
    (counted,) = found(template, "AWS::Logs::MetricFilter")
    assert counted["FilterPattern"] == '{ $.level = "ERROR" }'


def test_failures_of_a_remote_model_have_an_alarm(synthesized: Synthesized) -> None:
    """By the names of its errors in the log."""
    template = synthesized("prod", environment=remote("prod"))[names.SERVICE_STACK]
    assert alarm(template, "ModelEndpointFailure")["Threshold"] == 5
    assert '{ $.error = "Endpoint*" }' in [made["FilterPattern"] for made in found(template, "AWS::Logs::MetricFilter")]


def test_a_rolled_back_deployment_is_told(template: dict[str, Any]) -> None:
    """A container that does not start is noticed this way."""
    Template.from_json(template).has_resource_properties(
        "AWS::Events::Rule",
        {"EventPattern": Match.object_like({"detail": {"eventName": ["SERVICE_DEPLOYMENT_FAILED"]}})},
    )


def test_the_firewall_stands_where_the_file_wants_it(synthesized: Synthesized) -> None:
    """In production, and a batch of leads passes: the rule against long bodies only counts."""
    assert found(synthesized("dev")[names.SERVICE_STACK], "AWS::WAFv2::WebACL") == []
    template = synthesized("prod")[names.SERVICE_STACK]
    assert len(found(template, "AWS::WAFv2::WebACLAssociation")) == 1
    rules = only(template, "AWS::WAFv2::WebACL")["Rules"]
    counted = [
        override["Name"]
        for rule in rules
        for override in rule["Statement"].get("ManagedRuleGroupStatement", {}).get("RuleActionOverrides", [])
    ]
    assert counted == ["SizeRestrictions_BODY"]
    limit = read_environment("prod").aws.firewall_requests
    assert [
        rule["Statement"]["RateBasedStatement"]["Limit"] for rule in rules if "RateBasedStatement" in rule["Statement"]
    ] == [limit]


def test_an_existing_network_is_used_as_it_is(synthesized: Synthesized) -> None:
    """No network, gateway or route is made in it."""
    account = Account(
        image_tag="1.0.0", certificate_arn="arn:aws:acm:us-east-1:123456789012:certificate/0f1e", vpc_id="vpc-0a",
        zones=("us-east-1a", "us-east-1b"), public_subnets=("subnet-1", "subnet-2"),
        private_subnets=("subnet-3", "subnet-4"), alarm_email="ops@example.com",
    )  # fmt: skip
    template = synthesized("dev", account)[names.SERVICE_STACK]
    kinds = {made["Type"] for made in template["Resources"].values()}
    assert not {"AWS::EC2::VPC", "AWS::EC2::Subnet", "AWS::EC2::NatGateway"} & kinds
    network = only(template, "AWS::ECS::Service")["NetworkConfiguration"]["AwsvpcConfiguration"]
    assert network["Subnets"] == ["subnet-3", "subnet-4"]
    assert only(template, "AWS::ElasticLoadBalancingV2::LoadBalancer")["Subnets"] == ["subnet-1", "subnet-2"]
    assert only(template, "AWS::SNS::Subscription")["Endpoint"] == "ops@example.com"


def test_a_dashboard_shows_alarms_requests_and_replicas(template: dict[str, Any]) -> None:
    """On one page with a name that people can find."""
    board = only(template, "AWS::CloudWatch::Dashboard")
    assert board["DashboardName"] == "lead-scoring"
    for shown in ("Alarms", "Requests per minute", "Response time, seconds", "Replicas", "Latest errors"):
        assert shown in str(board["DashboardBody"])
