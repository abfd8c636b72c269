"""The alarms for the symptoms of docs/OPERATIONS.md, with the thresholds of the environment."""

from collections.abc import Mapping

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_elasticloadbalancingv2 as elb
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from constructs import Construct

from infra.aws import names
from infra.aws.account import Account
from infra.environments import Environment

OVER = cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD
UNDER = cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD
SILENT = cloudwatch.TreatMissingData.NOT_BREACHING
BROKEN = cloudwatch.TreatMissingData.BREACHING
MINUTE = cdk.Duration.minutes(1)
RUNBOOKS = "docs/OPERATIONS.md"


def alarm_topic(scope: Construct, account: Account) -> sns.Topic:
    """Creates the topic of the alarms, with its own key, since CloudWatch alarms cannot use the SNS managed key."""
    key = kms.Key(scope, "AlarmKey", enable_key_rotation=True, removal_policy=cdk.RemovalPolicy.DESTROY)
    topic = sns.Topic(scope, "Alarms", master_key=key, enforce_ssl=True)
    for service in ("cloudwatch.amazonaws.com", "events.amazonaws.com"):
        key.grant_encrypt_decrypt(iam.ServicePrincipal(service))
    topic.grant_publish(iam.ServicePrincipal("cloudwatch.amazonaws.com"))
    if account.alarm_email:
        topic.add_subscription(subscriptions.EmailSubscription(account.alarm_email))
    return topic


class Watch:
    """Creates alarms that notify one topic, and collects those that roll a deployment back."""

    def __init__(self, scope: Construct, environment: Environment, topic: sns.Topic):
        self.scope = scope
        self.limits = environment.alarms
        self.environment = environment
        self.topic = topic
        self.made: dict[str, cloudwatch.Alarm] = {}
        self.of_deployments: list[cloudwatch.Alarm] = []

    def alarm(
        self,
        symptom: str,
        metric: cloudwatch.IMetric,
        minutes: int,
        threshold: float,
        meaning: str,
        compare: cloudwatch.ComparisonOperator = OVER,
        missing: cloudwatch.TreatMissingData = SILENT,
    ) -> cloudwatch.Alarm:
        """Creates an alarm that fires if a metric exceeds the threshold for ``minutes`` consecutive minutes."""
        alarm = cloudwatch.Alarm(
            self.scope,
            symptom,
            alarm_name=names.alarm_name(symptom),
            alarm_description=f"{meaning} See {RUNBOOKS}.",
            metric=metric,
            threshold=threshold,
            evaluation_periods=minutes,
            comparison_operator=compare,
            treat_missing_data=missing,
        )
        alarm.add_alarm_action(actions.SnsAction(self.topic))
        alarm.add_ok_action(actions.SnsAction(self.topic))
        self.made[symptom] = alarm
        return alarm

    def balancer(self, balancer: elb.ApplicationLoadBalancer, group: elb.ApplicationTargetGroup) -> None:
        """Creates the alarms for errors, latency and missing replicas, as clients see them."""
        limits = self.limits
        ours, theirs = elb.HttpCodeElb.ELB_5XX_COUNT, elb.HttpCodeTarget
        total = balancer.metrics.request_count(period=MINUTE, statistic="Sum")
        failed = {
            "balancer": balancer.metrics.http_code_elb(ours, period=MINUTE, statistic="Sum"),
            "service": balancer.metrics.http_code_target(theirs.TARGET_5XX_COUNT, period=MINUTE, statistic="Sum"),
        }
        refused = {
            "refused": balancer.metrics.http_code_target(theirs.TARGET_4XX_COUNT, period=MINUTE, statistic="Sum")
        }
        self.of_deployments.append(
            self.alarm("HighErrorRate", percent_of(total, failed), limits.error_minutes, limits.error_percent,
                       f"More than {limits.error_percent} % of requests fail.")
        )  # fmt: skip
        latency = balancer.metrics.target_response_time(period=MINUTE, statistic="p95")
        self.of_deployments.append(
            self.alarm("HighLatency", latency, limits.latency_minutes, limits.latency_ms / 1000,
                       f"One request in twenty takes longer than {limits.latency_ms} ms.")
        )  # fmt: skip
        self.alarm("RequestsRefused", percent_of(total, refused), limits.refused_minutes, limits.refused_percent,
                   "Most requests get a status of 4xx: a wrong key, or leads of another contract.")  # fmt: skip
        ready = group.metrics.healthy_host_count(period=MINUTE, statistic="Minimum")
        self.alarm("ServiceDown", ready, limits.down_minutes, 1, "No replica is ready.", UNDER, BROKEN)
        self.alarm("TooFewReplicas", ready, limits.missing_minutes, self.environment.min_replicas,
                   f"Fewer than {self.environment.min_replicas} replicas are ready.", UNDER, BROKEN)  # fmt: skip

    def service(self, service: ecs.FargateService) -> None:
        """Creates the alarms for CPU and memory usage."""
        minutes = self.limits.resource_minutes
        cpu = service.metric_cpu_utilization(period=MINUTE)
        memory = service.metric_memory_utilization(period=MINUTE)
        self.alarm("HighCpu", cpu, minutes, self.limits.cpu_percent, "Replicas are short of processors.")
        self.alarm("HighMemory", memory, minutes, self.limits.memory_percent, "Replicas are short of memory.")

    def lines(self, lines: logs.LogGroup) -> None:
        """Creates the alarms for log lines of the service."""
        errors = counted(lines, "ErrorLines", logs.FilterPattern.string_value("$.level", "=", "ERROR"))
        self.alarm("ErrorsLogged", errors, 1, self.limits.log_errors, "The service logs errors.")
        if self.environment.settings.get("MODEL_ENDPOINT_PROVIDER", "local") == "local":
            return
        failures = counted(lines, "ModelFailures", logs.FilterPattern.string_value("$.error", "=", "Endpoint*"))
        self.alarm("ModelEndpointFailure", failures, 1, self.limits.model_failures,
                   "The model endpoint does not score.")  # fmt: skip

    def deployments(self) -> None:
        """Notifies the topic of a rolled back deployment: replicas did not start, or an alarm fired."""
        events.Rule(
            self.scope,
            "DeploymentFailed",
            description="A deployment of lead scoring was rolled back",
            event_pattern=events.EventPattern(
                source=["aws.ecs"],
                detail_type=["ECS Deployment State Change"],
                detail={"eventName": ["SERVICE_DEPLOYMENT_FAILED"]},
                resources=events.Match.wildcard(f"*:service/{names.CLUSTER}/{names.SERVICE}"),
            ),
            targets=[targets.SnsTopic(self.topic)],
        )


def percent_of(total: cloudwatch.IMetric, parts: Mapping[str, cloudwatch.IMetric]) -> cloudwatch.MathExpression:
    """Returns the sum of the parts as a percentage of the total; without requests there is no data point."""
    summed = " + ".join(f"FILL({name}, 0)" for name in parts)
    return cloudwatch.MathExpression(
        expression=f"100 * ({summed}) / total", using_metrics={**parts, "total": total}, period=MINUTE, label="%"
    )


def counted(lines: logs.LogGroup, name: str, pattern: logs.IFilterPattern) -> cloudwatch.Metric:
    """Returns the number of log lines in five minutes that match a pattern."""
    made = lines.add_metric_filter(
        name,
        filter_pattern=pattern,
        metric_namespace=names.METRICS,
        metric_name=name,
        metric_value="1",
        default_value=0,
    )
    return made.metric(period=cdk.Duration.minutes(5), statistic="Sum")
