"""The ledger on AWS: a database that only replicas reach, secrets of its own, and a tape on the disk of the task."""

import re
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from infra.aws import names
from infra.aws.ledger import PREPARE
from infra.environments import Environment, read_environment
from project import ROOT

from leadscoring.settings import read_settings

from .conftest import ACCOUNT
from .test_service import Resource, found, only, statements

Synthesized = Callable[..., dict[str, Any]]

WITH_LEDGER = msgspec.structs.replace(ACCOUNT, deploy_ledger=True)


@pytest.fixture
def environment(name: str) -> Environment:
    """The sizes that the template must have."""
    return read_environment(name)


@pytest.fixture
def template(synthesized: Synthesized, name: str) -> dict[str, Any]:
    """The service's stack with a ledger; cdk-nag has accepted it."""
    return dict(synthesized(name, WITH_LEDGER)[names.SERVICE_STACK])


@pytest.fixture
def containers(template: dict[str, Any]) -> dict[str, Resource]:
    """The containers of a task by name."""
    made = only(template, "AWS::ECS::TaskDefinition")["ContainerDefinitions"]
    return {container["Name"]: container for container in made}


def test_without_it_nothing_is_made(synthesized: Synthesized, name: str) -> None:
    """Nobody pays for a database that was not asked for."""
    template = synthesized(name)[names.SERVICE_STACK]
    assert found(template, "AWS::RDS::DBInstance") == []
    (container,) = only(template, "AWS::ECS::TaskDefinition")["ContainerDefinitions"]
    assert not [pair for pair in container["Environment"] if pair["Name"].startswith("LEDGER")]


def test_the_database_has_the_size_of_the_environment(template: dict[str, Any], environment: Environment) -> None:
    """It is encrypted, backed up, and not on the internet; a deleted stack leaves a snapshot."""
    made, size = only(template, "AWS::RDS::DBInstance"), environment.aws.ledger
    assert (made["Engine"], made["EngineVersion"], made["DBName"]) == ("postgres", "17", "leadscoring")
    assert made["DBInstanceClass"] == f"db.{size.instance_type}"
    assert (int(made["AllocatedStorage"]), made["MaxAllocatedStorage"]) == (size.storage_gib, size.max_storage_gib)
    assert (made["MultiAZ"], made["BackupRetentionPeriod"]) == (size.multi_az, size.backup_days)
    assert (made["StorageEncrypted"], made["PubliclyAccessible"]) == (True, False)
    assert made["DeletionProtection"] == environment.aws.deletion_protection
    (resource,) = [made for made in template["Resources"].values() if made["Type"] == "AWS::RDS::DBInstance"]
    assert resource["DeletionPolicy"] == resource["UpdateReplacePolicy"] == "Snapshot"


def test_only_replicas_reach_it_and_in_private_subnets(template: dict[str, Any]) -> None:
    """By their security group, beside the way from the load balancer to them."""
    ways = found(template, "AWS::EC2::SecurityGroupIngress")
    assert all("SourceSecurityGroupId" in way for way in ways)
    assert len(ways) == 2
    replicas = only(template, "AWS::ECS::Service")["NetworkConfiguration"]["AwsvpcConfiguration"]
    (to_database,) = [way for way in ways if "Fn::GetAtt" in str(way["FromPort"])]
    assert to_database["SourceSecurityGroupId"] == replicas["SecurityGroups"][0]
    assert only(template, "AWS::RDS::DBSubnetGroup")["SubnetIds"] == replicas["Subnets"]


def test_no_password_stands_in_the_template(template: dict[str, Any], containers: dict[str, Resource]) -> None:
    """The address is one that the service takes, with an encrypted connection; libpq reads the password."""
    environ = {pair["Name"]: pair["Value"] for pair in containers["api"]["Environment"]}
    parts = environ["LEDGER"]["Fn::Join"][1]
    url = "".join(part if isinstance(part, str) else "host" if "Address" in str(part) else "5432" for part in parts)
    assert url == "postgresql://leadscoring@host:5432/leadscoring?sslmode=require"
    assert read_settings({"LEDGER": url}).ledger == url
    secrets = {secret["Name"]: str(secret["ValueFrom"]) for secret in containers["api"]["Secrets"]}
    assert set(secrets) == {"API_KEYS", "PGPASSWORD"}
    assert ":password::" in secrets["PGPASSWORD"]
    named = {
        secret["Name"]: secret["GenerateSecretString"] for secret in found(template, "AWS::SecretsManager::Secret")
    }
    assert set(named) == {names.API_KEYS, names.LEDGER_PASSWORD, names.LEDGER_KEY}


def test_the_secret_of_keys_is_one_that_the_service_takes_and_is_kept(template: dict[str, Any]) -> None:
    """64 digits from 0 to f; it outlives the stack, since nothing in the ledger is found without it."""
    (resource,) = [
        made for made in template["Resources"].values() if made["Properties"].get("Name") == names.LEDGER_KEY
    ]
    how = resource["Properties"]["GenerateSecretString"]
    left = set("0123456789abcdefghijklmnopqrstuvwxyz") - set(how["ExcludeCharacters"])
    assert left == set("0123456789abcdef")
    assert (how["PasswordLength"], how["ExcludePunctuation"], how["ExcludeUppercase"]) == (64, True, True)
    assert resource["DeletionPolicy"] == "Retain"


def test_a_container_before_the_service_hands_it_the_secret_and_the_folder(
    template: dict[str, Any], containers: dict[str, Resource]
) -> None:
    """It is of the same image, and the service starts when it has succeeded; the root stays read-only."""
    api, prepare = containers["api"], containers["prepare"]
    assert api["DependsOn"] == [{"ContainerName": "prepare", "Condition": "SUCCESS"}]
    assert (prepare["Essential"], prepare["Image"]) == (False, api["Image"])
    assert (prepare["EntryPoint"], prepare["Command"]) == (["sh", "-c"], [PREPARE])
    assert prepare["ReadonlyRootFilesystem"] is api["ReadonlyRootFilesystem"] is True
    assert [secret["Name"] for secret in prepare["Secrets"]] == ["LEDGER_KEY"]
    mounts = [{"ContainerPath": "/app/data", "ReadOnly": False, "SourceVolume": "data"}]
    assert prepare["MountPoints"] == api["MountPoints"] == mounts
    assert only(template, "AWS::ECS::TaskDefinition")["Volumes"] == [{"Name": "data"}]
    (working,) = re.findall(r"^WORKDIR (/app)$", (ROOT / "Dockerfile").read_text("utf-8"), re.MULTILINE)
    settings = read_settings({})
    assert f"{working}/{settings.ledger_key_file}" in PREPARE
    assert f"{working}/{settings.ledger_tape_path}".startswith("/app/data/")


def test_the_agent_may_read_the_secrets_and_no_others(template: dict[str, Any]) -> None:
    """Each by its name; the service itself may still do nothing."""
    read = [s for s in statements(template, "TaskExecutionRole") if "secretsmanager:GetSecretValue" in s["Action"]]
    assert "*" not in str([one["Resource"] for one in read])
    assert statements(template, "TaskTaskRole") == []


def test_the_template_is_small_enough_to_be_taken(synthesized: Synthesized) -> None:
    """With all that it can have, CloudFormation accepts it without a bucket."""
    import json

    template = synthesized("prod", WITH_LEDGER)[names.SERVICE_STACK]
    assert len(json.dumps(template, separators=(",", ":"))) < 51_200
