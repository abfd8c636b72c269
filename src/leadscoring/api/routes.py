"""Which handler answers which method and path."""

from leadscoring.access.rate_limit import RateLimit
from leadscoring.api.deadline import until_caller_gives_up
from leadscoring.api.docs import Documentation
from leadscoring.api.framework import Handler, RouteTable
from leadscoring.api.model import ModelRoutes
from leadscoring.api.operations import Operations
from leadscoring.api.score import Scoring
from leadscoring.api.service import Service
from leadscoring.scoring.lifecycle import Lifecycle
from leadscoring.transport.admission import Admission
from leadscoring.transport.compression import with_compression

SINGLE_PATH = "/api/v1/score"


def detail_table(operations: Operations) -> RouteTable:
    """The routes of operational detail, which a setting can close or move."""
    return {
        ("GET", "/metrics"): operations.metrics,
        ("GET", "/resources"): operations.resources,
        ("GET", "/status"): operations.status,
    }


def protocol_table(service: Service, admission: Admission, lifecycle: Lifecycle, limit: RateLimit) -> RouteTable:
    """The routes of the protocols of model servers that a setting turns on."""
    scorer, metrics, settings = service.scorer, service.metrics, service.settings
    table: RouteTable = {}
    if "sagemaker" in settings.endpoint_protocols:
        from leadscoring.api.protocols.sagemaker import SageMaker

        sagemaker = SageMaker(scorer, metrics, settings, admission, lifecycle, limit)
        table |= {
            ("GET", "/ping"): sagemaker.ping,
            ("GET", "/execution-parameters"): sagemaker.execution_parameters,
            ("POST", "/invocations"): sagemaker.invocations,
        }
    if "v2" in settings.endpoint_protocols:
        from leadscoring.api.protocols.inference_v2 import InferenceV2
        from leadscoring.api.protocols.rows import EncodedScoring

        rows = EncodedScoring(scorer, service.keys, metrics, settings, admission, limit)
        table |= InferenceV2(scorer, service.keys, rows, settings, lifecycle).routes()
    return table


def route_table(
    service: Service,
    scoring: Scoring,
    operations: Operations,
    admission: Admission,
    lifecycle: Lifecycle,
    limit: RateLimit,
) -> RouteTable:
    """Every other route of the service."""
    settings = service.settings
    model = ModelRoutes(service.scorer, service.keys)
    documentation = Documentation(service.scorer, service.keys, settings)
    # a local model is quicker than any deadline, and does not pay for one
    timed = until_caller_gives_up if settings.model_endpoint_provider != "local" else as_it_is
    described: RouteTable = {
        ("GET", "/api/v1/model/info"): model.info,
        ("GET", "/api/v1/model/features"): model.features,
        ("GET", "/api/v1/model/importance"): model.importance,
        ("GET", "/api/v1/model/drift"): model.drift,
        ("GET", "/docs"): documentation.page,
        ("GET", "/openapi.json"): documentation.openapi,
    }
    return {
        ("POST", SINGLE_PATH): timed(scoring.one),
        ("POST", "/api/v1/score/batch"): timed(scoring.batch),
        ("GET", "/"): operations.root,
        ("GET", "/health"): operations.health,
        ("GET", "/health/live"): operations.live,
        ("GET", "/health/ready"): operations.ready,
        **with_compression(described, admission),
        **protocol_table(service, admission, lifecycle, limit),
    }


def as_it_is(handler: Handler) -> Handler:
    """The handler itself."""
    return handler
