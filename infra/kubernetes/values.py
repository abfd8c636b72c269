"""The schema of the Helm chart's values, with which Helm rejects a misspelt one.

``python -m infra.kubernetes`` and ``make docs`` write it. The schema of sizes and settings is generated from the types
of ``infra.environments`` and from the service's table of settings. The sizes themselves are not copied: the chart
contains ``infra/config/environments.json`` and the rules of ``monitoring/prometheus`` as symbolic links, which Helm
follows when it renders and when it packages.
"""

from pathlib import Path
from typing import Any

import msgspec

from infra.environments import ELSEWHERE, Environment
from leadscoring.settings import TABLE

CHART = Path(__file__).parent / "lead-scoring"
SCHEMA = CHART / "values.schema.json"

Schema = dict[str, Any]

USED: dict[str, tuple[str, ...]] = {
    "log_level": (),
    "min_replicas": (),
    "max_replicas": (),
    "cpu_millicores": (),
    "memory_mib": (),
    "settings": (),
    "probe": (
        "live_path", "ready_path", "interval_seconds", "timeout_seconds", "healthy_count", "unhealthy_count",
        "start_seconds",
    ),
    "ending": ("stop_seconds",),
    "scaling": ("requests_per_second", "cpu_percent", "out_seconds", "in_seconds"),
}  # fmt: skip
"""Fields of an environment that the chart uses, with their used parts: overrides of others would have no effect."""

NAME = {"type": "string", "maxLength": 253, "pattern": "^([a-z0-9]([-a-z0-9.]*[a-z0-9])?)?$"}
FILE = {"type": "string", "pattern": "^[-._a-zA-Z0-9]+$"}
TEXT = {"type": "string"}
TEXTS = {"type": "object", "additionalProperties": TEXT}
SWITCH = {"type": "boolean"}
PORT = {"type": "integer", "minimum": 1, "maximum": 65535}
MEBIBYTES = {"type": "integer", "minimum": 32, "maximum": 1 << 24}
OBJECTS = {"type": "array", "items": {"type": "object"}}
WHERE_INSTALLED = {"enum": [True, False, "auto"]}
ANY = {"type": "object"}


def closed(**properties: Schema) -> Schema:
    """Returns the schema of an object with these fields and no others."""
    return {"type": "object", "additionalProperties": False, "properties": properties}


def settings() -> Schema:
    """Returns the schema of the settings that an environment may contain; numbers may also be text."""
    value = {"type": ["string", "number", "boolean"]}
    return closed(**{row.name: value | {"description": row.help} for row in TABLE if row.name not in ELSEWHERE})


def overrides() -> Schema:
    """Returns the schema of the overrides of an environment: the fields that the chart uses, all optional."""
    _, parts = msgspec.json.schema_components([Environment], ref_template="{name}")
    fields = parts["Environment"]["properties"]
    allowed = {}
    for name, inner in USED.items():
        field = fields[name]
        if inner:
            of = parts[referenced(field)]["properties"]
            field = closed(**{part: of[part] for part in inner})
        allowed[name] = field
    return closed(**allowed | {"settings": settings()})


def referenced(field: Schema) -> str:
    """Returns the name of the type that a field refers to, with or without a description."""
    (name,) = (part["$ref"] for part in (field, *field.get("anyOf", ()), *field.get("allOf", ())) if "$ref" in part)
    return str(name)


def schema() -> Schema:
    """Returns the schema of all values."""
    values = closed(
        environment={**TEXT, "description": "An environment of files/environments.json", "minLength": 1},
        overrides=overrides(),
        fullnameOverride=NAME | {"maxLength": 50},
        image=closed(
            repository={**TEXT, "minLength": 1},
            tag={**TEXT, "pattern": "^[-._a-zA-Z0-9]*$"},
            digest={**TEXT, "pattern": "^(sha256:[0-9a-f]{64})?$"},
            pullPolicy={"enum": ["Always", "IfNotPresent", "Never"]},
            pullSecrets=OBJECTS,
        ),
        apiKeys=closed(existingSecret=NAME, key=FILE, value=TEXT),
        keyFile=closed(existingSecret=NAME, key=FILE),
        azureMlKey=closed(existingSecret=NAME, key=FILE),
        ledger=closed(existingSecret=NAME, key=FILE, leadKey=FILE, port=PORT, to=OBJECTS, tapeMebibytes=MEBIBYTES),
        model=closed(claim=NAME, configMap=NAME, image=TEXT, file=FILE),
        extraEnv=OBJECTS,
        serviceAccount=closed(create=SWITCH, name=NAME, annotations=TEXTS),
        service=closed(type={"enum": ["ClusterIP", "NodePort", "LoadBalancer"]}, port=PORT, annotations=TEXTS),
        ingress=closed(enabled=SWITCH, className=NAME, host=TEXT, tlsSecret=NAME, annotations=TEXTS),
        autoscaling=closed(enabled=SWITCH, requestsMetric=TEXT),
        networkPolicy=closed(
            enabled=SWITCH, **{"from": OBJECTS}, monitoringNamespace=NAME | {"minLength": 1}, dns=OBJECTS,
            extraEgress=OBJECTS,
        ),
        serviceMonitor=closed(enabled=WHERE_INSTALLED, labels=TEXTS),
        prometheusRule=closed(enabled=WHERE_INSTALLED, labels=TEXTS, runbooks=TEXT),
        podAnnotations=TEXTS,
        podLabels=TEXTS,
        nodeSelector=TEXTS,
        tolerations=OBJECTS,
        affinity=ANY,
        priorityClassName=NAME,
        **{"global": ANY | {"description": "Global values of Helm, if the chart is a subchart"}},
    )  # fmt: skip
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",  # the newest draft that every Helm 3 supports
        "title": "Values of the chart lead-scoring",
        "description": "Generated by infra/kubernetes/values.py.",
        **values,
    }


def schema_text() -> str:
    """Returns the content of the schema file."""
    return msgspec.json.format(msgspec.json.encode(schema()), indent=2).decode() + "\n"
