"""One replica: the container, its settings and its permissions."""

import aws_cdk as cdk
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from infra.aws import names
from infra.aws.accepted import accept
from infra.aws.account import Account
from infra.environments import Environment


def api_keys(scope: Construct, account: Account) -> secretsmanager.ISecret:
    """Returns the secret with the keys: an existing one of the account, or a new one with a random key."""
    if account.api_keys_secret_arn:
        return secretsmanager.Secret.from_secret_complete_arn(scope, "ApiKeys", account.api_keys_secret_arn)
    secret = secretsmanager.Secret(
        scope,
        "ApiKeys",
        secret_name=names.API_KEYS,
        description="API keys of the lead scoring clients (X-API-Key), separated by commas",
        generate_secret_string=secretsmanager.SecretStringGenerator(password_length=43, exclude_punctuation=True),
    )
    accept(
        secret, "AwsSolutions-SMG4", "Keys belong to clients, so operators rotate them, as docs/OPERATIONS.md describes"
    )
    return secret


def task(
    scope: Construct, environment: Environment, account: Account, lines: logs.LogGroup
) -> ecs.FargateTaskDefinition:
    """Creates the task definition of a replica."""
    definition = ecs.FargateTaskDefinition(
        scope,
        "Task",
        family=names.CLUSTER,
        cpu=environment.cpu_millicores * 1024 // 1000,
        memory_limit_mib=environment.memory_mib,
        runtime_platform=ecs.RuntimePlatform(
            cpu_architecture=ecs.CpuArchitecture.X86_64, operating_system_family=ecs.OperatingSystemFamily.LINUX
        ),
    )
    probe = environment.probe
    repository = ecr.Repository.from_repository_name(scope, "Images", names.REPOSITORY)
    container = definition.add_container(
        names.CONTAINER,
        container_name=names.CONTAINER,
        image=ecs.ContainerImage.from_ecr_repository(repository, account.image_tag),
        environment=environment.environ(),
        secrets={"API_KEYS": ecs.Secret.from_secrets_manager(api_keys(scope, account))},
        readonly_root_filesystem=True,
        stop_timeout=cdk.Duration.seconds(environment.ending.stop_seconds),
        health_check=ecs.HealthCheck(
            command=["CMD", "leadscoring", "health"],
            interval=cdk.Duration.seconds(probe.interval_seconds),
            timeout=cdk.Duration.seconds(probe.timeout_seconds),
            retries=probe.unhealthy_count,
            start_period=cdk.Duration.seconds(probe.start_seconds),
        ),
        # Log lines that CloudWatch does not accept in time are dropped, so that no request waits for them.
        logging=ecs.LogDrivers.aws_logs(
            log_group=lines, stream_prefix=names.CONTAINER, mode=ecs.AwsLogDriverMode.NON_BLOCKING,
            max_buffer_size=cdk.Size.mebibytes(25),
        ),
    )  # fmt: skip
    container.add_port_mappings(ecs.PortMapping(container_port=environment.port))
    accept(definition, "AwsSolutions-ECS2", "The variables are settings without secrets; the keys come from the vault")
    if definition.execution_role:
        accept(definition.execution_role, "AwsSolutions-IAM5[Resource::*]",
               "ecr:GetAuthorizationToken supports no resource; all others name theirs")  # fmt: skip
    allow_model(definition, environment)
    return definition


def allow_model(definition: ecs.FargateTaskDefinition, environment: Environment) -> None:
    """Allows the service to call the endpoint in its settings; with a local model it gets no permissions."""
    if environment.settings.get("MODEL_ENDPOINT_PROVIDER", "local") != "sagemaker":
        return
    stack = cdk.Stack.of(definition)
    endpoint = environment.settings["SAGEMAKER_ENDPOINT_NAME"]
    definition.add_to_task_role_policy(
        iam.PolicyStatement(
            actions=["sagemaker:InvokeEndpoint"],
            resources=[stack.format_arn(service="sagemaker", resource="endpoint", resource_name=str(endpoint))],
        )
    )
