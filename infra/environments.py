"""The file of environments: all sizes of deployments, read and validated together, for all clouds.

``infra/config/environments.json`` is the only place for sizes. Numbers are integers, since Bicep also reads the file
and supports no others. Its JSON Schema is generated from the types below (``python -m infra.environments``).
"""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

import msgspec
from msgspec import Meta

from leadscoring.errors import SettingError, SettingsConflict
from leadscoring.settings import DEMO_KEY, TABLE, Settings, read_settings

CONFIG = Path(__file__).parent / "config"
FILE = CONFIG / "environments.json"
SCHEMA = CONFIG / "environments.schema.json"

NEEDED = ("ENV", "PORT", "WORKERS", "OPERATIONS_ACCESS", "CORS_ORIGINS", "KEEP_ALIVE_SECONDS", "DRAIN_SECONDS",
          "SHUTDOWN_SECONDS")  # fmt: skip
"""Settings that every environment must specify: a default of the service could change under a template."""

ELSEWHERE = {
    "LOG_LEVEL": "is log_level of the environment",
    "API_KEYS": "comes from the cloud's vault, and must not be in a file",
    "API_KEYS_FILE": "requires a file in the container, which a deployment does not create",
    "AZURE_ML_API_KEY": "comes from the cloud's vault, and must not be in a file",
    "LEDGER": "comes from the cloud's vault, since it has a password, and must not be in a file",
    "LEDGER_KEY_FILE": "is where the deployment mounts the secret, if it has a ledger",
    "LEDGER_TAPE_PATH": "is on the volume that the deployment mounts, if it has a ledger",
    "LEDGER_TAPE_BYTES": "is the size of that volume",
    "HOST": "is 0.0.0.0, as a container requires",
    "MODEL_PATH": "is the path of the model in the image",
    "SAGEMAKER_BIND_TO_PORT": "is set by SageMaker itself",
}
"""Settings that a file of environments must not contain, and why."""


KEEPER_SECONDS = 10
"""What the end of a replica takes beside draining and answering: workers that do not stop are killed after 2 seconds,
and the keeper of the ledger moves the tape, for 8 at most."""


class EnvironmentInvalid(Exception):
    """The file of environments is invalid; the message has the path, the value and what is allowed."""

    def __init__(self, name: str, faults: list[str]):
        super().__init__(f"environment {name}: " + "; ".join(faults))


Count = Annotated[int, Meta(ge=1, le=1000)]
Percent = Annotated[int, Meta(ge=1, le=100)]
Seconds = Annotated[int, Meta(ge=1, le=3600)]
Minutes = Annotated[int, Meta(ge=1, le=60)]
UrlPath = Annotated[str, Meta(pattern="^/[a-z/]+$")]


class Probe(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The health checks of a replica."""

    live_path: Annotated[UrlPath, Meta(description="Liveness: the replica restarts if it fails")]
    ready_path: Annotated[UrlPath, Meta(description="Readiness: the replica gets requests only while it returns 200")]
    interval_seconds: Annotated[int, Meta(ge=5, le=240, description="Time between two checks")]
    timeout_seconds: Annotated[int, Meta(ge=2, le=120, description="Timeout of a check; less than the interval")]
    healthy_count: Annotated[int, Meta(ge=2, le=10, description="Consecutive successes until a replica gets requests")]
    unhealthy_count: Annotated[int, Meta(ge=2, le=10, description="Consecutive failures until it gets none")]
    start_seconds: Annotated[int, Meta(ge=1, le=2400, description="Startup time, in which failures are ignored")]


class Ending(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The shutdown of a replica without losing a request, in addition to DRAIN_SECONDS and SHUTDOWN_SECONDS."""

    stop_seconds: Annotated[int, Meta(ge=1, le=120, description="Time between SIGTERM and SIGKILL")]
    deregistration_seconds: Annotated[
        int, Meta(ge=1, le=3600, description="Time in which the load balancer completes open requests")
    ]
    idle_seconds: Annotated[
        int, Meta(ge=1, le=3600, description="Time after which the load balancer closes an idle connection")
    ]


class Scaling(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Automatic scaling between min_replicas and max_replicas."""

    requests_per_second: Annotated[int, Meta(ge=1, le=100_000, description="Target per replica")]
    concurrent_requests: Annotated[
        int, Meta(ge=1, le=10_000, description="Target per replica, for clouds that count open requests instead")
    ]
    cpu_percent: Annotated[Percent, Meta(description="Target CPU usage per replica")]
    out_seconds: Annotated[Seconds, Meta(description="Minimum time between two steps up")]
    in_seconds: Annotated[Seconds, Meta(description="Minimum time between two steps down")]


class Alarms(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Thresholds of the alarms; docs/OPERATIONS.md describes the symptoms."""

    error_percent: Annotated[Percent, Meta(description="HighErrorRate: share of requests with a status of 5xx")]
    error_minutes: Annotated[Minutes, Meta(description="HighErrorRate: duration")]
    latency_ms: Annotated[int, Meta(ge=1, le=60_000, description="HighLatency: 95th percentile")]
    latency_minutes: Annotated[Minutes, Meta(description="HighLatency: duration")]
    down_minutes: Annotated[Minutes, Meta(description="ServiceDown: duration without a ready replica")]
    missing_minutes: Annotated[
        Minutes, Meta(description="TooFewReplicas: duration with fewer ready replicas than min_replicas")
    ]
    refused_percent: Annotated[Percent, Meta(description="RequestsRefused: share of requests with a status of 4xx")]
    refused_minutes: Annotated[Minutes, Meta(description="RequestsRefused: duration")]
    cpu_percent: Annotated[Percent, Meta(description="HighCpu: CPU usage")]
    memory_percent: Annotated[Percent, Meta(description="HighMemory: memory usage")]
    resource_minutes: Annotated[Minutes, Meta(description="HighCpu and HighMemory: duration")]
    log_errors: Annotated[Count, Meta(description="ErrorsLogged: log lines of level ERROR in 5 minutes")]
    model_failures: Annotated[Count, Meta(description="ModelEndpointFailure: failed calls in 5 minutes")]
    model_latency_ms: Annotated[int, Meta(ge=1, le=60_000, description="ModelSlow: 95th percentile")]


class Endpoint(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The instances of a SageMaker endpoint for the model, if it is deployed."""

    instance_type: Annotated[str, Meta(pattern=r"^ml\.[a-z0-9-]+\.[a-z0-9]+$", description="Instance type")]
    workers: Annotated[int, Meta(ge=1, le=64, description="WORKERS of the endpoint: the processors of an instance")]
    min_instances: Annotated[Count, Meta(description="Minimum number of instances")]
    max_instances: Annotated[Count, Meta(description="Maximum number of instances")]
    invocations_per_minute: Annotated[int, Meta(ge=1, le=1_000_000, description="Target per instance")]


class Database(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The PostgreSQL of the ledger on AWS, if it is deployed."""

    instance_type: Annotated[str, Meta(pattern=r"^[a-z0-9-]+\.[a-z0-9]+$", description="Instance type, without db.")]
    storage_gib: Annotated[int, Meta(ge=20, le=65_536, description="Storage at first")]
    max_storage_gib: Annotated[int, Meta(ge=22, le=65_536, description="Storage that it may grow to by itself")]
    multi_az: Annotated[bool, Meta(description="A standby in another zone")]
    backup_days: Annotated[int, Meta(ge=1, le=35, description="Days that it can be restored to, to any second of them")]


class Aws(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Sizes that only AWS has."""

    nat_gateways: Annotated[
        int, Meta(ge=1, le=3, description="NAT gateways of a new network; with 1, all zones depend on one zone")
    ]
    container_insights: Annotated[bool, Meta(description="Metrics of every task, for an extra charge")]
    deletion_protection: Annotated[bool, Meta(description="Protect the load balancer from deletion")]
    firewall: Annotated[bool, Meta(description="WAF in front of the load balancer")]
    firewall_requests: Annotated[
        int, Meta(ge=10, le=2_000_000_000, description="Limit of requests per address in 5 minutes")
    ]
    model_endpoint: Annotated[Endpoint, Meta(description="The SageMaker endpoint")]
    ledger: Annotated[Database, Meta(description="The database of the ledger")]


class OnlineEndpoint(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The instances of an Azure ML endpoint for the model, if it is deployed."""

    instance_type: Annotated[str, Meta(pattern=r"^Standard_[A-Za-z0-9_]+$", description="Instance type")]
    workers: Annotated[int, Meta(ge=1, le=64, description="WORKERS of the endpoint: the processors of an instance")]
    min_instances: Annotated[Count, Meta(description="Minimum number of instances")]
    max_instances: Annotated[Count, Meta(description="Maximum number of instances")]
    concurrent_requests: Annotated[Count, Meta(description="Limit of concurrent requests per instance")]


class FlexibleServer(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The PostgreSQL of the ledger on Azure, if it is deployed."""

    instance_type: Annotated[str, Meta(pattern=r"^Standard_[A-Za-z0-9_]+$", description="Instance type")]
    tier: Annotated[Literal["Burstable", "GeneralPurpose", "MemoryOptimized"], Meta(description="Tier of that type")]
    storage_gib: Annotated[
        Literal[32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384], Meta(description="Storage at first; it grows")
    ]
    standby: Annotated[bool, Meta(description="A standby in another zone; not with the tier Burstable")]
    backup_days: Annotated[int, Meta(ge=7, le=35, description="Days that it can be restored to, to any second of them")]


class Azure(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Sizes that only Azure has."""

    zone_redundant: Annotated[bool, Meta(description="Spread replicas over zones; requires a region with zones")]
    failed_requests: Annotated[
        Count, Meta(description="ServerErrors: responses of 5xx in 5 minutes, including those of the ingress")
    ]
    restarts: Annotated[Count, Meta(description="Restarts: number per replica")]
    model_endpoint: Annotated[OnlineEndpoint, Meta(description="The Azure ML online endpoint")]
    ledger: Annotated[FlexibleServer, Meta(description="The database of the ledger")]


class Environment(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """All sizes of one deployment."""

    log_level: Annotated[Literal["DEBUG", "INFO", "WARNING"], Meta(description="LOG_LEVEL of the service")]
    min_replicas: Annotated[Count, Meta(description="Minimum number of replicas")]
    max_replicas: Annotated[Count, Meta(description="Maximum number of replicas")]
    cpu_millicores: Annotated[
        Literal[250, 500, 1000, 2000, 4000], Meta(description="CPU per replica; 1000 is one virtual processor")
    ]
    memory_mib: Annotated[
        int, Meta(ge=512, le=8192, description="Memory per replica: 2048 for each 1000 cpu_millicores")
    ]
    settings: Annotated[
        dict[Annotated[str, Meta(pattern="^[A-Z][A-Z0-9_]*$")], str | int],
        Meta(description="Settings of the service, listed in docs/OPERATIONS.md, without secrets"),
    ]
    probe: Annotated[Probe, Meta(description="Health checks")]
    ending: Annotated[Ending, Meta(description="Shutdown of replicas")]
    scaling: Annotated[Scaling, Meta(description="Automatic scaling")]
    alarms: Annotated[Alarms, Meta(description="Thresholds of alarms")]
    log_retention_days: Annotated[
        Literal[1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731],
        Meta(description="Retention of log lines; at least 30 days and at most 730 on Azure"),
    ]
    aws: Annotated[Aws, Meta(description="Sizes that only AWS has")]
    azure: Annotated[Azure, Meta(description="Sizes that only Azure has")]

    @property
    def port(self) -> int:
        """The port on which the service listens."""
        return int(self.settings["PORT"])

    def environ(self) -> dict[str, str]:
        """Returns the environment variables of the container, without secrets."""
        return {"LOG_LEVEL": self.log_level} | {name: str(value) for name, value in sorted(self.settings.items())}

    def service_settings(self) -> Settings:
        """Returns the settings as the service reads them; raises ``SettingError`` or ``SettingsConflict``."""
        return read_settings({**self.environ(), "API_KEYS": "out-of-the-vault"})


class Relation(NamedTuple):
    """A constraint between values that are valid individually."""

    holds: Callable[[Environment, Settings], bool]
    allowed: str


RELATIONS = (
    Relation(lambda e, _: e.min_replicas <= e.max_replicas, "min_replicas must be at most max_replicas"),
    Relation(lambda e, _: e.memory_mib * 1000 == e.cpu_millicores * 2048,
             "memory_mib must be 2048 for each 1000 cpu_millicores, the only ratio that every cloud offers"),
    Relation(lambda e, s: s.workers == max(1, e.cpu_millicores // 1000),
             "WORKERS must be cpu_millicores / 1000, rounded down, at least 1"),
    Relation(lambda e, s: e.ending.stop_seconds > s.drain_seconds + s.shutdown_seconds + KEEPER_SECONDS,
             f"stop_seconds must be greater than DRAIN_SECONDS + SHUTDOWN_SECONDS + {KEEPER_SECONDS}, or responses are "
             "cut off, or the tape of the ledger is not moved"),
    Relation(lambda e, s: e.ending.deregistration_seconds >= s.drain_seconds + s.shutdown_seconds,
             "deregistration_seconds must be at least DRAIN_SECONDS + SHUTDOWN_SECONDS, or requests are lost"),
    Relation(lambda e, s: e.ending.idle_seconds < s.keep_alive_seconds,
             "idle_seconds must be less than KEEP_ALIVE_SECONDS, so that the load balancer closes first"),
    Relation(lambda e, s: e.ending.idle_seconds > s.request_timeout_seconds,
             "idle_seconds must be greater than REQUEST_TIMEOUT_SECONDS, so that the service times out first"),
    Relation(lambda e, _: e.probe.timeout_seconds < e.probe.interval_seconds,
             "timeout_seconds of probe must be less than its interval_seconds"),
    Relation(lambda _, s: "sagemaker" not in s.endpoint_protocols,
             "ENDPOINT_PROTOCOLS must not contain sagemaker on a port that clients reach: it scores without a key"),
    Relation(lambda e, _: e.scaling.cpu_percent < e.alarms.cpu_percent,
             "cpu_percent of scaling must be less than that of alarms, or the alarm fires before scaling out"),
    Relation(lambda e, _: e.aws.model_endpoint.min_instances <= e.aws.model_endpoint.max_instances,
             "min_instances must be at most max_instances"),
    Relation(lambda e, _: e.aws.ledger.max_storage_gib >= 1.1 * e.aws.ledger.storage_gib,
             "max_storage_gib of the ledger must be at least 1.1 x storage_gib, as RDS requires"),
    Relation(lambda e, _: not (e.azure.ledger.standby and e.azure.ledger.tier == "Burstable"),
             "standby of the ledger must be false with the tier Burstable, which has none"),
    Relation(lambda e, _: e.azure.model_endpoint.min_instances <= e.azure.model_endpoint.max_instances,
             "min_instances of azure must be at most its max_instances"),
)  # fmt: skip
"""All are checked, and all violations are reported. The service's own constraints are checked with its settings."""


def read_environment(name: str, file: Path = FILE) -> Environment:
    """Returns the named environment; raises ``EnvironmentInvalid`` if it does not exist or cannot be deployed."""
    environments = read_environments(file, name)
    return checked(name, environments.get(name), list(environments))


def read_environments(file: Path = FILE, name: str = "any") -> dict[str, Environment]:
    """Returns all environments by name, each validated by its type only; raises ``EnvironmentInvalid``."""
    try:
        raw_by_name: dict[str, Any] = msgspec.json.decode(file.read_bytes(), type=dict[str, Any])
        return {name: msgspec.convert(raw, Environment) for name, raw in raw_by_name.items() if name != "$schema"}
    except (OSError, msgspec.MsgspecError) as failure:
        raise EnvironmentInvalid(name, [f"{file.name}: {failure}"]) from None


def checked(name: str, environment: Environment | None, known: list[str]) -> Environment:
    """Returns the environment if it can be deployed; raises ``EnvironmentInvalid`` with all faults."""
    if environment is None:
        raise EnvironmentInvalid(name, [f"it does not exist; it must be one of {', '.join(known)}"])
    if faults := misplaced(environment):
        raise EnvironmentInvalid(name, faults)
    try:
        settings = environment.service_settings()
    except (SettingError, SettingsConflict) as failure:
        raise EnvironmentInvalid(name, [str(failure)]) from None
    if faults := [relation.allowed for relation in RELATIONS if not relation.holds(environment, settings)]:
        raise EnvironmentInvalid(name, faults)
    return environment


def misplaced(environment: Environment) -> list[str]:
    """Returns faults of the names of settings, and any occurrence of the demo key."""
    settings, known = environment.settings, {row.name for row in TABLE}
    faults = [
        f"settings must not contain the demo key, which is public; {key} does"
        for key in settings
        if holds_demo_key(settings[key])
    ]
    faults += [f"settings must not contain {key}: it {ELSEWHERE[key]}" for key in settings if key in ELSEWHERE]
    faults += [
        f"settings contain {key}, which is not a setting of the service"
        for key in settings
        if key not in known | set(ELSEWHERE)
    ]
    return faults + [f"settings must contain {key}" for key in NEEDED if key not in settings]


def holds_demo_key(value: object) -> bool:
    """Whether a value contains the demo key, which is public."""
    return DEMO_KEY in str(value)


def schema() -> dict[str, Any]:
    """Returns the JSON Schema of the file, for editors and other tools."""
    (environment,), parts = msgspec.json.schema_components([Environment], ref_template="#/$defs/{name}")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Environments of the Lead Scoring Service",
        "description": "All sizes of a deployment, by environment. Generated from infra/environments.py.",
        "type": "object",
        "properties": {"$schema": {"type": "string"}},
        "required": ["dev", "prod"],
        "additionalProperties": environment,
        "$defs": parts,
    }


def schema_text() -> str:
    """Returns the content of the schema file."""
    return msgspec.json.format(msgspec.json.encode(schema()), indent=2).decode() + "\n"


if __name__ == "__main__":
    sys.exit(SCHEMA.write_text(schema_text(), "utf-8") == 0)
