"""The service: replicas behind a load balancer, with automatic scaling and alarms."""

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_elasticloadbalancingv2 as elb
from constructs import Construct

from infra.aws import names
from infra.aws.account import Account
from infra.aws.alarms import Watch, alarm_topic
from infra.aws.balancer import balancer, listen
from infra.aws.dashboard import dashboard
from infra.aws.firewall import firewall
from infra.aws.ledger import keep_scores, ledger
from infra.aws.network import log_group, network
from infra.aws.registry import plain
from infra.aws.task import task
from infra.environments import Environment


class ServiceStack(cdk.Stack):
    """All resources of the service in one account and region."""

    def __init__(self, scope: Construct, environment: Environment, account: Account):
        super().__init__(scope, names.SERVICE_STACK, synthesizer=plain(), env=cdk.Environment(region=account.region))
        vpc = network(self, environment, account)
        lines = log_group(self, "Lines", environment, names.LOG_GROUP)
        cluster = ecs.Cluster(
            self,
            "Cluster",
            cluster_name=names.CLUSTER,
            vpc=vpc,
            container_insights_v2=ecs.ContainerInsights.ENABLED
            if environment.aws.container_insights
            else ecs.ContainerInsights.DISABLED,
        )
        definition = task(self, environment, account, lines)
        self.replicas = replicas(self, cluster, environment, definition)
        if account.deploy_ledger:
            kept = ledger(self, environment, vpc)
            keep_scores(definition, kept, lines)
            kept.database.connections.allow_default_port_from(self.replicas)
        entrance = balancer(self, environment, vpc)
        group = listen(entrance, environment, account, self.replicas)
        scale(self.replicas, environment, group)
        if environment.aws.firewall:
            firewall(self, environment, entrance)
        watch = Watch(self, environment, alarm_topic(self, account))
        watch.balancer(entrance, group)
        watch.service(self.replicas)
        watch.lines(lines)
        watch.deployments()
        self.replicas.enable_deployment_alarms(
            [alarm.alarm_name for alarm in watch.of_deployments], behavior=ecs.AlarmBehavior.ROLLBACK_ON_ALARM
        )
        dashboard(self, watch.made, entrance, group, self.replicas)
        self.tell(entrance)

    def tell(self, entrance: elb.ApplicationLoadBalancer) -> None:
        """Adds the outputs that operators need."""
        cdk.CfnOutput(self, "BalancerName", value=entrance.load_balancer_dns_name,
                      description="The target of the DNS record for the domain name of the service")  # fmt: skip
        group = self.replicas.connections.security_groups[0]
        cdk.CfnOutput(self, "ReplicasSecurityGroup", value=group.security_group_id,
                      description="Allow your metrics collector to reach OPERATIONS_PORT in this group")  # fmt: skip


def replicas(
    scope: Construct, cluster: ecs.Cluster, environment: Environment, definition: ecs.FargateTaskDefinition
) -> ecs.FargateService:
    """Creates a service whose failed deployments roll back automatically.

    It sets no desired number of replicas: a deployment would undo automatic scaling.
    """
    return ecs.FargateService(
        scope,
        "Service",
        service_name=names.SERVICE,
        cluster=cluster,
        task_definition=definition,
        min_healthy_percent=100,
        max_healthy_percent=200,
        health_check_grace_period=cdk.Duration.seconds(environment.probe.start_seconds),
        circuit_breaker=ecs.DeploymentCircuitBreaker(enable=True, rollback=True),
        vpc_subnets=ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_WITH_EGRESS),
        enable_ecs_managed_tags=True,
        propagate_tags=ecs.PropagatedTagSource.SERVICE,
    )


def scale(service: ecs.FargateService, environment: Environment, group: elb.ApplicationTargetGroup) -> None:
    """Scales replicas by requests and CPU usage, within the limits of the environment."""
    scaling = environment.scaling
    out, back = cdk.Duration.seconds(scaling.out_seconds), cdk.Duration.seconds(scaling.in_seconds)
    count = service.auto_scale_task_count(min_capacity=environment.min_replicas, max_capacity=environment.max_replicas)
    count.scale_on_request_count(
        "Requests",
        requests_per_target=scaling.requests_per_second * 60,
        target_group=group,
        scale_out_cooldown=out,
        scale_in_cooldown=back,
    )
    count.scale_on_cpu_utilization(
        "Processors",
        target_utilization_percent=scaling.cpu_percent,
        scale_out_cooldown=out,
        scale_in_cooldown=back,
    )
