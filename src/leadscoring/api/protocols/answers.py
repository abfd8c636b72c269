"""What the routes of the protocols of model servers answer: these types are sent, and described by OpenAPI."""

from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from leadscoring.api.protocols.tensors import Output

Count = Annotated[int, Meta(ge=0)]


class Ping(msgspec.Struct, frozen=True):
    """Whether leads can be scored."""

    status: Literal["starting", "ready", "draining", "failing"]


class Transform(msgspec.Struct, frozen=True, rename="pascal"):
    """How a batch transform should call: as many at once as there are workers, with bodies that fit."""

    max_concurrent_transforms: Count
    batch_strategy: str
    max_payload_in_mb: Count = msgspec.field(name="MaxPayloadInMB")


class RowScore(msgspec.Struct):
    """One row's answer, as in the built-in container's JSON: the model's own probability, which is not calibrated."""

    score: Annotated[float, Meta(ge=0, le=1)]


class Predictions(msgspec.Struct):
    """The answer for encoded rows: a probability by the logistic function, and a margin in log-odds, for each."""

    predictions: list[RowScore]
    margins: list[float]


class Failure(msgspec.Struct, frozen=True):
    """An error, as the Open Inference Protocol has it."""

    error: str


class ServerInfo(msgspec.Struct, frozen=True):
    """Which server this is."""

    name: str
    version: str
    extensions: list[str]


class ServerLive(msgspec.Struct, frozen=True):
    """The process answers."""

    live: bool


class ServerReady(msgspec.Struct, frozen=True):
    """Whether leads can be scored, and why not."""

    ready: bool
    error: str | UnsetType = UNSET


class ModelReady(msgspec.Struct, frozen=True):
    """Whether the model can score, and why not."""

    name: str
    ready: bool
    error: str | UnsetType = UNSET


class TensorInfo(msgspec.Struct, frozen=True):
    """A tensor that the model takes or gives; -1 in its shape is the number of leads."""

    name: str
    datatype: str
    shape: list[int]


class TensorModel(msgspec.Struct, frozen=True):
    """The tensors of the model."""

    name: str
    versions: list[str]
    platform: str
    inputs: list[TensorInfo]
    outputs: list[TensorInfo]


class Inferred(msgspec.Struct, frozen=True, kw_only=True):
    """The outputs that were asked for; ``id`` is the request's own."""

    model_name: str
    model_version: str
    id: str | UnsetType = UNSET
    outputs: list[Output]
