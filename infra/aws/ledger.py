"""The ledger of scores and outcomes: a PostgreSQL in the private subnets, its secrets, and the tape of a replica."""

from typing import NamedTuple

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_logs as logs
from aws_cdk import aws_rds as rds
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from infra.aws import names
from infra.aws.accepted import accept
from infra.environments import Environment

VERSION = "17"
"""The major version; RDS chooses and updates the minor one."""

USER = DATABASE = "leadscoring"
DATA = "/app/data"
"""The folder in the image for the tape and the file of the secret."""

PREPARE = f"umask 077 && printf '%s' \"$LEDGER_KEY\" > {DATA}/ledger.key && chown -R 10001:10001 {DATA}"
"""What runs before the service: Fargate hands out secrets as variables only, and volumes that belong to root."""


class Ledger(NamedTuple):
    """The database, and the secret with which ids of leads are hashed."""

    database: rds.DatabaseInstance
    key: secretsmanager.Secret


def ledger(scope: Construct, environment: Environment, vpc: ec2.IVpc) -> Ledger:
    """Creates the database and both secrets; a deleted stack leaves the key, and a snapshot."""
    size = environment.aws.ledger
    database = rds.DatabaseInstance(
        scope,
        "Ledger",
        engine=rds.DatabaseInstanceEngine.postgres(version=rds.PostgresEngineVersion.of(VERSION, VERSION)),
        instance_type=ec2.InstanceType(size.instance_type),
        vpc=vpc,
        vpc_subnets=ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_WITH_EGRESS),
        publicly_accessible=False,
        credentials=rds.Credentials.from_generated_secret(USER, secret_name=names.LEDGER_PASSWORD),
        database_name=DATABASE,
        allocated_storage=size.storage_gib,
        max_allocated_storage=size.max_storage_gib,
        storage_type=rds.StorageType.GP3,
        storage_encrypted=True,
        multi_az=size.multi_az,
        backup_retention=cdk.Duration.days(size.backup_days),
        delete_automated_backups=False,
        copy_tags_to_snapshot=True,
        deletion_protection=environment.aws.deletion_protection,
        auto_minor_version_upgrade=True,
        removal_policy=cdk.RemovalPolicy.SNAPSHOT,
    )
    accept(database, "AwsSolutions-RDS11", "Another port hides nothing: only replicas reach the database")
    accept(database, "AwsSolutions-SMG4", "A new password needs new replicas, so operators change it")
    if not size.multi_az:
        accept(database, "AwsSolutions-RDS3", "While it is down, scoring goes on and the tape keeps the scores")
    if not environment.aws.deletion_protection:
        accept(database, "AwsSolutions-RDS10", "The environment says that it may be deleted")
    return Ledger(database, key(scope))


def key(scope: Construct) -> secretsmanager.Secret:
    """Creates the secret of 64 digits from 0 to f. It is kept: without it the ledger finds no lead by its id."""
    made = secretsmanager.Secret(
        scope,
        "LedgerKey",
        secret_name=names.LEDGER_KEY,
        description="The secret with which the ledger hashes ids of leads; it must never change",
        generate_secret_string=secretsmanager.SecretStringGenerator(
            password_length=64, exclude_punctuation=True, exclude_uppercase=True,
            exclude_characters="ghijklmnopqrstuvwxyz",
        ),
        removal_policy=cdk.RemovalPolicy.RETAIN,
    )  # fmt: skip
    accept(made, "AwsSolutions-SMG4", "With another secret the ledger would find no lead again")
    return made


def keep_scores(definition: ecs.FargateTaskDefinition, made: Ledger, lines: logs.ILogGroup) -> None:
    """Lets the replicas of a definition keep their scores: the tape is on the disk of the task."""
    api = definition.default_container
    assert api is not None  # noqa: S101  # a container was added
    definition.add_volume(name="data")
    mount = ecs.MountPoint(container_path=DATA, source_volume="data", read_only=False)
    prepare = definition.add_container(
        "prepare",
        image=ecs.ContainerImage.from_registry(api.image_name),
        essential=False,
        user="0",
        entry_point=["sh", "-c"],
        command=[PREPARE],
        readonly_root_filesystem=True,
        secrets={"LEDGER_KEY": ecs.Secret.from_secrets_manager(made.key)},
        logging=ecs.LogDrivers.aws_logs(log_group=lines, stream_prefix="prepare"),
    )
    prepare.add_mount_points(mount)
    api.add_mount_points(mount)
    api.add_container_dependencies(
        ecs.ContainerDependency(container=prepare, condition=ecs.ContainerDependencyCondition.SUCCESS)
    )
    address, port = made.database.db_instance_endpoint_address, made.database.db_instance_endpoint_port
    api.add_environment("LEDGER", f"postgresql://{USER}@{address}:{port}/{DATABASE}?sslmode=require")
    assert made.database.secret is not None  # noqa: S101  # its credentials are generated
    api.add_secret("PGPASSWORD", ecs.Secret.from_secrets_manager(made.database.secret, "password"))
