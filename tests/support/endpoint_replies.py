"""What a doubled endpoint does with one call: every answer and every fault that the clouds have been seen to give."""

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum, auto
from functools import cached_property
from typing import Any, Literal

import httpx
import numpy as np
from endpoint_containers import ContainerError, Stock, csv_rows, script_rows

Cloud = Literal["sagemaker", "azure", "elsewhere"]


@dataclass
class Call:
    """One request that has reached a double; names of headers are in lower case, times are of the monotonic clock."""

    cloud: Cloud
    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    model: Stock
    began: float
    own_container: bool = False
    """Whether a container of ours is behind SageMaker, which takes JSON, and not the built-in one."""
    answered: float | None = None
    """When the whole reply was handed over."""
    abandoned: float | None = None
    """When the client hung up before the reply was whole."""
    refusal: str | None = None
    """What the front door found wrong: signature, key, headers, name, size."""

    @cached_property
    def rows(self) -> list[list[float]]:
        """The encoded rows that were sent; raises ``ContainerError`` as the container of this cloud would fail."""
        is_json = self.headers.get("content-type", "").startswith("application/json")
        scripted = self.cloud == "azure" or (self.own_container and is_json)
        read = script_rows if scripted else csv_rows
        return read(self.headers.get("content-type", ""), self.body)

    @cached_property
    def scores(self) -> list[float]:
        """What stock XGBoost gives the rows."""
        return self.model.scores(self.rows)


class Flaw(Enum):
    """How an answer goes wrong below HTTP."""

    NONE = auto()
    RESET = auto()
    HANG = auto()
    HANG_AFTER_HEAD = auto()
    CUT = auto()
    TRICKLE = auto()


@dataclass(frozen=True)
class Reply:
    """What goes back over the wire."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    wait: float = 0.0
    """Seconds before the head."""
    flaw: Flaw = Flaw.NONE
    chunked: bool = False
    """Sent without telling its length beforehand."""


Behaviour = Callable[[Call], Reply | Awaitable[Reply]]


# Answers


def answers(call: Call) -> Reply:
    """The right scores, in the shape that is asked for: SageMaker's by ``Accept``, Azure's a bare list."""
    return shaped(call, "list" if call.cloud == "azure" else accepted(call))


def accepted(call: Call) -> str:
    """The shape that SageMaker's XGBoost container gives for the call's ``Accept``."""
    return "json" if "json" in call.headers.get("accept", "") else "lines"


def shaped_as(shape: str) -> Behaviour:
    """The right scores in one shape, whatever is asked for."""
    return lambda call: shaped(call, shape)


def tampered(change: Callable[[list[Any]], list[Any]], shape: str | None = None) -> Behaviour:
    """Scores that were changed: another count, another order, another value."""

    def reply(call: Call) -> Reply:
        made = shape or ("list" if call.cloud == "azure" else accepted(call))
        return container(call, lambda: written(made, change(list(call.scores))))

    return reply


def row_missing() -> Behaviour:
    """One score less than rows."""
    return tampered(lambda scores: scores[:-1])


def row_too_many() -> Behaviour:
    """One score more than rows."""
    return tampered(lambda scores: [*scores, 0.5])


def poisoned(value: float | str | None) -> Behaviour:
    """A first score that is no probability, such as ``nan``, ``1.5`` or a text."""
    return tampered(lambda scores: [value, *scores[1:]])


def twice(inner: Behaviour = answers) -> Behaviour:
    """An answer that is encoded a second time: a JSON string that holds JSON."""

    def reply(call: Call) -> Reply:
        made = now(inner(call))
        return replace(made, body=json.dumps(made.body.decode()).encode())

    return reply


def says(body: bytes, content_type: str = "application/json", status: int = 200) -> Behaviour:
    """Any bytes."""
    return lambda _: Reply(status, body, {"Content-Type": content_type})


def shaped(call: Call, shape: str) -> Reply:
    """The right scores in one shape; the container's failure when it fails."""
    return container(call, lambda: written(shape, call.scores))


def written(shape: str, scores: list[Any]) -> Reply:
    """Scores as ``lines``, ``comma``, ``json`` (SageMaker), or ``list``, ``predictions``, ``result`` (Azure)."""
    texts = [str(np.float32(score)) if isinstance(score, float) else str(score) for score in scores]
    if shape == "lines":
        return Reply(200, "".join(f"{text}\n" for text in texts).encode(), {"Content-Type": "text/csv; charset=utf-8"})
    if shape == "comma":
        return Reply(200, ",".join(texts).encode(), {"Content-Type": "text/csv; charset=utf-8"})
    value = {
        "json": {"predictions": [{"score": score} for score in scores]},
        "list": scores,
        "predictions": {"predictions": scores},
        "result": {"result": scores},
    }[shape]
    return Reply(200, json.dumps(value).encode(), {"Content-Type": "application/json"})


def container(call: Call, score: Callable[[], Reply]) -> Reply:
    """What the container gives, or its failure as the cloud passes it on."""
    try:
        return score()
    except ContainerError as failed:
        return model_failed(call, failed.status, str(failed))


def forwarded_to(url: str) -> Behaviour:
    """Passes calls on to a real container: ``url`` is that of its ``/invocations`` or ``/score``."""

    async def reply(call: Call) -> Reply:
        kept = ("content-type", "accept")
        passed = {name: value for name, value in call.headers.items() if name in kept or "sagemaker" in name}
        async with httpx.AsyncClient(timeout=60, trust_env=False) as client:
            got = await client.post(url, content=call.body, headers=passed)
        if got.status_code != 200:
            return model_failed(call, got.status_code, got.text)
        return Reply(200, got.content, {"Content-Type": got.headers.get("content-type", "")})

    return reply


# Faults that both clouds have, each in its own words


def fails(status: int) -> Behaviour:
    """The infrastructure fails: 500, 503, 530 with SageMaker's error types; 408, 502, 504 without."""
    kinds = {500: "InternalFailure", 503: "ServiceUnavailable", 530: "InternalDependencyException"}

    def reply(call: Call) -> Reply:
        if call.cloud == "sagemaker" and status in kinds:
            return aws_error(status, kinds[status], "the service has failed")
        return Reply(status, b"upstream failure", {"Content-Type": "text/plain"})

    return reply


def model_fails(original: int, message: str = "the model has failed") -> Behaviour:
    """424: the container answered ``original``, or with 0 not in time."""
    return lambda call: model_failed(call, original, message)


def model_failed(call: Call, original: int, message: str) -> Reply:
    """A container's failure as the cloud passes it on."""
    if call.cloud == "azure":
        told = {"ms-azureml-model-error-statuscode": str(original), "ms-azureml-model-error-reason": "model_error"}
        return Reply(424, message.encode(), {"Content-Type": "text/plain", **told})
    whole = f'Received {"client" if 400 <= original < 500 else "server"} error ({original}) from primary with message "{message}"'
    return aws_error(424, "ModelError", whole, OriginalStatusCode=original, OriginalMessage=message)


def throttles(retry_after: str | None = None) -> Behaviour:
    """Too many calls: SageMaker says 400 with a null message, Azure says 429."""

    def reply(call: Call) -> Reply:
        if call.cloud == "sagemaker":
            # Common errors of AWS carry the address of their name space behind the type.
            return aws_error(400, "ThrottlingException:http://internal/coral/", None)
        return Reply(429, b"too many requests", {} if retry_after is None else {"Retry-After": retry_after})

    return reply


def not_ready(retry_after: str | None = None) -> Behaviour:
    """429 of both clouds: SageMaker still loads the model, Azure has too many waiting."""

    def reply(call: Call) -> Reply:
        if call.cloud == "sagemaker":
            return aws_error(429, "ModelNotReadyException", "the model is being loaded")
        return now(throttles(retry_after)(call))

    return reply


def refuses(status: int) -> Behaviour:
    """401, 403 or 404: a key, a permission or a deployment is missing."""
    kinds = {401: "UnrecognizedClientException", 403: "AccessDeniedException", 404: "ResourceNotFoundException"}

    def reply(call: Call) -> Reply:
        if call.cloud == "sagemaker":
            return aws_error(status, kinds[status], "not allowed")
        return azure_error(status, "not allowed")

    return reply


def no_such_endpoint(call: Call) -> Reply:
    """SageMaker's 400 for a name that it does not know; Azure's 404."""
    if call.cloud == "sagemaker":
        return aws_error(400, "ValidationError", f"Endpoint {call.path} of account 123456789012 not found.")
    return azure_error(404, "no such endpoint")


# Faults below HTTP, and answers that are traps


def resets(_: Call) -> Reply:
    """The connection is reset instead of an answer."""
    return Reply(flaw=Flaw.RESET)


def hangs(_: Call) -> Reply:
    """Nothing is ever said."""
    return Reply(flaw=Flaw.HANG)


def hangs_after_head(call: Call) -> Reply:
    """The head of a sound answer, then nothing."""
    return replace(now(answers(call)), flaw=Flaw.HANG_AFTER_HEAD)


def cuts(call: Call) -> Reply:
    """Half of the body that was announced, then the end of the connection."""
    return replace(now(answers(call)), flaw=Flaw.CUT)


def trickles(call: Call) -> Reply:
    """A sound answer, a byte at a time, ten a second: no single read ever times out."""
    made = now(answers(call))
    return replace(made, body=made.body.rjust(10_000), flaw=Flaw.TRICKLE)


def floods(size: int, chunked: bool = False) -> Behaviour:
    """An answer of ``size`` bytes: a sound one with blanks before it."""

    def reply(call: Call) -> Reply:
        made = now(answers(call))
        return replace(made, body=made.body.rjust(size), chunked=chunked)

    return reply


def redirects(status: int = 307) -> Behaviour:
    """Sends the client to another path of the double, where whoever follows is seen."""
    return lambda _: Reply(status, b"", {"Location": "/elsewhere"})


def slowly(seconds: float, inner: Behaviour = answers) -> Behaviour:
    """The same, later."""
    return lambda call: replace(now(inner(call)), wait=seconds)


def now(made: Reply | Awaitable[Reply]) -> Reply:
    """A reply that is there at once; only ``forwarded_to`` has to be awaited."""
    assert isinstance(made, Reply)
    return made


def aws_error(status: int, kind: str, message: str | None, **more: Any) -> Reply:
    """An error as the runtime endpoint of SageMaker writes it."""
    body: dict[str, Any] = {"message": message} if message is None else {"Message": message, **more}
    return Reply(status, json.dumps(body).encode(), {"Content-Type": "application/json", "x-amzn-ErrorType": kind})


def azure_error(status: int, message: str) -> Reply:
    """An error as Azure ML's router writes it."""
    body = {"error": {"code": "UserError", "message": message}}
    return Reply(status, json.dumps(body).encode(), {"Content-Type": "application/json"})
