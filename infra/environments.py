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
    "API_KEYS": "comes out of the cloud's vault, and must not stand in a file",
    "API_KEYS_FILE": "needs a file in the container, and none is put there",
    "AZURE_ML_API_KEY": "comes out of the cloud's vault, and must not stand in a file",
    "HOST": "is every address, as a container needs it",
    "MODEL_PATH": "is where the image has its model",
    "SAGEMAKER_BIND_TO_PORT": "is set by SageMaker itself",
}
"""Settings that a file of environments must not contain, and why."""


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
    """How the clouds ask whether a replica is well."""

    live_path: Annotated[UrlPath, Meta(description="Restarts when it fails")]
    ready_path: Annotated[UrlPath, Meta(description="Gets requests only while it is answered with 200")]
    interval_seconds: Annotated[int, Meta(ge=5, le=240, description="Between two questions")]
    timeout_seconds: Annotated[int, Meta(ge=2, le=120, description="For an answer; less than the interval")]
    healthy_count: Annotated[int, Meta(ge=2, le=10, description="Good answers in a row until requests are sent")]
    unhealthy_count: Annotated[int, Meta(ge=2, le=10, description="Bad answers in a row until none are sent")]
    start_seconds: Annotated[int, Meta(ge=1, le=2400, description="In which a new replica's failures do not count")]


class Ending(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How a replica is taken away without losing a request, beside DRAIN_SECONDS and SHUTDOWN_SECONDS."""

    stop_seconds: Annotated[int, Meta(ge=1, le=120, description="From the request to stop until it is killed")]
    deregistration_seconds: Annotated[
        int, Meta(ge=1, le=3600, description="In which the load balancer lets open requests end")
    ]
    idle_seconds: Annotated[
        int, Meta(ge=1, le=3600, description="After which the load balancer closes an idle connection")
    ]


class Scaling(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """When replicas come and go, between min_replicas and max_replicas."""

    requests_per_second: Annotated[int, Meta(ge=1, le=100_000, description="That one replica should have")]
    concurrent_requests: Annotated[
        int, Meta(ge=1, le=10_000, description="The same, where a cloud counts open requests instead")
    ]
    cpu_percent: Annotated[Percent, Meta(description="That one replica should use")]
    out_seconds: Annotated[Seconds, Meta(description="Between two steps up")]
    in_seconds: Annotated[Seconds, Meta(description="Between two steps down")]


class Alarms(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """From when on somebody is told; the symptoms are those of docs/OPERATIONS.md."""

    error_percent: Annotated[Percent, Meta(description="HighErrorRate: of requests, with a status of 500 or more")]
    error_minutes: Annotated[Minutes, Meta(description="HighErrorRate: for so long")]
    latency_ms: Annotated[int, Meta(ge=1, le=60_000, description="HighLatency: the 95th percentile")]
    latency_minutes: Annotated[Minutes, Meta(description="HighLatency: for so long")]
    down_minutes: Annotated[Minutes, Meta(description="ServiceDown: no replica is ready for so long")]
    missing_minutes: Annotated[Minutes, Meta(description="TooFewReplicas: less than min_replicas for so long")]
    refused_percent: Annotated[Percent, Meta(description="RequestsRefused: of requests, with a status of 4xx")]
    refused_minutes: Annotated[Minutes, Meta(description="RequestsRefused: for so long")]
    cpu_percent: Annotated[Percent, Meta(description="HighCpu")]
    memory_percent: Annotated[Percent, Meta(description="HighMemory")]
    resource_minutes: Annotated[Minutes, Meta(description="HighCpu and HighMemory: for so long")]
    log_errors: Annotated[Count, Meta(description="ErrorsLogged: lines of level ERROR in 5 minutes")]
    model_failures: Annotated[Count, Meta(description="ModelEndpointFailure: failed calls in 5 minutes")]
    model_latency_ms: Annotated[int, Meta(ge=1, le=60_000, description="ModelSlow: the 95th percentile")]


class Endpoint(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The machines of the model's own endpoint, where there is one."""

    instance_type: Annotated[str, Meta(pattern=r"^ml\.[a-z0-9-]+\.[a-z0-9]+$", description="A kind of machine")]
    workers: Annotated[int, Meta(ge=1, le=64, description="WORKERS there: the processors of an instance")]
    min_instances: Annotated[Count, Meta(description="At least")]
    max_instances: Annotated[Count, Meta(description="At most")]
    invocations_per_minute: Annotated[int, Meta(ge=1, le=1_000_000, description="That one instance should have")]


class Aws(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What only AWS has."""

    nat_gateways: Annotated[int, Meta(ge=1, le=3, description="Ways out of the network that is made; 1 is one zone's")]
    container_insights: Annotated[bool, Meta(description="Metrics of every task, at a price")]
    deletion_protection: Annotated[bool, Meta(description="Refuse to delete the load balancer")]
    firewall: Annotated[bool, Meta(description="WAF in front of the load balancer")]
    firewall_requests: Annotated[
        int, Meta(ge=10, le=2_000_000_000, description="Of one address in 5 minutes, before the firewall refuses them")
    ]
    model_endpoint: Annotated[Endpoint, Meta(description="The SageMaker endpoint")]


class OnlineEndpoint(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The machines of the model's own endpoint on Azure ML, where there is one."""

    instance_type: Annotated[str, Meta(pattern=r"^Standard_[A-Za-z0-9_]+$", description="A kind of machine")]
    workers: Annotated[int, Meta(ge=1, le=64, description="WORKERS there: the processors of an instance")]
    min_instances: Annotated[Count, Meta(description="At least")]
    max_instances: Annotated[Count, Meta(description="At most")]
    concurrent_requests: Annotated[Count, Meta(description="That one instance takes at the same time")]


class Azure(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What only Azure has."""

    zone_redundant: Annotated[bool, Meta(description="Spread replicas over zones; a region without any refuses it")]
    failed_requests: Annotated[
        Count, Meta(description="ServerErrors: answers of 500 or more in 5 minutes, those of the ingress too")
    ]
    restarts: Annotated[Count, Meta(description="Restarts: of one replica")]
    model_endpoint: Annotated[OnlineEndpoint, Meta(description="The Azure ML online endpoint")]


class Environment(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Everything that sizes one deployment."""

    log_level: Annotated[Literal["DEBUG", "INFO", "WARNING"], Meta(description="LOG_LEVEL of the service")]
    min_replicas: Annotated[Count, Meta(description="Replicas at least")]
    max_replicas: Annotated[Count, Meta(description="Replicas at most")]
    cpu_millicores: Annotated[
        Literal[250, 500, 1000, 2000, 4000], Meta(description="Of one replica; 1000 is one virtual processor")
    ]
    memory_mib: Annotated[int, Meta(ge=512, le=8192, description="Of one replica: 2048 for each 1000 cpu_millicores")]
    settings: Annotated[
        dict[Annotated[str, Meta(pattern="^[A-Z][A-Z0-9_]*$")], str | int],
        Meta(description="Settings of the service, as docs/OPERATIONS.md lists them; no secret"),
    ]
    probe: Annotated[Probe, Meta(description="Health checks")]
    ending: Annotated[Ending, Meta(description="Taking replicas away")]
    scaling: Annotated[Scaling, Meta(description="Automatic scaling")]
    alarms: Annotated[Alarms, Meta(description="Thresholds")]
    log_retention_days: Annotated[
        Literal[1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731],
        Meta(description="How long log lines are kept; Azure keeps them for 30 days at least, and for 730 at most"),
    ]
    aws: Annotated[Aws, Meta(description="What only AWS has")]
    azure: Annotated[Azure, Meta(description="What only Azure has")]

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
             "memory_mib must be 2048 for each 1000 cpu_millicores, the one ratio that every cloud offers"),
    Relation(lambda e, s: s.workers == max(1, e.cpu_millicores // 1000),
             "WORKERS must be the whole processors of cpu_millicores, at least 1"),
    Relation(lambda e, s: e.ending.stop_seconds > s.drain_seconds + s.shutdown_seconds,
             "stop_seconds must be more than DRAIN_SECONDS and SHUTDOWN_SECONDS together, or answers are cut off"),
    Relation(lambda e, s: e.ending.deregistration_seconds >= s.drain_seconds + s.shutdown_seconds,
             "deregistration_seconds must be at least DRAIN_SECONDS and SHUTDOWN_SECONDS together, or some are lost"),
    Relation(lambda e, s: e.ending.idle_seconds < s.keep_alive_seconds,
             "idle_seconds must be less than KEEP_ALIVE_SECONDS, so that the load balancer closes first"),
    Relation(lambda e, s: e.ending.idle_seconds > s.request_timeout_seconds,
             "idle_seconds must be more than REQUEST_TIMEOUT_SECONDS, so that the service gives up first"),
    Relation(lambda e, _: e.probe.timeout_seconds < e.probe.interval_seconds,
             "timeout_seconds of probe must be less than interval_seconds"),
    Relation(lambda _, s: "sagemaker" not in s.endpoint_protocols,
             "ENDPOINT_PROTOCOLS must not name sagemaker where clients reach the port: it scores without a key"),
    Relation(lambda e, _: e.scaling.cpu_percent < e.alarms.cpu_percent,
             "cpu_percent of scaling must be less than that of alarms, or scaling out comes after the alarm"),
    Relation(lambda e, _: e.aws.model_endpoint.min_instances <= e.aws.model_endpoint.max_instances,
             "min_instances must be at most max_instances"),
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
        raise EnvironmentInvalid(name, [f"there is none of this name; it must be one of {', '.join(known)}"])
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
        f"settings hold the demo key in {key}, which everyone knows"
        for key in settings
        if holds_demo_key(settings[key])
    ]
    faults += [f"settings must not hold {key}: it {ELSEWHERE[key]}" for key in settings if key in ELSEWHERE]
    faults += [
        f"settings hold {key}, which the service does not know" for key in settings if key not in known | set(ELSEWHERE)
    ]
    return faults + [f"settings must hold {key}" for key in NEEDED if key not in settings]


def holds_demo_key(value: object) -> bool:
    """Whether a value contains the demo key, which is public."""
    return DEMO_KEY in str(value)


def schema() -> dict[str, Any]:
    """Returns the JSON Schema of the file, for editors and other tools."""
    (environment,), parts = msgspec.json.schema_components([Environment], ref_template="#/$defs/{name}")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Environments of the Lead Scoring Service",
        "description": "Every size of a deployment, by environment. Made from infra/environments.py.",
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
