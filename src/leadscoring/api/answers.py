"""What the routes that score nothing answer, as JSON schemas: by the operation's name in the OpenAPI document.

Every field named here is always there, null or not; more may stand beside them.
"""

from typing import Any

from leadscoring.contract.kinds import KINDS

Json = dict[str, Any]

TEXT: Json = {"type": "string"}
MAYBE_TEXT: Json = {"type": ["string", "null"]}
AMOUNT: Json = {"type": "number", "minimum": 0}
MAYBE_NUMBER: Json = {"type": ["number", "null"]}
COUNT: Json = {"type": "integer", "minimum": 0}
TRUTH: Json = {"type": "boolean"}
MOMENT: Json = {"type": "string", "format": "date-time"}
SHARE: Json = {"type": "number", "minimum": 0, "maximum": 1}


def record(**fields: Json) -> Json:
    """An object that always has these fields."""
    return {"type": "object", "properties": fields, "required": list(fields)}


def array(of: Json) -> Json:
    """A list of any length."""
    return {"type": "array", "items": of}


def word(value: str) -> Json:
    """The one text that may stand here."""
    return {"const": value}


def table(of: Json) -> Json:
    """An object whose keys are not known beforehand."""
    return {"type": "object", "additionalProperties": of}


def maybe(schema: Json) -> Json:
    """An object, or null."""
    return {"anyOf": [schema, {"type": "null"}]}


MODEL = record(name=TEXT, version=TEXT)

FEATURE = record(
    name=TEXT,
    kind={"enum": list(KINDS)},
    required=TRUTH,
    minimum=MAYBE_NUMBER,
    maximum=MAYBE_NUMBER,
    values=maybe(array({"type": ["string", "number"]})),
    missing=maybe(array(TEXT)),
    allowed=TEXT,
    group=MAYBE_TEXT,
    unit=MAYBE_TEXT,
    help=MAYBE_TEXT,
    example={"type": ["number", "string", "null"]},
    columns=array(TEXT),
)

SPREAD: dict[str, Json] = {
    "psi": MAYBE_NUMBER,
    "verdict": {"enum": ["too few leads", "stable", "moved", "drifted"]},
    "bins": array(record(bin=TEXT, holds=TEXT, expected=SHARE, actual=SHARE)),
}

ENDPOINT = record(
    state={"enum": ["unknown", "healthy", "failing", "mismatch"]},
    breaker={"enum": ["closed", "half_open", "open"]},
    last_error=MAYBE_TEXT,
    last_ok=maybe(MOMENT),
    matches=maybe(TRUTH),
    fallback={"enum": ["working", "failing", None]},
    fallback_answers=COUNT,
)

ANSWERS: dict[str, Json] = {
    "getService": record(
        service=TEXT, version=TEXT, api_version=TEXT, model=MODEL, score=TEXT, docs=TEXT, openapi=TEXT, health=TEXT
    ),
    "getHealth": record(status=word("healthy"), timestamp=MOMENT),
    "getLiveness": record(status=word("alive"), uptime_seconds=AMOUNT, timestamp=MOMENT),
    "getReadiness": record(status=word("ready"), model_version=TEXT, timestamp=MOMENT),
    "getStatus": record(
        status={"enum": ["healthy", "degraded", "starting", "draining", "failing"]},
        problems=array(TEXT),
        version=TEXT,
        uptime_seconds=AMOUNT,
        model=record(
            name=TEXT, version=TEXT, loaded=TRUTH, n_features=COUNT, endpoint_provider=TEXT, endpoint=maybe(ENDPOINT)
        ),
        environment=record(name=TEXT, python_version=TEXT, hostname=TEXT),
        workers=record(wanted=COUNT, serving=COUNT),
        security=record(demo_key_active=TRUTH),
        timestamp=MOMENT,
    ),
    "getResources": record(
        cpu=record(usage_percent=AMOUNT, count=COUNT, per_cpu=array(AMOUNT)),
        memory=record(total_mb=AMOUNT, available_mb=AMOUNT, used_mb=AMOUNT, usage_percent=AMOUNT),
        disk=record(total_gb=AMOUNT, used_gb=AMOUNT, free_gb=AMOUNT, usage_percent=AMOUNT),
        process=record(pid=COUNT, memory_mb=AMOUNT, cpu_percent=AMOUNT, threads=COUNT, open_files=COUNT),
        network=record(bytes_sent_mb=AMOUNT, bytes_recv_mb=AMOUNT),
        alerts=record(high_cpu=TRUTH, high_memory=TRUTH, low_disk=TRUTH),
        timestamp=MOMENT,
    ),
    "getModelInfo": record(
        name=TEXT,
        version=TEXT,
        n_features=COUNT,
        n_trees=COUNT,
        rounds=record(used=COUNT, of=COUNT, best={"type": ["integer", "null"], "minimum": 1}),
        missing_value=MAYBE_NUMBER,
        max_depth=COUNT,
        certified=TRUTH,
        sha256={"type": "string", "pattern": "^[0-9a-f]{64}$"},
        created_at=MAYBE_TEXT,
        training=maybe({"type": "object"}),
        calibration=record(method=TEXT, knots=COUNT),
        tiers=record(thresholds=table(SHARE), definitions=table(TEXT)),
        golden_rows=COUNT,
        quality=maybe({"type": "object"}),
        libraries=table(TEXT),
        cautions=array(TEXT),
        endpoint_provider=TEXT,
    ),
    "listFeatures": record(version=TEXT, n_features=COUNT, features=array(FEATURE)),
    "listImportance": record(
        version=TEXT, method=TEXT, importance=array(record(feature=TEXT, importance=SHARE, splits=COUNT))
    ),
    "getDrift": record(
        version=TEXT,
        unavailable=MAYBE_TEXT,
        leads=COUNT,
        fewest_leads=COUNT,
        drifted_above=AMOUNT,
        score=maybe(record(**SPREAD)),
        features=array(record(feature=TEXT, **SPREAD)),
        not_counted=array(TEXT),
    ),
}
