"""The routes of the protocols of model servers in the OpenAPI document, where a setting turns them on."""

from typing import Any

from leadscoring.api.answers import COUNT, MAYBE_NUMBER, SHARE, TEXT, TRUTH, array, record

Json = dict[str, Any]

PROBLEM: Json = {"$ref": "#/components/schemas/Problem"}
SCORED: Json = {"$ref": "#/components/schemas/Scored"}
REFUSED: Json = {"$ref": "#/components/schemas/Refused"}
LEAD: Json = {"$ref": "#/components/schemas/Lead"}
ROWS = array(array(MAYBE_NUMBER))
NUMBER: Json = {"type": "number"}
KEYED: list[Json] = [{"ApiKey": []}]
TENSOR: Json = {"type": "object", "required": ["name", "datatype", "shape"]}
FAULT = record(error=TEXT)

REFUSALS = {
    400: "Not readable, or not of the model's columns",
    401: "No key, not a known one, or one that has expired",
    403: "The key does not have the scope that is needed",
    404: "Another model, or version, than the one that is served",
    406: "The answer does not come in the form that Accept allows",
    408: "The request took too long to arrive",
    413: "The body is too large",
    415: "The content type is not supported",
    422: "Not a valid lead or parameter",
    429: "As many leads were scored as may be; Retry-After says when there is one more",
    431: "The head of the request is too large",
    500: "The service failed",
    503: "More work than can be done in time, or not ready: come back later",
}


def protocol_paths(protocols: tuple[str, ...]) -> Json:
    """The paths of these protocols."""
    found: Json = {}
    if "sagemaker" in protocols:
        found |= sagemaker_paths()
    if "v2" in protocols:
        found |= v2_paths()
    return found


def sagemaker_paths() -> Json:
    """SageMaker's contract for containers."""
    transform = record(MaxConcurrentTransforms=COUNT, BatchStrategy=TEXT, MaxPayloadInMB=COUNT)
    state = record(status=TEXT)
    ping = operation("ping", "Whether leads can be scored", state, [])
    ping["responses"]["503"] = {"description": REFUSALS[503], "content": content("application/json", state)}
    return {
        "/ping": {"get": ping},
        "/execution-parameters": {"get": operation("getTransform", "How a batch transform should call", transform, [])},
        "/invocations": {"post": invocations()},
    }


def invocations() -> Json:
    """``POST /invocations``."""
    matrix = {"anyOf": [ROWS, *({"type": "object", "properties": {name: ROWS}} for name in ("instances", "data"))]}
    predictions = record(predictions=array(record(score=SHARE)), margins=array(NUMBER))
    answers = {"anyOf": [predictions, SCORED, array({"anyOf": [SCORED, REFUSED]})]}
    made = operation("invoke", "Score encoded rows, or leads; of rows, the score is not calibrated", answers, [])
    text: Json = {"type": "string"}
    made["tags"] = ["scoring"]
    made["requestBody"] = body(content("application/json", {"anyOf": [matrix, LEAD, array(LEAD)]}))
    for media_type in ("text/csv", "application/jsonlines"):
        made["requestBody"]["content"] |= content(media_type, text)
        made["responses"]["200"]["content"] |= content(media_type, text)
    refused(made, "application/problem+json", PROBLEM, 400, 406, 408, 413, 415, 422, 429, 431, 500, 503)
    return made


def v2_paths() -> Json:
    """The Open Inference Protocol."""
    metadata = record(name=TEXT, versions=array(TEXT), platform=TEXT, inputs=array(TENSOR), outputs=array(TENSOR))
    server = record(name=TEXT, version=TEXT, extensions=array(TEXT))
    readiness = record(ready=TRUTH)
    ready = operation("getV2Readiness", "Whether leads can be scored", readiness, [])
    ready["responses"]["503"] = {"description": REFUSALS[503], "content": content("application/json", readiness)}
    paths: Json = {
        "/v2": {"get": operation("getV2Server", "Which server this is", server, [])},
        "/v2/health/live": {"get": operation("getV2Liveness", "Whether the process answers", record(live=TRUTH), [])},
        "/v2/health/ready": {"get": ready},
    }
    for suffix, named in (("", ("name",)), ("Version", ("name", "version"))):
        path = "/v2/models/{name}" + ("/versions/{version}" if suffix else "")
        about = operation(f"getV2Model{suffix}", "The tensors of the model", metadata, KEYED)
        refused(about, "application/json", FAULT, 401, 403, 404, 500)
        able = operation(f"getV2Model{suffix}Readiness", "Whether the model can score", readiness, [])
        refused(able, "application/json", FAULT, 404, 503)
        parameters = [{"name": name, "in": "path", "required": True, "schema": TEXT} for name in named]
        paths[path] = {"get": about | {"parameters": parameters}}
        paths[f"{path}/ready"] = {"get": able | {"parameters": parameters}}
        paths[f"{path}/infer"] = {"post": infer(suffix) | {"parameters": parameters}}
    return paths


def infer(suffix: str) -> Json:
    """``POST .../infer``: tensors in JSON, or behind it."""
    answer = record(model_name=TEXT, model_version=TEXT, outputs=array(TENSOR))
    made = operation(f"infer{suffix}", "Score the leads in tensors", answer, KEYED)
    made["tags"] = ["scoring"]
    raw: Json = {"type": "string", "contentMediaType": "application/octet-stream"}
    made["requestBody"] = body(
        content("application/json", record(inputs=array(TENSOR))) | content("application/octet-stream", raw)
    )
    made["responses"]["200"]["content"] |= content("application/octet-stream", raw)
    refused(made, "application/json", FAULT, 400, 401, 403, 404, 413, 415, 422, 429, 503)
    refused(made, "application/problem+json", PROBLEM, 408, 431, 500)
    return made


def operation(name: str, summary: str, answer: Json, security: list[Json]) -> Json:
    """A route with its answer in JSON."""
    return {
        "operationId": name,
        "tags": ["operations"],
        "summary": summary,
        "security": security,
        "responses": {"200": {"description": summary, "content": content("application/json", answer)}},
    }


def refused(made: Json, media_type: str, schema: Json, *statuses: int) -> None:
    """Adds error answers to a route."""
    for status in statuses:
        made["responses"][str(status)] = {"description": REFUSALS[status], "content": content(media_type, schema)}


def body(of: Json) -> Json:
    """A required body."""
    return {"required": True, "content": of}


def content(media_type: str, schema: Json) -> Json:
    """One form of a body."""
    return {media_type: {"schema": schema}}
