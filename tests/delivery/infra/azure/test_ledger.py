"""The ledger on Azure: a database that only the service's network reaches, secrets in the vault, and volumes of a replica."""

from collections.abc import Callable
from typing import Any

import pytest
from infra.environments import Environment

from leadscoring.settings import read_settings

Only = Callable[..., dict[str, Any]]
Made = Callable[..., list[Any]]

URL = "postgresql://leadscoring@{host}:5432/leadscoring?sslmode=require"


@pytest.fixture
def app(only: Only) -> dict[str, Any]:
    """The container app of a service with a ledger."""
    return only("service", "app", useLedger=True)


@pytest.fixture
def container(app: dict[str, Any]) -> dict[str, Any]:
    """The one container of a replica."""
    (container,) = app["properties"]["template"]["containers"]
    return dict(container)


def test_without_it_nothing_is_made(made: Made, only: Only) -> None:
    """Nobody pays for a database that was not asked for."""
    assert not [each for each in made("service") if each.kind.startswith("Microsoft.DBforPostgreSQL")]
    template = only("service", "app")["properties"]["template"]
    assert template["volumes"] == template["containers"][0]["volumeMounts"] == []


def test_the_database_has_the_size_of_the_environment(only: Only, environment: Environment) -> None:
    """With backups, and a standby where the file wants one."""
    made, size = only("service", "server", useLedger=True), environment.azure.ledger
    about = made["properties"]
    assert made["sku"] == {"name": size.instance_type, "tier": size.tier}
    assert about["storage"] == {"storageSizeGB": size.storage_gib, "autoGrow": "Enabled"}
    assert about["backup"]["backupRetentionDays"] == size.backup_days
    assert about["highAvailability"]["mode"] == ("ZoneRedundant" if size.standby else "Disabled")
    assert about["version"] == "17"


def test_only_the_network_of_the_service_reaches_it(only: Only) -> None:
    """It has a subnet of its own, and a name that only this network knows."""
    network = only("service", "server", useLedger=True)["properties"]["network"]
    assert network["delegatedSubnetResourceId"] == "network.outputs.ledgerSubnetId"
    assert "publicNetworkAccess" not in network
    _, subnet = only("service", "network", useLedger=True)["properties"]["subnets"]
    (delegation,) = subnet["properties"]["delegations"]
    assert delegation["properties"]["serviceName"] == "Microsoft.DBforPostgreSQL/flexibleServers"
    link = only("service", "link", useLedger=True)
    assert link["properties"] == {
        "registrationEnabled": False, "virtualNetwork": {"id": "network.outputs.networkId"},
    }  # fmt: skip


def test_secrets_come_out_of_the_vault(app: dict[str, Any], container: dict[str, Any], only: Only) -> None:
    """The password for the database and for the service, and the secret with which ids are hashed, as a file."""
    configured = {each["name"]: each["keyVaultUrl"] for each in app["properties"]["configuration"]["secrets"]}
    assert set(configured) == {"api-keys", "ledger-password", "ledger-key"}
    assert "getSecret" in only("service", "server", useLedger=True)["properties"]["administratorLoginPassword"]
    assert only("foundation", "vault")["properties"]["enabledForTemplateDeployment"] is True
    told = {pair["name"]: pair.get("value", f"secret {pair.get('secretRef')}") for pair in container["env"]}
    assert told["PGPASSWORD"] == "secret ledger-password"
    assert told["LEDGER"] == URL.format(host="<ledger.outputs.host>")
    environ = {name: value for name, value in told.items() if not value.startswith("secret ")}
    settings = read_settings(environ | {"API_KEYS": "any", "LEDGER": URL.format(host="db")})
    volumes = {each["name"]: each for each in app["properties"]["template"]["volumes"]}
    mounts = {each["mountPath"]: volumes[each["volumeName"]] for each in container["volumeMounts"]}
    folder, _, file = settings.ledger_key_file.rpartition("/")
    assert mounts[folder]["storageType"] == "Secret"
    assert mounts[folder]["secrets"] == [{"secretRef": "ledger-key", "path": file}]
    above, _, tape = settings.ledger_tape_path.rpartition("/")
    assert (mounts[above]["storageType"], bool(tape)) == ("EmptyDir", True)
