"""What the routes that score nothing answer. These types are sent, and the OpenAPI document describes them.

Every field is always there, null or not; more may come to stand beside them.
"""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from leadscoring.lead import Model
from leadscoring.model.description import Description
from leadscoring.telemetry.vitals import Measured
from leadscoring.transport.exchange import Reply

Count = Annotated[int, Meta(ge=0)]
Seconds = Annotated[float, Meta(ge=0)]
Moment = Annotated[str, Meta(description="In ISO 8601 and UTC.", extra_json_schema={"format": "date-time"})]


class About(msgspec.Struct, frozen=True):
    """What this service is, and where to go next."""

    service: str
    version: str
    api_version: str
    model: Model
    score: str
    docs: str
    openapi: str
    health: str


class Health(msgspec.Struct, frozen=True):
    """The service answers."""

    status: Literal["healthy"]
    timestamp: Moment


class Liveness(msgspec.Struct, frozen=True):
    """The process answers, and for how long the service has run."""

    status: Literal["alive"]
    uptime_seconds: Seconds
    timestamp: Moment


class Readiness(msgspec.Struct, frozen=True):
    """Leads can be scored, and by which model."""

    status: Literal["ready"]
    model_version: str
    timestamp: Moment


class Endpoint(msgspec.Struct, frozen=True):
    """How a remote model does, as the worker that answers has seen it."""

    state: Annotated[
        Literal["unknown", "healthy", "failing", "mismatch"],
        Meta(
            description="`unknown` before the first call, `failing` since the last one, `mismatch` for another model."
        ),
    ]
    breaker: Annotated[
        Literal["closed", "half_open", "open"],
        Meta(description="`closed`: it is called; `open`: it is left alone; `half_open`: one call tries."),
    ]
    last_error: str | None
    last_ok: Moment | None
    matches: Annotated[bool | None, Meta(description="Whether it scores the golden rows as certified, if known.")]
    fallback: Annotated[Literal["working", "failing"] | None, Meta(description="Null where none is configured.")]
    fallback_answers: Annotated[int, Meta(ge=0, description="Leads that the fallback has scored.")]


class ServedModel(msgspec.Struct, frozen=True):
    """The model that is served, and where its margins come from."""

    name: str
    version: str
    loaded: bool
    n_features: Count
    endpoint_provider: str
    endpoint: Annotated[Endpoint | None, Meta(description="Null where the model is local.")]


class Environment(msgspec.Struct, frozen=True):
    """Where the service runs."""

    name: str
    python_version: str
    hostname: str


class Workers(msgspec.Struct, frozen=True):
    """How many processes should serve, and how many do."""

    wanted: Count
    serving: Count


class Security(msgspec.Struct, frozen=True):
    """Whether the service is set up safely."""

    demo_key_active: Annotated[bool, Meta(description="Whether the key that everyone knows opens this service.")]


State = Literal["healthy", "degraded", "starting", "draining", "failing"]


class Status(msgspec.Struct, frozen=True):
    """What runs here, since when, and whether it is set up safely."""

    status: State
    problems: Annotated[list[str], Meta(description="What makes it `degraded`, in words.")]
    version: str
    uptime_seconds: Seconds
    model: ServedModel
    environment: Environment
    workers: Workers
    security: Security
    timestamp: Moment


class Resources(Measured, frozen=True):
    """How the machine and the process that answers do, measured at most once a second."""

    timestamp: Moment


class ModelInfo(Description, frozen=True):
    """Which model answers, and how good it is."""

    endpoint_provider: str


class FeatureInfo(msgspec.Struct, frozen=True):
    """One feature of the contract: what a lead may hold under its name."""

    name: str
    kind: Literal["number", "integer", "flag", "category"]
    required: bool
    minimum: float | None
    maximum: float | None
    values: Annotated[tuple[float | str, ...] | None, Meta(description="Those of a category.")]
    missing: Annotated[tuple[str, ...] | None, Meta(description="Texts that mean missing.")]
    allowed: Annotated[str, Meta(description="What may be sent, in words.")]
    group: str | None
    unit: str | None
    help: str | None
    example: float | str | None


class FeatureList(msgspec.Struct, frozen=True):
    """The contract, in column order."""

    version: Annotated[str, Meta(description="The version of the model.")]
    n_features: Count
    features: list[FeatureInfo]


class FeatureImportance(msgspec.Struct, frozen=True):
    """How much one feature matters over all leads."""

    feature: str
    importance: Annotated[float, Meta(ge=0, le=1, description="Its share of the gain of all splits.")]
    splits: Annotated[int, Meta(ge=0, description="How often the trees split on it.")]


class ImportanceList(msgspec.Struct, frozen=True):
    """How much each feature matters over all leads, strongest first."""

    version: Annotated[str, Meta(description="The version of the model.")]
    method: Literal["gain"]
    importance: list[FeatureImportance]


def answer(value: msgspec.Struct, status: int = 200) -> Reply:
    """A value of one of these types as the reply that holds it."""
    return Reply(status, msgspec.json.encode(value))
