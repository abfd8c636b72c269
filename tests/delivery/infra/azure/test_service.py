"""The template of the service says what keeps it up, keeps it closed, and ends it without losing a request."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from infra.environments import Environment

Only = Callable[..., dict[str, Any]]
Changed = Callable[[Callable[[dict[str, Any]], object]], Path]


def remote(environment: dict[str, Any]) -> None:
    """Lets an Azure ML endpoint score."""
    environment["settings"] |= {
        "MODEL_ENDPOINT_PROVIDER": "azure",
        "AZURE_ML_ENDPOINT_URL": "https://a.example.com/score",
    }


@pytest.fixture
def app(only: Only) -> dict[str, Any]:
    """The container app."""
    return only("service", "app")


@pytest.fixture
def container(app: dict[str, Any]) -> dict[str, Any]:
    """The one container of a replica."""
    (container,) = app["properties"]["template"]["containers"]
    return dict(container)


def variables(container: dict[str, Any]) -> dict[str, str]:
    """What the container is told, by name; secrets by the name of theirs."""
    return {pair["name"]: pair.get("value", f"secret {pair.get('secretRef')}") for pair in container["env"]}


def test_things_have_the_names_that_operators_type(app: dict[str, Any], container: dict[str, Any]) -> None:
    """The guide's commands work as they stand."""
    assert (app["name"], container["name"]) == ("lead-scoring-api", "api")


def test_a_replica_has_the_size_and_the_settings_of_the_file(
    container: dict[str, Any], environment: Environment
) -> None:
    """And none beside them but its keys."""
    size = container["resources"]
    assert size["cpu"] == environment.cpu_millicores / 1000
    assert float(size["memory"].removesuffix("Gi")) == environment.memory_mib / 1024
    assert variables(container) == environment.environ() | {"API_KEYS": "secret api-keys"}


@pytest.mark.parametrize(("millicores", "mebibytes", "processors", "memory"), [
    (250, 512, 0.25, "0.5Gi"),
    (500, 1024, 0.5, "1Gi"),
    (1000, 2048, 1, "2Gi"),
    (4000, 8192, 4, "8Gi"),
])  # fmt: skip
def test_every_size_that_the_file_allows_is_told_as_azure_takes_it(
    changed: Changed, only: Only, millicores: int, mebibytes: int, processors: float, memory: str
) -> None:
    """Bicep has no numbers with a point, so they are put together."""
    folder = changed(lambda environment: environment.update(cpu_millicores=millicores, memory_mib=mebibytes))
    (container,) = only("service", "app", folder=folder)["properties"]["template"]["containers"]
    assert container["resources"] == {"cpu": processors, "memory": memory}


def test_clients_come_by_https_alone_to_the_port_of_the_api(app: dict[str, Any], environment: Environment) -> None:
    """The port of metrics and status is in no mapping, so that nothing leads to it from outside."""
    ingress = app["properties"]["configuration"]["ingress"]
    assert (ingress["external"], ingress["allowInsecure"], ingress["targetPort"]) == (True, False, environment.port)
    assert ingress["transport"] == "http"
    assert "additionalPortMappings" not in ingress
    assert ingress["traffic"] == [{"latestRevision": True, "weight": 100}]


def test_one_revision_counts_and_a_bad_one_takes_no_requests(app: dict[str, Any]) -> None:
    """Azure lets the old one answer until the new one is ready."""
    assert app["properties"]["configuration"]["activeRevisionsMode"] == "Single"


@pytest.fixture
def probes(container: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """What the container is asked, by what for."""
    return {probe["type"]: probe for probe in container["probes"]}


def test_a_replica_is_restarted_by_its_life_and_gets_requests_by_its_readiness(
    probes: dict[str, dict[str, Any]], environment: Environment
) -> None:
    """Paths, port and times are those of the file."""
    probe = environment.probe
    assert {kind: asked["httpGet"]["path"] for kind, asked in probes.items()} == {
        "Startup": "/health/live",
        "Liveness": "/health/live",
        "Readiness": "/health/ready",
    }
    for asked in probes.values():
        assert asked["httpGet"]["port"] == environment.port
        assert asked["timeoutSeconds"] == probe.timeout_seconds
    for kind in ("Liveness", "Readiness"):
        assert probes[kind]["periodSeconds"] == probe.interval_seconds
        assert probes[kind]["failureThreshold"] == probe.unhealthy_count
    assert probes["Readiness"]["successThreshold"] == probe.healthy_count
    assert probes["Liveness"].get("successThreshold", 1) == 1  # Azure allows no other


@pytest.mark.parametrize("seconds", [1, 30, 45, 2400])
def test_a_start_has_the_time_of_the_file_within_what_azure_allows(changed: Changed, only: Only, seconds: int) -> None:
    """Ten questions, at most 240 seconds apart, and no shorter than the file says."""
    folder = changed(lambda environment: environment["probe"].update(start_seconds=seconds))
    (container,) = only("service", "app", folder=folder)["properties"]["template"]["containers"]
    startup = container["probes"][0]
    assert startup["type"] == "Startup"
    assert seconds <= startup["periodSeconds"] * startup["failureThreshold"] < seconds + 10
    assert (1 <= startup["periodSeconds"] <= 240, startup["failureThreshold"]) == (True, 10)


def test_a_replica_has_longer_to_end_than_it_takes(app: dict[str, Any], environment: Environment) -> None:
    """It is killed only after it has drained and answered what it had accepted."""
    settings = environment.service_settings()
    grace = app["properties"]["template"]["terminationGracePeriodSeconds"]
    assert grace == environment.ending.stop_seconds
    assert settings.drain_seconds + settings.shutdown_seconds < grace <= 600  # Azure's own limit


def test_replicas_follow_requests_and_processors(app: dict[str, Any], environment: Environment) -> None:
    """Between the limits of the file."""
    scale = app["properties"]["template"]["scale"]
    assert (scale["minReplicas"], scale["maxReplicas"]) == (environment.min_replicas, environment.max_replicas)
    requests, processors = scale["rules"]
    assert requests["http"]["metadata"] == {"concurrentRequests": str(environment.scaling.concurrent_requests)}
    assert processors["custom"]["type"] == "cpu"
    assert processors["custom"]["metadata"] == {"type": "Utilization", "value": str(environment.scaling.cpu_percent)}
    assert scale["pollingInterval"] == environment.scaling.out_seconds
    assert scale["cooldownPeriod"] == environment.scaling.in_seconds


def test_keys_come_out_of_the_vault_and_the_image_out_of_the_registry_by_identity(app: dict[str, Any]) -> None:
    """No password and no key is in the template, and a secret without a version is followed."""
    configuration = app["properties"]["configuration"]
    assert configuration["secrets"] == [{
        "name": "api-keys", "keyVaultUrl": "<vault.properties.vaultUri>secrets/api-keys", "identity": "identity.id",
    }]  # fmt: skip
    (registry,) = configuration["registries"]
    assert set(registry) == {"server", "identity"}
    assert app["identity"] == {"type": "UserAssigned", "userAssignedIdentities": {"<identity.id>": {}}}


def test_the_identity_may_pull_images_and_read_secrets_and_nothing_else(only: Only) -> None:
    """By roles of Azure's, on the one registry and the one vault."""
    pull, read = only("foundation", "mayPull"), only("foundation", "mayReadSecrets")
    assert (pull["scope"].symbol, read["scope"].symbol) == ("registry", "vault")
    assert pull["properties"]["roleDefinitionId"].endswith("/7f951dda-4ed3-4680-a7ca-43fe172d538d")  # AcrPull
    assert read["properties"]["roleDefinitionId"].endswith("/4633458b-17de-408a-b874-0445c86b69e6")  # Secrets User
    assert {each["properties"]["principalId"] for each in (pull, read)} == {"identity.properties.principalId"}


def test_who_deploys_may_rotate_the_keys(only: Only) -> None:
    """And they are written by the template, so that nobody needs that right before."""
    rotate = only("foundation", "mayRotateKeys")["properties"]
    assert rotate["roleDefinitionId"].endswith("/b86a8fe4-44ce-4948-aee5-eccb2c155cd7")  # Secrets Officer
    assert rotate["principalId"] == "deployer().objectId"


def test_the_vault_loses_nothing_and_the_registry_has_no_password(only: Only) -> None:
    """Rights are roles, what is deleted can be fetched back, and no administrator has a password."""
    vault = only("foundation", "vault")["properties"]
    assert vault["enableRbacAuthorization"] is vault["enableSoftDelete"] is vault["enablePurgeProtection"] is True
    registry = only("foundation", "registry")["properties"]
    assert registry["adminUserEnabled"] is registry["anonymousPullEnabled"] is False


def test_names_that_the_world_shares_are_short_enough(only: Only) -> None:
    """24 characters for vaults and storage, and letters and digits alone where Azure takes no hyphen."""
    names = [only("foundation", "vault")["name"], only("model", "vault")["name"], only("model", "storage")["name"]]
    assert all(len(name) <= 24 for name in names)
    assert names[2].isalnum()
    assert only("foundation", "registry")["name"].isalnum()


def test_secrets_are_written_only_when_there_are_any(made: Callable[..., list[Any]]) -> None:
    """A deployment without them leaves those in the vault alone."""
    assert not [each for each in made("foundation") if each.kind.endswith("/secrets")]
    written = {
        each.name: each.body["properties"]["value"]
        for each in made("foundation", apiKeys="a,b", modelKey="c")
        if each.kind.endswith("/secrets")
    }
    assert written == {"api-keys": "a,b", "azure-ml-api-key": "c"}


@pytest.mark.parametrize(("days", "kept"), [(1, 30), (14, 30), (90, 90), (731, 730)])
def test_log_lines_are_kept_as_long_as_the_file_says(changed: Changed, only: Only, days: int, kept: int) -> None:
    """Within what Azure takes: 30 to 730 days."""
    folder = changed(lambda environment: environment.update(log_retention_days=days))
    assert only("foundation", "workspace", folder=folder)["properties"]["retentionInDays"] == kept


def test_lines_go_into_the_table_that_the_guide_asks(only: Only) -> None:
    """ContainerAppConsoleLogs_CL is what this destination writes."""
    logs = only("service", "environment")["properties"]["appLogsConfiguration"]
    assert logs["destination"] == "log-analytics"
    assert logs["logAnalyticsConfiguration"]["customerId"] == "workspace.properties.customerId"


def test_replicas_are_spread_over_zones_where_the_file_wants_it(only: Only, environment: Environment) -> None:
    """Which takes a network, and one that is made unless it is given."""
    made = only("service", "environment")["properties"]
    assert made["zoneRedundant"] == environment.azure.zone_redundant
    assert made["vnetConfiguration"]["infrastructureSubnetId"] == "network.outputs.subnetId"
    subnet, _ = only("service", "network")["properties"]["subnets"]
    assert subnet["properties"]["delegations"][0]["properties"]["serviceName"] == "Microsoft.App/environments"


def test_a_subnet_that_is_given_is_used(made: Callable[..., list[Any]], only: Only) -> None:
    """And no network is made."""
    given = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/n/subnets/apps"
    found = made("service", infrastructureSubnetId=given)
    assert not [each for each in found if each.kind == "Microsoft.Network/virtualNetworks"]
    environment = only("service", "environment", infrastructureSubnetId=given)
    assert environment["properties"]["vnetConfiguration"]["infrastructureSubnetId"] == given


def test_a_name_of_ones_own_stays_through_deployments(only: Only) -> None:
    """One that the template did not know would be taken off by the next."""
    assert only("service", "app")["properties"]["configuration"]["ingress"]["customDomains"] == []
    app = only("service", "app", customDomain="leads.example.com", certificateId="/subscriptions/c")
    assert app["properties"]["configuration"]["ingress"]["customDomains"] == [
        {"name": "leads.example.com", "certificateId": "/subscriptions/c", "bindingType": "SniEnabled"}
    ]


def test_a_remote_model_is_called_by_identity(changed: Changed, only: Only) -> None:
    """Which has to be named; no key is anywhere."""
    (container,) = only("service", "app", folder=changed(remote))["properties"]["template"]["containers"]
    told = variables(container)
    assert told["AZURE_CLIENT_ID"] == "identity.properties.clientId"
    assert told["MODEL_ENDPOINT_PROVIDER"] == "azure"
    assert "AZURE_ML_API_KEY" not in told


def test_a_remote_model_that_asks_for_a_key_gets_it_out_of_the_vault(changed: Changed, only: Only) -> None:
    """Where the vault has one."""
    app = only("service", "app", folder=changed(remote), useModelKey=True)["properties"]
    told = variables(app["template"]["containers"][0])
    assert told["AZURE_ML_API_KEY"] == "secret azure-ml-api-key"
    assert "AZURE_CLIENT_ID" not in told
    assert [secret["name"] for secret in app["configuration"]["secrets"]] == ["api-keys", "azure-ml-api-key"]


def test_everything_is_marked_with_its_service_and_its_environment(
    made: Callable[..., list[Any]], environment: Environment, name: str
) -> None:
    """But for what Azure lets nobody mark."""
    unmarked = ("/roleAssignments", "/roleDefinitions", "/diagnosticSettings", "/environments", "/versions")
    for template in ("foundation", "service", "model"):
        for each in made(template):
            if not each.kind.endswith(unmarked):
                assert each.body["tags"] == {"service": "lead-scoring", "environment": name}, each.symbol
