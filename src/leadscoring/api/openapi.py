"""Generates the OpenAPI 3.1 document from the table of routes, the message types and the contract of the model."""

import json
from collections.abc import Callable, Iterator
from types import UnionType
from typing import Any, get_args, get_origin

import msgspec

import leadscoring
from leadscoring.api.answer_lines import rows
from leadscoring.api.parameters import TIMEOUT, Parameter
from leadscoring.api.routes import Lines, Route, here
from leadscoring.contract.features import Contract, Feature
from leadscoring.contract.moment import AS_OF_ALLOWED
from leadscoring.lead import LEAD_ID_LENGTH, LEAD_ID_MAX
from leadscoring.model.loaded import LoadedModel
from leadscoring.settings import Settings
from leadscoring.transport.failures import Problem

Json = dict[str, Any]

JSON = "application/json"
REFERENCE = "#/components/schemas/{name}"
LEAD: Json = {"$ref": REFERENCE.format(name="Lead")}

BEFORE_THE_HANDLER = (408, 431, 500)
"""Statuses that are problem responses in every protocol."""

FAULTS = {
    400: "Invalid request: not JSON, too many leads, rows that do not match the model, or an invalid timeout",
    401: "No key, an unknown key, or an expired key",
    403: "The key lacks the required scope",
    404: "This model, version or lead is not there, or LEDGER is off",
    406: "No acceptable response format",
    409: "The outcome was recorded before with other content",
    410: "The lead was erased after the outcome occurred",
    408: "The request was not received in time",
    413: "The body is too large",
    415: "The content type is not supported",
    422: "Invalid lead or parameter: each error with its path, the value received and what is allowed",
    429: "The rate limit of the key is exceeded; Retry-After is the time until another lead is allowed",
    431: "The request headers are too large",
    500: "Internal error",
    502: "The remote model failed, denied access, or returned an unusable response",
    503: "Overloaded, not ready, or the remote model or the ledger is unavailable: retry later",
    504: "The remote model did not respond in time",
}


def description(model: LoadedModel, settings: Settings) -> Json:
    """Generates the OpenAPI document of a service that serves this model."""
    card, routes = model.card, here(settings)
    schemas = Schemas(routes)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Lead Scoring Service",
            "version": leadscoring.__version__,
            "summary": f"Serving {card.name} {card.version}",
            "description": "Predicts how likely each lead is to convert, with the exact reasons.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "tags": [{"name": name} for name in ("scoring", "outcomes", "leads", "model", "operations")],
        "paths": paths(routes, Describing(schemas, card.contract, settings)),
        "components": {
            "schemas": {"Lead": lead_schema(card.contract), **schemas.components},
            "securitySchemes": {"ApiKey": {"type": "apiKey", "in": "header", "name": "X-API-Key"}},
        },
    }


class Schemas:
    """The JSON Schemas of all message types of the routes, and of the types that they reference."""

    def __init__(self, routes: list[Route]) -> None:
        types = [kind for route in routes for kind in types_of(route)]
        made, components = msgspec.json.schema_components(types, ref_template=REFERENCE)
        self.components: Json = with_plain_arrays(components)
        self._made = {repr(kind): schema for kind, schema in zip(types, made, strict=True)}

    def of(self, kind: Any) -> Json:
        """Returns the schema of a type, a list or a union."""
        if get_origin(kind) is UnionType:
            return {"anyOf": [self.of(one) for one in get_args(kind)]}
        if get_origin(kind) is list:
            return {"type": "array", "items": self.of(*get_args(kind))}
        return self._made[repr(kind)]


def with_plain_arrays(schema: Any) -> Any:
    """Rewrites the arrays of a schema into equivalent forms that client generators support.

    Untyped arrays get ``items: {}``, and fixed-length arrays lose ``items: false``.
    """
    if isinstance(schema, list):
        return [with_plain_arrays(inner) for inner in schema]
    if not isinstance(schema, dict):
        return schema
    made = {key: with_plain_arrays(inner) for key, inner in schema.items() if (key, inner) != ("items", False)}
    if made.get("type") == "array" and "prefixItems" not in made:
        made.setdefault("items", {})
    return made


def types_of(route: Route) -> Iterator[Any]:
    """Yields the types that a route sends or receives."""
    kinds = [route.answer, route.body, *route.otherwise.values(), route.fault, Problem]
    for kind in kinds:
        if kind is not None and not isinstance(kind, str):
            yield from leaves(kind)


def leaves(kind: Any) -> list[Any]:
    """Returns the types that a list or union consists of."""
    if get_origin(kind) in (UnionType, list):
        return [leaf for inner in get_args(kind) for leaf in leaves(inner)]
    return [kind]


class Describing:
    """Converts routes to operations of the document."""

    def __init__(self, schemas: Schemas, contract: Contract, settings: Settings) -> None:
        self._schemas = schemas
        self._contract = contract
        self._settings = settings

    def operation(self, route: Route) -> Json:
        """Converts one route."""
        made: Json = {
            "operationId": route.name,
            "tags": [route.group],
            "summary": route.summary,
            "security": [{"ApiKey": []}] if route.key_scope(self._settings) else [],
        }
        if parameters := [*map(path_parameter, route.path_parameters), *self._parameters(route)]:
            made["parameters"] = msgspec.to_builtins(parameters)
        if route.body is not None:
            made["requestBody"] = self._body(route)
        return made | {"responses": dict(self._responses(route))}

    def _parameters(self, route: Route) -> list[Parameter]:
        """Returns the parameters of a route; the deadline applies to remote models only."""
        local = self._settings.model_endpoint_provider == "local"
        return [*route.parameters, *([TIMEOUT] if route.deadline and not local else [])]

    def _body(self, route: Route) -> Json:
        """Returns the request body of a route, derived from the contract or from a type."""
        if isinstance(route.body, str):
            content = BODIES[route.body](self._contract, self._settings)
        else:
            content = {JSON: {"schema": self._schemas.of(route.body)}}
        return {"required": True, "content": content | lines(route.body_lines)}

    def _responses(self, route: Route) -> Iterator[tuple[str, Json]]:
        """Yields the responses of a route, by status."""
        header = {"X-Request-ID": {"schema": {"type": "string"}}}
        yield "200", {"description": route.gives or route.summary, "headers": header, "content": self._answer(route)}
        scope = route.key_scope(self._settings)
        keyed = () if scope is None else (401,) if scope == "score" else (401, 403)
        for status in sorted({*route.faults, *keyed}):
            if status in BEFORE_THE_HANDLER or route.fault is None:
                yield str(status), self._response(status, "application/problem+json", Problem)
            else:
                yield str(status), self._response(status, JSON, route.fault)
        for status, kind in route.otherwise.items():
            yield str(status), self._response(status, JSON, kind)

    def _response(self, status: int, media_type: str, kind: Any) -> Json:
        return {"description": FAULTS[status], "content": {media_type: {"schema": self._schemas.of(kind)}}}

    def _answer(self, route: Route) -> Json:
        if isinstance(route.answer, str):
            return {route.answer: {"schema": {"type": "string"}}}
        return {JSON: {"schema": self._schemas.of(route.answer)}} | lines(route.answer_lines)


def paths(routes: list[Route], describing: Describing) -> Json:
    """Returns all paths of this port of the service."""
    by_path: Json = {}
    for route in routes:
        by_path.setdefault(route.path, {})[route.method.lower()] = describing.operation(route)
    return by_path


def path_parameter(name: str) -> Parameter:
    """Returns the description of a path parameter."""
    about = {"lead_id": "Your id of the lead, percent-encoded."}
    return Parameter(name, "path", about.get(name, f"The {name} of the model."), {"type": "string"}, required=True)


def lines(forms: Lines) -> Json:
    """Returns the content of a body in formats other than JSON."""
    return {kind: {"schema": {"type": "string", **binary(kind), "description": about}} for kind, about in forms.items()}


def binary(kind: str) -> Json:
    """Returns the schema keyword for binary media types; empty for text."""
    return {"contentMediaType": kind} if kind == "application/octet-stream" else {}


def with_json_bodies(document: Json) -> Json:
    """Removes non-JSON bodies of requests and responses from the document, where there is JSON as well.

    Some client generators support only JSON: they warn about every other body, or generate calls that fail.
    """
    return document | {
        "paths": {
            path: {method: with_json_body(operation) for method, operation in methods.items()}
            for path, methods in document["paths"].items()
        }
    }


def with_json_body(operation: Json) -> Json:
    """Removes non-JSON bodies from an operation, where there is JSON."""
    made = operation | {"responses": {status: in_json(answer) for status, answer in operation["responses"].items()}}
    return made | {"requestBody": in_json(operation["requestBody"])} if "requestBody" in operation else made


def in_json(body: Json) -> Json:
    """Removes other formats from a body, if it has JSON."""
    kept = body.get("content", {}).get(JSON)
    return body if kept is None else body | {"content": {JSON: kept}}


def lead_body(contract: Contract, _settings: Settings) -> Json:
    """Returns the request body of a single lead."""
    return {JSON: {"schema": LEAD, "example": example_lead(contract)}}


def leads_body(contract: Contract, settings: Settings) -> Json:
    """Returns the request body of a batch. Invalid items of the array are rejected individually."""
    leads = {"type": "array", "items": LEAD, "maxItems": settings.max_batch_size}
    return {JSON: {"schema": leads, "example": [example_lead(contract)]}} | lead_lines(contract)


def rows_body(_contract: Contract, _settings: Settings) -> Json:
    """Returns the request body for encoded rows: a matrix, plain or under one of two keys; or a lead, or leads."""
    matrix = {"type": "array", "items": {"type": "array", "items": {"type": ["number", "null"]}}}
    named = [{"type": "object", "properties": {name: matrix}} for name in ("instances", "data")]
    return {JSON: {"schema": {"anyOf": [{"anyOf": [matrix, *named]}, LEAD, {"type": "array", "items": LEAD}]}}}


BODIES: dict[str, Callable[[Contract, Settings], Json]] = {"lead": lead_body, "leads": leads_body, "rows": rows_body}
"""The bodies that depend on the contract or have no type, by their name in routes."""


def lead_lines(contract: Contract) -> Json:
    """Returns the non-JSON formats of a batch: one lead per line, answered as a stream."""
    lead = example_lead(contract)
    header = "A header with lead_id and the names of features, then one lead per row."
    if contract.is_timed:
        header = "A header with lead_id, the names of features and, if you like, as_of, then one lead per row."
    table = [["lead_id", *lead["features"]], [lead["lead_id"], *lead["features"].values()]]
    jsonl: Json = {"type": "string", "description": "One lead per line, as in the array."}
    text: Json = {"type": "string", "description": header}
    return {
        "application/x-ndjson": {"schema": jsonl, "example": json.dumps(lead, ensure_ascii=False) + "\n"},
        "application/jsonl": {"schema": jsonl},
        "text/csv": {"schema": text, "example": rows(table).decode()},
    }


def lead_schema(contract: Contract) -> Json:
    """Returns the JSON Schema of a lead by the contract."""
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
        "description": "Your id of the lead, returned as text; a whole number is the same id as its digits.",
    }
    return {
        "type": "object",
        "properties": {"lead_id": lead_id, "features": features, **as_of_schema(contract)},
        "required": ["lead_id", "features"],
        "additionalProperties": False,
        "examples": [example_lead(contract)],
    }


def as_of_schema(contract: Contract) -> Json:
    """Returns the property for the moment of a lead, by a contract whose scores depend on it; others ignore it."""
    if not contract.is_timed:
        return {}
    about = (
        f"The moment as of which the lead is scored, by default that of the request: {AS_OF_ALLOWED}; UTC if no offset."
    )
    return {"as_of": {"type": ["string", "null"], "format": "date-time", "description": about}}


def feature_schema(feature: Feature, contract: Contract) -> Json:
    """Returns the JSON Schema of one feature's value."""
    about = "; ".join(part for part in (feature.help, feature.unit) if part) or contract.allowed(feature)
    schema = feature.form.schema(feature)
    if not feature.required and "anyOf" in schema:
        schema["anyOf"] = [*schema["anyOf"], {"type": "null"}]
    elif not feature.required:
        kinds = schema["type"]
        schema["type"] = [*([kinds] if isinstance(kinds, str) else kinds), "null"]
    missing = contract.missing_value
    if missing is not None and contract.accepts(feature, missing) and not feature.fits(missing):
        schema = {"anyOf": [schema, {"const": missing}]}
    return {**schema, "description": about}


def example_lead(contract: Contract) -> Json:
    """Returns a lead that satisfies the contract."""
    return {"lead_id": "lead-1", "features": {feature.name: example_value(feature) for feature in contract.features}}


def example_value(feature: Feature) -> float | int | str | None:
    """Returns an example value: that of the feature, or a valid default."""
    return feature.form.example(feature) if feature.example is None else feature.example
