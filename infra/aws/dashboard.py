"""The CloudWatch dashboard of the service."""

from collections.abc import Iterable

from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_elasticloadbalancingv2 as elb
from constructs import Construct

from infra.aws import names
from infra.aws.alarms import MINUTE


def dashboard(
    scope: Construct,
    symptoms: Iterable[str],
    balancer: elb.ApplicationLoadBalancer,
    group: elb.ApplicationTargetGroup,
    service: ecs.FargateService,
) -> None:
    """Creates the dashboard: alarms, then requests and latency, then resource usage, then the latest errors."""
    served = balancer.metrics
    codes = elb.HttpCodeTarget
    board = cloudwatch.Dashboard(scope, "Dashboard", dashboard_name=names.DASHBOARD)
    by_name = [cloudwatch.Alarm.from_alarm_name(board, symptom, names.alarm_name(symptom)) for symptom in symptoms]
    board.add_widgets(cloudwatch.AlarmStatusWidget(title="Alarms", alarms=by_name, width=24, height=3))
    board.add_widgets(
        graph("Requests per minute", served.request_count(period=MINUTE, statistic="Sum")),
        graph(
            "Responses with errors",
            served.http_code_target(codes.TARGET_4XX_COUNT, period=MINUTE, label="refused"),
            served.http_code_target(codes.TARGET_5XX_COUNT, period=MINUTE, label="failed"),
            served.http_code_elb(elb.HttpCodeElb.ELB_5XX_COUNT, period=MINUTE, label="no replica answered"),
        ),
        graph(
            "Response time, seconds",
            *(served.target_response_time(period=MINUTE, statistic=rank, label=rank) for rank in ("p50", "p95", "p99")),
        ),
    )
    board.add_widgets(
        graph(
            "Replicas",
            group.metrics.healthy_host_count(period=MINUTE, label="ready"),
            group.metrics.unhealthy_host_count(period=MINUTE, label="not ready"),
        ),
        graph("CPU, %", service.metric_cpu_utilization(period=MINUTE)),
        graph("Memory, %", service.metric_memory_utilization(period=MINUTE)),
    )
    board.add_widgets(
        cloudwatch.LogQueryWidget(
            title="Latest errors",
            log_group_names=[names.LOG_GROUP],
            query_lines=["fields timestamp, event, request_id, error, exception", 'filter level = "ERROR"',
                         "sort timestamp desc", "limit 50"],
            width=24,
        )
    )  # fmt: skip


def graph(title: str, *metrics: cloudwatch.IMetric) -> cloudwatch.GraphWidget:
    """Returns a graph with the width of a third of a row."""
    return cloudwatch.GraphWidget(title=title, left=list(metrics), width=8)
