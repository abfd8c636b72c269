"""The responses of the routes of model server protocols: these types are sent, and described by OpenAPI."""

from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from leadscoring.api.protocols.tensors import Output

Count = Annotated[int, Meta(ge=0)]


class Ping(msgspec.Struct, frozen=True):
    """Whether leads can be scored."""

    status: Literal["starting", "ready", "draining", "failing"]


class Transform(msgspec.Struct, frozen=True, rename="pascal"):
    """Recommended settings of a batch transform: one concurrent call per worker, and bodies within the size limit."""

    max_concurrent_transforms: Count
    batch_strategy: str
    max_payload_in_mb: Count = msgspec.field(name="MaxPayloadInMB")


class RowScore(msgspec.Struct):
    """The score of one row, in the JSON format of the built-in container: the model's uncalibrated probability."""

    score: Annotated[float, Meta(ge=0, le=1)]


class Predictions(msgspec.Struct):
    """The response for encoded rows: for each, a probability by the logistic function, and a margin in log-odds."""

    predictions: list[RowScore]
    margins: list[float]


class Failure(msgspec.Struct, frozen=True):
    """An error, in the format of the Open Inference Protocol."""

    error: str


class ServerInfo(msgspec.Struct, frozen=True):
    """The server's name, version and extensions."""

    name: str
    version: str
    extensions: list[str]


class ServerLive(msgspec.Struct, frozen=True):
    """The process responds."""

    live: bool


class ServerReady(msgspec.Struct, frozen=True):
    """Whether leads can be scored, and otherwise the reason."""

    ready: bool
    error: str | UnsetType = UNSET


class ModelReady(msgspec.Struct, frozen=True):
    """Whether the model is ready to score, and otherwise the reason."""

    name: str
    ready: bool
    error: str | UnsetType = UNSET


class TensorInfo(msgspec.Struct, frozen=True):
    """An input or output tensor of the model; -1 in its shape is the number of leads."""

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
    """The requested outputs; ``id`` is that of the request, ``parameters`` has the ``as_of`` of a model with dates."""

    model_name: str
    model_version: str
    id: str | UnsetType = UNSET
    parameters: dict[str, str] | UnsetType = UNSET
    outputs: list[Output]
