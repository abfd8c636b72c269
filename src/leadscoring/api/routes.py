"""The table of all routes: each row has the handler of a method and path, the required key, and the types it sends.

It is the source of dispatch (``entrances.py``), key checks, the paths in metrics, the OpenAPI document, and the tables
of ``docs/API.md``. A new route needs one row here and its handler.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from leadscoring.api.answer_lines import COLUMNS
from leadscoring.api.answers import (
    About,
    FeatureList,
    Health,
    ImportanceList,
    Liveness,
    ModelInfo,
    Readiness,
    Resources,
    Status,
)
from leadscoring.api.parameters import BODIES, DETAILS, REASONS, SHOWN_REASONS, Parameter
from leadscoring.api.protocols.answers import (
    Failure,
    Inferred,
    ModelReady,
    Ping,
    Predictions,
    ServerInfo,
    ServerLive,
    ServerReady,
    TensorModel,
    Transform,
)
from leadscoring.api.protocols.tensors import Question
from leadscoring.lead import Scored
from leadscoring.ledger.lead_record import Erased, LeadRecord, Objection
from leadscoring.ledger.outcome import Place, SentOutcome
from leadscoring.quality.drift import DriftReport
from leadscoring.quality.live import Live
from leadscoring.settings import Settings
from leadscoring.transport.failures import Refused

if TYPE_CHECKING:
    from leadscoring.access.key_file import Scope
    from leadscoring.api.entrances import Entrances
    from leadscoring.api.framework import Handler

Lines = Mapping[str, str]
"""Formats of a body other than JSON: a description of each media type."""

ANSWERED: Lines = {
    "application/x-ndjson": "One line per line of leads: a score or an error, as in the array.",
    "application/jsonl": "The same as application/x-ndjson.",
    "text/csv": "For leads in lines, if Accept names it: " + ", ".join(COLUMNS) + ", and the reasons.",
}
TENSORS: Lines = {"application/octet-stream": "The JSON, followed by the binary tensors."}
ROWS: Lines = {"text/csv": "One row per line.", "application/jsonlines": "One lead per line."}

SCORING_FAULTS = (400, 408, 413, 415, 422, 429, 431, 500, 502, 503, 504)


@dataclass(frozen=True, kw_only=True)
class Route:
    """One method of one path.

    ``scope`` is the required access: ``score``, ``outcomes`` and ``admin`` need a key with it; ``operations`` are
    operational details, which OPERATIONS_ACCESS makes public, protects by a key or moves to another port. ``answer``
    and ``body`` are types that are sent as JSON, or media types; a body may also be a key of ``openapi.BODIES`` if it
    depends on the contract.
    ``protocol`` is the value of ENDPOINT_PROTOCOLS that enables the route.
    """

    method: Literal["GET", "POST", "PUT", "DELETE"]
    path: str
    handler: "Callable[[Entrances], Handler]"
    name: str
    """The operation id in the OpenAPI document, from which client generators derive method names."""
    summary: str
    answer: Any
    gives: str = ""
    """A description of its response, if the summary only describes what it does."""
    scope: Literal["open", "score", "outcomes", "admin", "operations"] = "open"
    group: Literal["scoring", "outcomes", "leads", "model", "operations"] = "operations"
    protocol: Literal["", "sagemaker", "v2"] = ""
    body: Any = None
    body_lines: Lines = field(default_factory=dict)
    answer_lines: Lines = field(default_factory=dict)
    parameters: tuple[Parameter, ...] = ()
    faults: tuple[int, ...] = ()
    """Statuses of the errors that it may return, besides those about keys."""
    otherwise: Mapping[int, Any] = field(default_factory=dict)
    """Further statuses that have a response type of their own."""
    probe: bool = False
    """Whether it is answered immediately, however busy the process is."""
    at_once: bool = False
    """Whether it is answered where it is read, if the queue is empty and the model is local."""
    compressed: bool = False
    """Whether its response is compressed; scoring routes compress themselves, in parts."""
    timed: bool = False
    """Whether its metrics exist before the first request, since alerts depend on them."""
    deadline: bool = False
    """Whether its caller may set a timeout, which applies to remote models."""

    def key_scope(self, settings: Settings) -> "Scope | None":
        """Returns the scope that a key needs for this route; ``None`` if no key is required."""
        if self.scope == "operations":
            return "admin" if settings.operations_access == "key" else None
        return None if self.scope == "open" else self.scope

    @property
    def path_parameters(self) -> list[str]:
        """The names of its path parameters."""
        return re.findall(r"{(\w+)}", self.path)

    @property
    def fault(self) -> Any:
        """The type of its errors, except for those raised before its handler runs."""
        return Failure if self.protocol == "v2" else None


def tensor_routes(suffix: str, model: str) -> tuple[Route, ...]:
    """Returns the routes of the Open Inference Protocol about a model."""
    return (
        Route(
            method="GET", path=model, handler=lambda at: at.v2.metadata, scope="score", protocol="v2",
            name=f"getV2Model{suffix}", summary="The tensors of the model", answer=TensorModel,
            faults=(403, 404, 500),
        ),
        Route(
            method="GET", path=f"{model}/ready", handler=lambda at: at.v2.model_ready, protocol="v2",
            name=f"getV2Model{suffix}Readiness", summary="Whether the model is ready to score", answer=ModelReady,
            faults=(404,), otherwise={503: ModelReady},
        ),
        Route(
            method="POST", path=f"{model}/infer", handler=lambda at: at.v2.infer, scope="score", protocol="v2",
            group="scoring", name=f"infer{suffix}", summary="Score the leads in tensors", answer=Inferred,
            body=Question, body_lines=TENSORS, answer_lines=TENSORS,
            faults=(400, 403, 404, 408, 413, 415, 422, 429, 431, 500, 503),
        ),
    )  # fmt: skip


TABLE: tuple[Route, ...] = (
    Route(
        method="POST", path="/api/v1/score", handler=lambda at: at.scoring.one, scope="score", group="scoring",
        name="scoreLead", summary="Score one lead, with reasons", body="lead", answer=Scored, gives="The score",
        parameters=(REASONS, DETAILS), faults=SCORING_FAULTS, at_once=True, timed=True, deadline=True,
    ),
    Route(
        method="POST", path="/api/v1/score/batch", handler=lambda at: at.scoring.batch, scope="score", group="scoring",
        name="scoreBatch", summary="Score many leads; an invalid lead does not affect the others",
        body="leads", answer=list[Scored | Refused], answer_lines=ANSWERED,
        gives="For each lead, a score or an error",
        parameters=(REASONS, DETAILS), faults=SCORING_FAULTS, timed=True, deadline=True,
    ),
    Route(
        method="POST", path="/api/v1/outcomes", handler=lambda at: at.outcomes.record, scope="outcomes",
        group="outcomes", name="recordOutcomes", summary="Record what came of leads; the answer means committed",
        body=SentOutcome | list[SentOutcome], answer=Place | list[Place | Refused],
        gives="For each outcome, whether it was recorded now or before, or an error",
        faults=(400, 404, 408, 409, 410, 413, 415, 422, 431, 500, 503),
    ),
    Route(
        method="GET", path="/api/v1/leads/{lead_id}", handler=lambda at: at.leads.show, scope="admin", group="leads",
        name="getLead", summary="All that is kept of a lead: scores, what changed them, outcomes, objection",
        answer=LeadRecord, parameters=(SHOWN_REASONS,), faults=(404, 422, 500, 503), compressed=True,
    ),
    Route(
        method="DELETE", path="/api/v1/leads/{lead_id}", handler=lambda at: at.leads.erase, scope="admin",
        group="leads", name="eraseLead", summary="Erase all that is kept of a lead", answer=Erased,
        faults=(404, 422, 500, 503),
    ),
    Route(
        method="PUT", path="/api/v1/leads/{lead_id}/objection", handler=lambda at: at.leads.put_objection,
        scope="admin", group="leads", name="putObjection",
        summary="Object to scoring of a lead: it is not scored from now on", answer=Objection,
        faults=(404, 422, 500, 503),
    ),
    Route(
        method="DELETE", path="/api/v1/leads/{lead_id}/objection", handler=lambda at: at.leads.withdraw_objection,
        scope="admin", group="leads", name="withdrawObjection", summary="Withdraw an objection to scoring",
        answer=Objection, faults=(404, 422, 500, 503),
    ),
    Route(
        method="GET", path="/api/v1/model/info", handler=lambda at: at.model.info, scope="score", group="model",
        name="getModelInfo", summary="The served model, its training data and its quality", answer=ModelInfo,
        faults=(422, 500), compressed=True,
    ),
    Route(
        method="GET", path="/api/v1/model/features", handler=lambda at: at.model.features, scope="score", group="model",
        name="listFeatures", summary="The contract: the features of a lead", answer=FeatureList,
        faults=(422, 500), compressed=True,
    ),
    Route(
        method="GET", path="/api/v1/model/importance", handler=lambda at: at.model.importance, scope="score",
        group="model", name="listImportance", summary="The importance of each feature over all leads",
        answer=ImportanceList,
        faults=(422, 500), compressed=True,
    ),
    Route(
        method="GET", path="/api/v1/model/drift", handler=lambda at: at.model.drift, scope="score", group="model",
        name="getDrift", summary="Drift of the scored leads from the training data", answer=DriftReport,
        faults=(422, 500), compressed=True,
    ),
    Route(
        method="GET", path="/api/v1/model/quality", handler=lambda at: at.quality.report, scope="score", group="model",
        name="getQuality", summary="Live quality: scores against what came of the leads", answer=Live,
        faults=(404, 422, 500, 503), compressed=True,
    ),
    Route(
        method="GET", path="/", handler=lambda at: at.operations.root,
        name="getService", summary="Name and version of the service", answer=About,
    ),
    Route(
        method="GET", path="/health", handler=lambda at: at.operations.health, probe=True,
        name="getHealth", summary="Whether the service responds", answer=Health,
    ),
    Route(
        method="GET", path="/health/live", handler=lambda at: at.operations.live, probe=True,
        name="getLiveness", summary="Whether the process is alive, and its uptime", answer=Liveness,
    ),
    Route(
        method="GET", path="/health/ready", handler=lambda at: at.operations.ready, probe=True,
        name="getReadiness", summary="Whether leads can be scored", answer=Readiness, faults=(503,),
    ),
    Route(
        method="GET", path="/openapi.json", handler=lambda at: at.documentation.openapi, compressed=True,
        name="getDescription", summary="The OpenAPI document", answer=dict[str, Any],
        parameters=(BODIES,), faults=(422,),
    ),
    Route(
        method="GET", path="/docs", handler=lambda at: at.documentation.page, compressed=True,
        name="getDocumentation", summary="The documentation page, with a form to score a lead", answer="text/html",
    ),
    Route(
        method="GET", path="/status", handler=lambda at: at.operations.status, scope="operations", compressed=True,
        name="getStatus", summary="Version, uptime, model and security of the configuration", answer=Status,
    ),
    Route(
        method="GET", path="/resources", handler=lambda at: at.operations.resources, scope="operations",
        name="getResources", summary="CPU, memory, disk and network usage, and exceeded limits", answer=Resources,
        compressed=True,
    ),
    Route(
        method="GET", path="/metrics", handler=lambda at: at.operations.metrics, scope="operations", compressed=True,
        name="getMetrics", summary="Metrics in the text format of Prometheus", answer="text/plain",
    ),
    Route(
        method="GET", path="/ping", handler=lambda at: at.sagemaker.ping, protocol="sagemaker", probe=True,
        name="ping", summary="Whether leads can be scored", answer=Ping, otherwise={503: Ping},
    ),
    Route(
        method="GET", path="/execution-parameters", handler=lambda at: at.sagemaker.execution_parameters,
        protocol="sagemaker", name="getTransform", summary="Recommended settings of a batch transform",
        answer=Transform,
    ),
    Route(
        method="POST", path="/invocations", handler=lambda at: at.sagemaker.invocations, protocol="sagemaker",
        group="scoring", name="invoke",
        summary="Score encoded rows, or leads; the scores of rows are not calibrated",
        body="rows", body_lines=ROWS, answer=Predictions | Scored | list[Scored | Refused], answer_lines=ROWS,
        faults=(400, 406, 408, 413, 415, 422, 429, 431, 500, 503),
    ),
    Route(
        method="GET", path="/v2", handler=lambda at: at.v2.server, protocol="v2",
        name="getV2Server", summary="The server's name, version and extensions", answer=ServerInfo,
    ),
    Route(
        method="GET", path="/v2/health/live", handler=lambda at: at.v2.live, protocol="v2", probe=True,
        name="getV2Liveness", summary="Whether the process responds", answer=ServerLive,
    ),
    Route(
        method="GET", path="/v2/health/ready", handler=lambda at: at.v2.ready, protocol="v2", probe=True,
        name="getV2Readiness", summary="Whether leads can be scored", answer=ServerReady,
        otherwise={503: ServerReady},
    ),
    *tensor_routes("", "/v2/models/{name}"),
    *tensor_routes("Version", "/v2/models/{name}/versions/{version}"),
)  # fmt: skip
"""All routes of the service, in the order of the documentation."""

PATHS = tuple(dict.fromkeys(route.path for route in TABLE))
"""All paths of the service, by which requests are counted."""

PROBES = frozenset(route.path for route in TABLE if route.probe)
"""Paths that are answered immediately, however busy the process is."""

TIMED = tuple((route.method, route.path) for route in TABLE if route.timed)
"""The routes whose metrics exist before the first request."""


def here(settings: Settings) -> list[Route]:
    """Returns the routes of the scoring port."""
    return [
        route
        for route in TABLE
        if (route.scope != "operations" or settings.operations_access != "port")
        and (not route.protocol or route.protocol in settings.endpoint_protocols)
    ]


def apart(settings: Settings) -> list[Route]:
    """Returns the routes of the operations port; empty if there is none."""
    return [route for route in TABLE if route.scope == "operations" and settings.operations_access == "port"]


def routes_markdown(protocol: str = "") -> str:
    """Renders the routes of a protocol, or of the API, as a Markdown table for the documentation."""
    keys = {"open": "", "score": "yes", "outcomes": "`outcomes`", "admin": "`admin`", "operations": "*"}
    lines = ["| Method | Path | Purpose | Key |", "|---|---|---|---|"]
    lines += [
        f"| {route.method} | `{route.path}` | {route.summary} | {keys[route.scope]} |"
        for route in TABLE
        if route.protocol == protocol
    ]
    return "\n".join(lines)
