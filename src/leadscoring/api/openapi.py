"""The service's own description, OpenAPI 3.1, made of the wire's types and the live contract."""

import json
from typing import Any

import msgspec

import leadscoring
from leadscoring.api.answer_lines import COLUMNS, rows
from leadscoring.api.answers import ANSWERS
from leadscoring.api.openapi_protocols import protocol_paths
from leadscoring.contract.features import Contract, Feature
from leadscoring.lead import LEAD_ID_LENGTH, LEAD_ID_MAX, Scored
from leadscoring.model.loaded import LoadedModel
from leadscoring.settings import Settings
from leadscoring.transport.failures import Problem, Refused

Json = dict[str, Any]

ANSWERED = {
    "application/x-ndjson": "A line for each line of leads: a score or an error, as in the array.",
    "application/jsonl": "The same.",
    "text/csv": "Of leads in lines, where Accept names it: " + ", ".join(COLUMNS) + ", and the reasons.",
}
"""What a batch that came in lines is answered with."""

REASONS: Json = {
    "name": "reasons",
    "in": "query",
    "description": "How many of the strongest reasons to give; 0 for none.",
    "schema": {"type": "integer", "minimum": 0, "maximum": 10_000, "default": 5},
}
DETAILS: Json = {
    "name": "include_details",
    "in": "query",
    "description": "Adds what the tiers mean, how the reasons add up, and the time taken.",
    "schema": {"type": "boolean", "default": False},
}
BODIES: Json = {
    "name": "bodies",
    "in": "query",
    "description": "`json` leaves out bodies that are not JSON, for programs that know no others.",
    "schema": {"enum": ["json"]},
}
TIMEOUT: Json = {
    "name": "X-Request-Timeout-Ms",
    "in": "header",
    "description": "Milliseconds that the caller waits; where a remote model scores, it has no longer than that.",
    "schema": {"type": "integer", "minimum": 1, "maximum": 3_600_000},
}


def description(model: LoadedModel, settings: Settings) -> Json:
    """The OpenAPI document of a service that serves this model."""
    card = model.card
    schemas = {
        "Lead": lead_schema(card.contract),
        **msgspec.json.schema_components((Scored, Problem, Refused), ref_template="#/components/schemas/{name}")[1],
    }
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Lead Scoring Service",
            "version": leadscoring.__version__,
            "summary": f"Serving {card.name} {card.version}",
            "description": "How likely each lead is to convert, and exactly why.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "tags": [{"name": "scoring"}, {"name": "model"}, {"name": "operations"}],
        "paths": paths(card.contract, settings),
        "components": {
            "schemas": schemas,
            "securitySchemes": {"ApiKey": {"type": "apiKey", "in": "header", "name": "X-API-Key"}},
        },
    }


def paths(contract: Contract, settings: Settings) -> Json:
    """Every path of this port of the service."""
    return {
        "/api/v1/score": {"post": scoring_operation(contract, settings)},
        "/api/v1/score/batch": {"post": batch_operation(contract, settings)},
        "/api/v1/model/info": {"get": model_operation("getModelInfo", "Which model answers, and how good it is")},
        "/api/v1/model/features": {"get": model_operation("listFeatures", "What a lead may hold")},
        "/api/v1/model/importance": {"get": model_operation("listImportance", "What matters over all leads")},
        "/api/v1/model/drift": {"get": model_operation("getDrift", "How far leads have moved from those of training")},
        "/": {"get": open_operation("getService", "What this service is")},
        "/health": {"get": open_operation("getHealth", "Whether the service answers")},
        "/health/live": {"get": open_operation("getLiveness", "Whether the process lives, and since when")},
        "/health/ready": {"get": readiness_operation()},
        "/openapi.json": {"get": description_operation()},
        "/docs": {"get": open_operation("getDocumentation", "This document for people", "text/html")},
        **detail_paths(settings.operations_access),
        **protocol_paths(settings.endpoint_protocols),
    }


def with_json_bodies(document: Json) -> Json:
    """The document without bodies of requests and answers that are not JSON, where JSON is there too.

    Some generators of clients know no other: they say so of each, or make a call that fails for any.
    """
    return document | {
        "paths": {
            path: {method: with_json_body(operation) for method, operation in methods.items()}
            for path, methods in document["paths"].items()
        }
    }


def with_json_body(operation: Json) -> Json:
    """An operation that takes and gives JSON alone, where it does."""
    made = operation | {"responses": {status: in_json(answer) for status, answer in operation["responses"].items()}}
    return made | {"requestBody": in_json(operation["requestBody"])} if "requestBody" in operation else made


def in_json(body: Json) -> Json:
    """A body that is JSON alone, where it may be."""
    kept = body.get("content", {}).get("application/json")
    return body if kept is None else body | {"content": {"application/json": kept}}


def detail_paths(access: str) -> Json:
    """The paths of operational detail, where this port has them."""
    if access == "port":
        return {}
    operations = {
        "/status": open_operation("getStatus", "What runs here, since when, and whether it is set up safely"),
        "/resources": open_operation("getResources", "Processor, memory, disk, network, and what is short"),
        "/metrics": open_operation("getMetrics", "Metrics in Prometheus' text format", "text/plain"),
    }
    if access == "key":
        for operation in operations.values():
            operation["security"] = [{"ApiKey": []}]
            operation["responses"] |= problems(401, 403)
    return {path: {"get": operation} for path, operation in operations.items()}


def asked(settings: Settings) -> list[Json]:
    """The parameters of both scoring routes; a local model is quicker than any deadline, and takes none."""
    return [REASONS, DETAILS] if settings.model_endpoint_provider == "local" else [REASONS, DETAILS, TIMEOUT]


def scoring_operation(contract: Contract, settings: Settings) -> Json:
    """``POST /api/v1/score``."""
    return {
        "operationId": "scoreLead",
        "tags": ["scoring"],
        "summary": "Score one lead, with reasons",
        "security": [{"ApiKey": []}],
        "parameters": asked(settings),
        "requestBody": json_body({"$ref": "#/components/schemas/Lead"}, example_lead(contract)),
        "responses": {
            "200": json_answer("The score", ref("Scored")),
            **problems(400, 401, 408, 413, 415, 422, 429, 431, 500, 502, 503, 504),
        },
    }


def batch_operation(contract: Contract, settings: Settings) -> Json:
    """``POST /api/v1/score/batch``.

    A place of the array may hold anything: what is no lead is refused at its own place.
    """
    leads: Json = {"type": "array", "items": ref("Lead"), "maxItems": settings.max_batch_size}
    answers: Json = {"type": "array", "items": {"anyOf": [ref("Scored"), ref("Refused")]}}
    made = json_body(leads, [example_lead(contract)])
    made["content"] |= lead_lines(contract)
    answer = json_answer("At each place a score or an error", answers)
    answer["content"] |= {
        kind: {"schema": {"type": "string", "description": about}} for kind, about in ANSWERED.items()
    }
    return {
        "operationId": "scoreBatch",
        "tags": ["scoring"],
        "summary": "Score many leads; an invalid one does not take the others down",
        "security": [{"ApiKey": []}],
        "parameters": asked(settings),
        "requestBody": made,
        "responses": {
            "200": answer,
            **problems(400, 401, 408, 413, 415, 422, 429, 431, 500, 502, 503, 504),
        },
    }


def lead_lines(contract: Contract) -> Json:
    """What a batch may be sent as beside JSON: a lead a line, however many, answered as it is scored."""
    lead = example_lead(contract)
    table = [["lead_id", *lead["features"]], [lead["lead_id"], *lead["features"].values()]]
    jsonl: Json = {"type": "string", "description": "One lead on each line, as in the array."}
    text: Json = {"type": "string", "description": "A header with lead_id and names of features, then a lead a row."}
    return {
        "application/x-ndjson": {"schema": jsonl, "example": json.dumps(lead, ensure_ascii=False) + "\n"},
        "application/jsonl": {"schema": jsonl},
        "text/csv": {"schema": text, "example": rows(table).decode()},
    }


def model_operation(name: str, summary: str) -> Json:
    """A route about the model, behind a key."""
    return {
        "operationId": name,
        "tags": ["model"],
        "summary": summary,
        "security": [{"ApiKey": []}],
        "responses": {"200": json_answer(summary, ANSWERS[name]), **problems(401, 422, 500)},
    }


def open_operation(name: str, summary: str, media_type: str = "application/json") -> Json:
    """A route that needs no key."""
    schema = ANSWERS.get(name, {"type": "object"}) if media_type == "application/json" else {"type": "string"}
    return {
        "operationId": name,
        "tags": ["operations"],
        "summary": summary,
        "security": [],
        "responses": {"200": {"description": summary, "content": {media_type: {"schema": schema}}}},
    }


def description_operation() -> Json:
    """``GET /openapi.json``."""
    operation = open_operation("getDescription", "This document")
    return operation | {"parameters": [BODIES], "responses": operation["responses"] | problems(422)}


def readiness_operation() -> Json:
    """``GET /health/ready``: a route that needs no key, and may say no."""
    operation = open_operation("getReadiness", "Whether leads can be scored")
    return operation | {"responses": operation["responses"] | problems(503)}


def lead_schema(contract: Contract) -> Json:
    """The JSON schema of a lead that the contract allows."""
    features: Json = {
        "type": "object",
        "properties": {feature.name: feature_schema(feature, contract) for feature in contract.features},
        "additionalProperties": False,
    }
    if required := [feature.name for feature in contract.features if feature.required]:
        features["required"] = required
    lead_id = {
        "type": ["string", "integer"],
        "minLength": 1,
        "maxLength": LEAD_ID_LENGTH,
        "minimum": 0,
        "maximum": LEAD_ID_MAX,
        "description": "Your id of the lead, answered as text; a whole number is the same id as its digits.",
    }
    return {
        "type": "object",
        "properties": {"lead_id": lead_id, "features": features},
        "required": ["lead_id", "features"],
        "additionalProperties": False,
        "examples": [example_lead(contract)],
    }


def feature_schema(feature: Feature, contract: Contract) -> Json:
    """The JSON schema of one feature's value."""
    about = "; ".join(part for part in (feature.help, feature.unit) if part) or contract.allowed(feature)
    schema = feature.form.schema(feature)
    if not feature.required:
        kinds = schema["type"]
        schema["type"] = [*([kinds] if isinstance(kinds, str) else kinds), "null"]
    missing = contract.missing_value
    if missing is not None and contract.accepts(feature, missing) and not feature.fits(missing):
        schema = {"anyOf": [schema, {"const": missing}]}
    return {**schema, "description": about}


def example_lead(contract: Contract) -> Json:
    """A lead that the contract allows."""
    return {"lead_id": "lead-1", "features": {feature.name: example_value(feature) for feature in contract.features}}


def example_value(feature: Feature) -> float | int | str | None:
    """A value that a feature may have: its own example, or a plain one within its bounds."""
    return feature.form.example(feature) if feature.example is None else feature.example


def json_body(schema: Json, example: Any) -> Json:
    """A required JSON body."""
    return {"required": True, "content": {"application/json": {"schema": schema, "example": example}}}


def json_answer(about: str, schema: Json) -> Json:
    """A JSON answer with the request's id beside it."""
    return {
        "description": about,
        "headers": {"X-Request-ID": {"schema": {"type": "string"}}},
        "content": {"application/json": {"schema": schema}},
    }


def problems(*statuses: int) -> Json:
    """Error answers, all of the one shape."""
    about = {
        400: "Not JSON, too many leads, or not a number of milliseconds",
        401: "No key, not a known one, or one that has expired",
        403: "The key does not have the scope that is needed",
        408: "The request took too long to arrive",
        413: "The body is too large",
        415: "The body is not announced as JSON",
        422: "Not a valid lead or parameter: every fault with its path, value and what is allowed",
        429: "The key has had as many leads scored as it may; Retry-After says when there is one more",
        431: "The head of the request is too large",
        500: "The service failed",
        502: "The remote model failed, refused the service, or returned no valid answer",
        503: "More work than can be done in time, not ready, or no remote model to be had: come back later",
        504: "The remote model did not answer in time",
    }
    content = {"application/problem+json": {"schema": ref("Problem")}}
    return {str(status): {"description": about[status], "content": content} for status in statuses}


def ref(name: str) -> Json:
    """A reference to a schema of this document."""
    return {"$ref": f"#/components/schemas/{name}"}
