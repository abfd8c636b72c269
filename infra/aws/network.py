"""The network: a new one, or an existing one."""

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_logs as logs
from constructs import Construct

from infra.aws.account import Account
from infra.environments import Environment

RETENTION = {1: "ONE_DAY", 3: "THREE_DAYS", 5: "FIVE_DAYS", 7: "ONE_WEEK", 14: "TWO_WEEKS", 30: "ONE_MONTH",
             60: "TWO_MONTHS", 90: "THREE_MONTHS", 120: "FOUR_MONTHS", 150: "FIVE_MONTHS", 180: "SIX_MONTHS",
             365: "ONE_YEAR", 400: "THIRTEEN_MONTHS", 545: "EIGHTEEN_MONTHS", 731: "TWO_YEARS"}  # fmt: skip
"""The CDK's names for the retention days of the file of environments."""


def log_group(scope: Construct, name: str, environment: Environment, physical: str | None = None) -> logs.LogGroup:
    """Creates a log group with the retention of the environment, which is deleted with its stack."""
    return logs.LogGroup(
        scope,
        name,
        log_group_name=physical,
        retention=logs.RetentionDays[RETENTION[environment.log_retention_days]],
        removal_policy=cdk.RemovalPolicy.DESTROY,
    )


def network(scope: Construct, environment: Environment, account: Account) -> ec2.IVpc:
    """Returns the account's network, or a new one in two zones, with public and private subnets."""
    if account.vpc_id:
        return ec2.Vpc.from_vpc_attributes(
            scope,
            "Network",
            vpc_id=account.vpc_id,
            availability_zones=list(account.zones),
            public_subnet_ids=list(account.public_subnets),
            private_subnet_ids=list(account.private_subnets),
        )
    vpc = ec2.Vpc(
        scope,
        "Network",
        max_azs=2,
        nat_gateways=environment.aws.nat_gateways,
        restrict_default_security_group=False,  # it requires a Lambda function of the CDK, and the group is unused
        subnet_configuration=[
            ec2.SubnetConfiguration(name="public", subnet_type=ec2.SubnetType.PUBLIC, map_public_ip_on_launch=False),
            ec2.SubnetConfiguration(name="private", subnet_type=ec2.SubnetType.PRIVATE_WITH_EGRESS),
        ],
    )
    vpc.add_flow_log(
        "Flows",
        destination=ec2.FlowLogDestination.to_cloud_watch_logs(log_group(scope, "FlowLines", environment)),
        traffic_type=ec2.FlowLogTrafficType.REJECT,
    )
    # Images and log lines are most of the traffic of replicas; endpoints in the network save the NAT traffic.
    vpc.add_gateway_endpoint("Layers", service=ec2.GatewayVpcEndpointAwsService.S3)
    return vpc
