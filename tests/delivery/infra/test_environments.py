"""The file of environments holds what a deployment needs, and nothing that could not be deployed."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from infra.environments import (
    ELSEWHERE,
    FILE,
    KEEPER_SECONDS,
    RELATIONS,
    SCHEMA,
    EnvironmentInvalid,
    read_environment,
    read_environments,
    schema_text,
)
from jsonschema import Draft202012Validator

from leadscoring.api.routes import PATHS
from leadscoring.serving.keeper_process import PATIENCE_SECONDS
from leadscoring.settings import DEMO_KEY, TABLE

NAMES = ("dev", "prod")
RAW: dict[str, Any] = json.loads(FILE.read_bytes())

Change = Callable[[dict[str, Any]], object]


def test_the_end_leaves_the_keeper_the_time_that_it_takes() -> None:
    """After the supervisor has waited for its workers."""
    assert KEEPER_SECONDS >= PATIENCE_SECONDS + 2


def changed(folder: Path, change: Change, name: str = "prod") -> Path:
    """A file like the project's, with something changed in one environment."""
    raw = json.loads(FILE.read_bytes())
    change(raw[name])
    file = folder / "environments.json"
    file.write_text(json.dumps(raw), "utf-8")
    return file


@pytest.mark.parametrize(("name", "log_level", "low", "high"), [("dev", "DEBUG", 2, 5), ("prod", "INFO", 3, 10)])
def test_the_fields_of_the_operations_guide_have_its_values(name: str, log_level: str, low: int, high: int) -> None:
    """They stand at the top of each environment, under the names that the guide gives them."""
    assert (RAW[name]["log_level"], RAW[name]["min_replicas"], RAW[name]["max_replicas"]) == (log_level, low, high)


def test_the_file_keeps_to_its_schema() -> None:
    """Editors and other tools check it by the same rules."""
    schema = json.loads(SCHEMA.read_bytes())
    Draft202012Validator.check_schema(schema)
    assert RAW["$schema"] == SCHEMA.name
    assert [fault.message for fault in Draft202012Validator(schema).iter_errors(RAW)] == []


@pytest.mark.parametrize("change", [
    lambda e: e.update(replicas=3),
    lambda e: e.update(cpu_millicores=1500),
    lambda e: e["probe"].update(interval_seconds=0),
    lambda e: e["settings"].update(port=1),
    lambda e: e["alarms"].pop("latency_ms"),
])  # fmt: skip
def test_the_schema_refuses_what_the_code_refuses(tmp_path: Path, change: Change) -> None:
    """Both are made from the same types."""
    file = changed(tmp_path, change)
    assert not Draft202012Validator(json.loads(SCHEMA.read_bytes())).is_valid(json.loads(file.read_bytes()))
    with pytest.raises(EnvironmentInvalid):
        read_environment("prod", file)


def test_the_schema_is_fresh() -> None:
    """`python -m infra.environments` writes it."""
    assert SCHEMA.read_text("utf-8") == schema_text()


def numbers_in(value: object) -> list[object]:
    """Every number in a JSON value."""
    if isinstance(value, dict):
        return [number for part in value.values() for number in numbers_in(part)]
    return [value] if isinstance(value, float) else []


def test_every_number_is_whole() -> None:
    """Bicep reads the same file, and knows no others."""
    assert numbers_in(RAW) == []


@pytest.mark.parametrize("name", NAMES)
def test_an_environment_starts_the_service(name: str) -> None:
    """Its settings are known to the service, allowed by it, and go together."""
    environment = read_environment(name)
    settings = environment.service_settings()
    assert settings.log_level == environment.log_level
    assert set(environment.settings) <= {row.name for row in TABLE}
    assert {environment.probe.live_path, environment.probe.ready_path} <= set(PATHS)


def test_production_refuses_the_demo_key_by_itself() -> None:
    """Whatever the vault holds."""
    assert read_environment("prod").service_settings().refuses_insecure


@pytest.mark.parametrize("name", NAMES)
def test_metrics_and_status_are_not_open_to_the_internet(name: str) -> None:
    """They are at a port that the load balancer does not know."""
    settings = read_environment(name).service_settings()
    assert settings.operations_access == "port"
    assert settings.operations_port != settings.port


def test_production_spans_more_than_one_zone() -> None:
    """On AWS one that fails takes the others' way to the internet with it otherwise."""
    assert read_environment("prod").aws.nat_gateways > 1
    assert read_environment("prod").azure.zone_redundant


BREAKS: dict[str, Change] = {
    "min_replicas must be at most": lambda e: e.update(min_replicas=11),
    "memory_mib must be 2048": lambda e: e.update(memory_mib=2048),
    "WORKERS must be": lambda e: e["settings"].update(WORKERS=3),
    "stop_seconds must be greater": lambda e: e["ending"].update(stop_seconds=35),
    "deregistration_seconds must be": lambda e: e["ending"].update(deregistration_seconds=24),
    "idle_seconds must be less": lambda e: e["ending"].update(idle_seconds=75),
    "idle_seconds must be greater": lambda e: e["ending"].update(idle_seconds=10),
    "timeout_seconds of probe": lambda e: e["probe"].update(timeout_seconds=10),
    "ENDPOINT_PROTOCOLS must not": lambda e: e["settings"].update(ENDPOINT_PROTOCOLS="sagemaker"),
    "cpu_percent of scaling": lambda e: e["scaling"].update(cpu_percent=80),
    "min_instances must be": lambda e: e["aws"]["model_endpoint"].update(min_instances=7),
    "max_storage_gib of the ledger must be": lambda e: e["aws"]["ledger"].update(max_storage_gib=109),
    "standby of the ledger must be": lambda e: e["azure"]["ledger"].update(tier="Burstable"),
    "min_instances of azure must be": lambda e: e["azure"]["model_endpoint"].update(min_instances=7),
}


@pytest.mark.parametrize("said", BREAKS)
def test_figures_that_do_not_go_together_are_refused(tmp_path: Path, said: str) -> None:
    """Each relation by itself, with what is allowed."""
    with pytest.raises(EnvironmentInvalid, match=said):
        read_environment("prod", changed(tmp_path, BREAKS[said]))


def test_every_relation_is_tried() -> None:
    """A new one needs a line in the table above."""
    assert len(BREAKS) == len(RELATIONS)
    assert all(any(relation.allowed.startswith(said.split(" must")[0]) for said in BREAKS) for relation in RELATIONS)


@pytest.mark.parametrize(("change", "said"), [
    (lambda e: e["settings"].update(WORKER=2), "WORKER, which is not a setting of the service"),
    (lambda e: e["settings"].update(PORT="many"), "PORT"),
    (lambda e: e["settings"].update(REQUEST_TIMEOUT_SECONDS=21), "REQUEST_TIMEOUT_SECONDS must be at most"),
    (lambda e: e["settings"].update(CORS_ORIGINS="*"), "CORS_ORIGINS must list"),
    (lambda e: e["settings"].pop("DRAIN_SECONDS"), "settings must contain DRAIN_SECONDS"),
    (lambda e: e["settings"].update(API_KEYS=f"a,{DEMO_KEY}"), "demo key, which is public; API_KEYS does"),
    (lambda e: e["settings"].update(MODEL_VERSION=DEMO_KEY), "demo key, which is public; MODEL_VERSION does"),
])  # fmt: skip
def test_settings_that_the_service_would_refuse_are_refused_before(tmp_path: Path, change: Change, said: str) -> None:
    """With the service's own table and relations."""
    with pytest.raises(EnvironmentInvalid, match=said):
        read_environment("prod", changed(tmp_path, change))


@pytest.mark.parametrize("name", ELSEWHERE)
def test_secrets_and_what_has_another_place_are_refused(tmp_path: Path, name: str) -> None:
    """A file that is in the repository holds no key."""
    with pytest.raises(EnvironmentInvalid, match=f"must not contain {name}"):
        read_environment("dev", changed(tmp_path, lambda e: e["settings"].update({name: "x"}), "dev"))


def test_no_secret_of_the_service_may_stand_in_the_file() -> None:
    """Those that it learns later neither."""
    assert {row.name for row in TABLE if row.secret} <= set(ELSEWHERE)


def test_an_environment_that_is_not_there_is_refused_with_those_that_are() -> None:
    """A typing error must not deploy another one."""
    with pytest.raises(EnvironmentInvalid, match=r"environment staging: .* one of dev, prod"):
        read_environment("staging")


def test_every_environment_of_the_file_can_be_deployed() -> None:
    """Those that are added too."""
    for name in read_environments():
        assert isinstance(read_environment(name), msgspec.Struct)
