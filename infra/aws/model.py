"""The model on a SageMaker endpoint, for services with MODEL_ENDPOINT_PROVIDER=sagemaker."""

import aws_cdk as cdk
from aws_cdk import aws_applicationautoscaling as scaling
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sagemaker as sagemaker
from constructs import Construct

from infra.aws import names
from infra.aws.accepted import accept
from infra.aws.account import Account
from infra.aws.alarms import MINUTE, Watch, alarm_topic
from infra.aws.registry import plain
from infra.environments import Endpoint, Environment

ENDPOINT_LOG = f"/aws/sagemaker/Endpoints/{names.ENDPOINT}"
DIMENSIONS = {"EndpointName": names.ENDPOINT, "VariantName": names.VARIANT}


class ModelStack(cdk.Stack):
    """One model, its endpoint, and the alarms that roll back a failed deployment."""

    def __init__(self, scope: Construct, environment: Environment, account: Account):
        super().__init__(scope, names.MODEL_STACK, synthesizer=plain(), env=cdk.Environment(region=account.region))
        sizes = environment.aws.model_endpoint
        bucket = f"{names.MODELS}-{self.account}-{self.region}"
        role = model_role(self, bucket, account)
        model = sagemaker.CfnModel(
            self,
            "Model",
            execution_role_arn=role.role_arn,
            primary_container=sagemaker.CfnModel.ContainerDefinitionProperty(
                image=self.image(account),
                model_data_url=f"s3://{bucket}/{account.model_data_key}",
                environment={"ENDPOINT_PROTOCOLS": "sagemaker", "WORKERS": str(sizes.workers)},
            ),
        )
        model.node.add_dependency(role.node.find_child("DefaultPolicy"))  # without it, the first pull is denied
        configuration = sagemaker.CfnEndpointConfig(
            self,
            "Configuration",
            production_variants=[
                sagemaker.CfnEndpointConfig.ProductionVariantProperty(
                    variant_name=names.VARIANT,
                    model_name=model.attr_model_name,
                    initial_instance_count=sizes.min_instances,
                    initial_variant_weight=1,
                    instance_type=sizes.instance_type,
                )
            ],
        )
        alarms = watched(self, environment, account)
        endpoint = sagemaker.CfnEndpoint(
            self,
            "Endpoint",
            endpoint_name=names.ENDPOINT,
            endpoint_config_name=configuration.attr_endpoint_config_name,
            deployment_config=blue_green(alarms),
        )
        scaled(self, sizes).node.add_dependency(endpoint)

    def image(self, account: Account) -> str:
        """Returns the image of the service, which is also the container of the model."""
        return f"{self.account}.dkr.ecr.{self.region}.{self.url_suffix}/{names.REPOSITORY}:{account.image_tag}"


def model_role(stack: cdk.Stack, bucket: str, account: Account) -> iam.Role:
    """Creates a role that may read this model, pull this image, and write this endpoint's log and metrics."""
    role = iam.Role(stack, "Role", assumed_by=iam.ServicePrincipal("sagemaker.amazonaws.com"))
    model = stack.format_arn(service="s3", region="", account="", resource=bucket, resource_name=account.model_data_key)
    images = stack.format_arn(service="ecr", resource="repository", resource_name=names.REPOSITORY)
    lines = stack.format_arn(
        service="logs", resource="log-group", arn_format=cdk.ArnFormat.COLON_RESOURCE_NAME,
        resource_name=f"{ENDPOINT_LOG}*",
    )  # fmt: skip
    pull = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
    for actions, resource in (
        (["s3:GetObject"], model),
        (pull, images),
        (["logs:CreateLogGroup", "logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"], lines),
    ):
        role.add_to_policy(iam.PolicyStatement(actions=actions, resources=[resource]))
    role.add_to_policy(iam.PolicyStatement(actions=["ecr:GetAuthorizationToken"], resources=["*"]))
    role.add_to_policy(
        iam.PolicyStatement(
            actions=["cloudwatch:PutMetricData"],
            resources=["*"],
            conditions={"StringLike": {"cloudwatch:namespace": "/aws/sagemaker/*"}},
        )
    )
    accept(role, "AwsSolutions-IAM5[Resource::*]", "These two actions support no resource; the second has a condition")
    streams = f"arn:<AWS::Partition>:logs:{account.region}:<AWS::AccountId>:log-group:{ENDPOINT_LOG}*"
    accept(role, f"AwsSolutions-IAM5[Resource::{streams}]", "SageMaker names the streams of the endpoint's log group")
    return role


def watched(stack: cdk.Stack, environment: Environment, account: Account) -> list[cloudwatch.Alarm]:
    """Creates the alarms for failures and latency of the endpoint."""
    watch, limits = Watch(stack, environment, alarm_topic(stack, account)), environment.alarms
    failed = measured("Invocation5XXErrors", "Sum", cdk.Duration.minutes(5))
    watch.alarm("ModelEndpointFailing", failed, 1, limits.model_failures, "The model endpoint fails.")
    # SageMaker reports microseconds.
    slow = measured("ModelLatency", "p95", MINUTE)
    watch.alarm("ModelSlow", slow, limits.latency_minutes, limits.model_latency_ms * 1000, "The model is slow.")
    return list(watch.made.values())


def measured(name: str, statistic: str, period: cdk.Duration) -> cloudwatch.Metric:
    """Returns a metric of the endpoint that SageMaker publishes."""
    return cloudwatch.Metric(
        namespace="AWS/SageMaker", metric_name=name, dimensions_map=DIMENSIONS, statistic=statistic, period=period
    )


def blue_green(alarms: list[cloudwatch.Alarm]) -> sagemaker.CfnEndpoint.DeploymentConfigProperty:
    """Returns a canary deployment: one instance with the new model first, and all if no alarm fires."""
    return sagemaker.CfnEndpoint.DeploymentConfigProperty(
        auto_rollback_configuration=sagemaker.CfnEndpoint.AutoRollbackConfigProperty(
            alarms=[sagemaker.CfnEndpoint.AlarmProperty(alarm_name=alarm.alarm_name) for alarm in alarms]
        ),
        blue_green_update_policy=sagemaker.CfnEndpoint.BlueGreenUpdatePolicyProperty(
            traffic_routing_configuration=sagemaker.CfnEndpoint.TrafficRoutingConfigProperty(
                type="CANARY",
                canary_size=sagemaker.CfnEndpoint.CapacitySizeProperty(type="INSTANCE_COUNT", value=1),
                wait_interval_in_seconds=300,
            ),
            termination_wait_in_seconds=120,
        ),
    )


def scaled(stack: cdk.Stack, sizes: Endpoint) -> scaling.ScalableTarget:
    """Scales the number of instances by the calls per instance."""
    target = scaling.ScalableTarget(
        stack,
        "Instances",
        service_namespace=scaling.ServiceNamespace.SAGEMAKER,
        resource_id=f"endpoint/{names.ENDPOINT}/variant/{names.VARIANT}",
        scalable_dimension="sagemaker:variant:DesiredInstanceCount",
        min_capacity=sizes.min_instances,
        max_capacity=sizes.max_instances,
    )
    target.scale_to_track_metric(
        "Calls",
        target_value=sizes.invocations_per_minute,
        predefined_metric=scaling.PredefinedMetric.SAGEMAKER_VARIANT_INVOCATIONS_PER_INSTANCE,
    )
    return target
