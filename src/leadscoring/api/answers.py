"""The responses of the routes that do not score. These types are sent, and the OpenAPI document describes them.

Every field is always present, and may be null; new fields may be added.
"""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from leadscoring.contract.kinds import KINDS
from leadscoring.lead import Model
from leadscoring.model.description import Description
from leadscoring.telemetry.vitals import Measured
from leadscoring.transport.exchange import Reply

Count = Annotated[int, Meta(ge=0)]
Seconds = Annotated[float, Meta(ge=0)]
Moment = Annotated[str, Meta(description="In ISO 8601 and UTC.", extra_json_schema={"format": "date-time"})]


class About(msgspec.Struct, frozen=True):
    """Name and version of the service, its model, and its main paths."""

    service: str
    version: str
    api_version: str
    model: Model
    score: str
    docs: str
    openapi: str
    health: str


class Health(msgspec.Struct, frozen=True):
    """The service responds."""

    status: Literal["healthy"]
    timestamp: Moment


class Liveness(msgspec.Struct, frozen=True):
    """The process is alive, and the uptime of the service."""

    status: Literal["alive"]
    uptime_seconds: Seconds
    timestamp: Moment


class Readiness(msgspec.Struct, frozen=True):
    """Leads can be scored, and the version of the model."""

    status: Literal["ready"]
    model_version: str
    timestamp: Moment


class Endpoint(msgspec.Struct, frozen=True):
    """The state of a remote model, as observed by the worker that responds."""

    state: Annotated[
        Literal["unknown", "healthy", "failing", "mismatch"],
        Meta(
            description="`unknown`: not called yet; `failing`: the last call failed; `mismatch`: it is another model."
        ),
    ]
    breaker: Annotated[
        Literal["closed", "half_open", "open"],
        Meta(description="Circuit breaker. `closed`: normal operation; `open`: no calls; `half_open`: one trial call."),
    ]
    last_error: str | None
    last_ok: Moment | None
    matches: Annotated[bool | None, Meta(description="Whether it reproduces the golden-row scores; null if unknown.")]
    fallback: Annotated[Literal["working", "failing"] | None, Meta(description="Null if none is configured.")]
    fallback_answers: Annotated[int, Meta(ge=0, description="Number of leads that the fallback scored.")]


class ServedModel(msgspec.Struct, frozen=True):
    """The model that is served, and the provider of its margins."""

    name: str
    version: str
    loaded: bool
    n_features: Count
    endpoint_provider: str
    endpoint: Annotated[Endpoint | None, Meta(description="Null if the model is local.")]


class Environment(msgspec.Struct, frozen=True):
    """Where the service runs."""

    name: str
    python_version: str
    hostname: str


class Workers(msgspec.Struct, frozen=True):
    """The configured number of workers, and the number that serve."""

    wanted: Count
    serving: Count


class Security(msgspec.Struct, frozen=True):
    """Security of the configuration."""

    demo_key_active: Annotated[bool, Meta(description="Whether the service accepts the public demo key.")]


class Ledger(msgspec.Struct, frozen=True):
    """The ledger of scores and outcomes, as its keeper reports it."""

    state: Annotated[
        Literal["healthy", "starting", "down", "silent"],
        Meta(description="`down`: its database does not answer, scores wait on the tape; `silent`: no keeper reports."),
    ]
    reason: Annotated[str | None, Meta(description="Why it is not healthy.")]
    lag_seconds: Annotated[Seconds, Meta(description="Age of the earliest score that is not in the ledger yet.")]
    moved: Annotated[Count, Meta(description="Scores that the keeper has moved since the start of the service.")]
    last_moved: Annotated[Moment | None, Meta(description="When it last moved any.")]
    tape_bytes: Annotated[Count, Meta(description="Size of the tape.")]


State = Literal["healthy", "degraded", "starting", "draining", "failing"]


class Status(msgspec.Struct, frozen=True):
    """Version, uptime, model and security of the configuration."""

    status: State
    problems: Annotated[list[str], Meta(description="The reasons for `degraded`.")]
    version: str
    uptime_seconds: Seconds
    model: ServedModel
    environment: Environment
    workers: Workers
    security: Security
    ledger: Annotated[Ledger | None, Meta(description="Null with LEDGER off.")]
    timestamp: Moment


class Resources(Measured, frozen=True):
    """Usage of the machine and of the process that responds, measured at most once a second."""

    timestamp: Moment


class ModelInfo(Description, frozen=True, kw_only=True):
    """The served model, its training data and its quality."""

    endpoint_provider: str


class FeatureInfo(msgspec.Struct, frozen=True):
    """One feature of the contract: its kind, range and values."""

    name: str
    kind: Annotated[str, Meta(extra_json_schema={"enum": list(KINDS)})]
    required: bool
    minimum: float | None
    maximum: float | None
    values: Annotated[tuple[float | str, ...] | None, Meta(description="The values of a category.")]
    missing: Annotated[tuple[str, ...] | None, Meta(description="Texts that mean missing.")]
    allowed: Annotated[str, Meta(description="The allowed values, as a phrase.")]
    group: str | None
    unit: str | None
    help: str | None
    example: float | str | None
    columns: Annotated[list[str], Meta(description="The columns of the trees that it makes; most make one.")]


class FeatureList(msgspec.Struct, frozen=True):
    """The contract, in column order."""

    version: Annotated[str, Meta(description="The version of the model.")]
    n_features: Count
    features: list[FeatureInfo]


class FeatureImportance(msgspec.Struct, frozen=True):
    """The importance of one feature over all leads."""

    feature: str
    importance: Annotated[float, Meta(ge=0, le=1, description="Its share of the gain of all splits.")]
    splits: Annotated[int, Meta(ge=0, description="Number of splits on it in the trees.")]


class ImportanceList(msgspec.Struct, frozen=True):
    """The importance of each feature over all leads, in descending order."""

    version: Annotated[str, Meta(description="The version of the model.")]
    method: Literal["gain"]
    importance: list[FeatureImportance]


def answer(value: msgspec.Struct, status: int = 200) -> Reply:
    """The reply that contains a value of one of these types."""
    return Reply(status, msgspec.json.encode(value))
