"""The handlers of all routes of one process, each wrapped as its row of the route table requires."""

from collections.abc import Iterable
from functools import cached_property
from typing import TYPE_CHECKING

from leadscoring.access.key_file import Scope
from leadscoring.access.keys import KeyRing
from leadscoring.access.rate_limit import RateLimit
from leadscoring.api.deadline import until_caller_gives_up
from leadscoring.api.docs import Documentation
from leadscoring.api.framework import Handler, RouteTable
from leadscoring.api.model import ModelRoutes
from leadscoring.api.operations import Operations
from leadscoring.api.quality import LiveQuality
from leadscoring.api.routes import Route
from leadscoring.api.score import Scoring
from leadscoring.api.service import Service
from leadscoring.scoring.lifecycle import Lifecycle
from leadscoring.transport.admission import Admission
from leadscoring.transport.compression import compressing
from leadscoring.transport.exchange import Exchange

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from leadscoring.api.leads import Leads
    from leadscoring.api.outcomes import Outcomes
    from leadscoring.api.protocols.inference_v2 import InferenceV2
    from leadscoring.api.protocols.sagemaker import SageMaker
    from leadscoring.transport.exchange import Reply


class Entrances:
    """The handlers of one process; those of optional protocols are created on first use."""

    def __init__(
        self, service: Service, operations: Operations, admission: Admission, lifecycle: Lifecycle, limit: RateLimit
    ) -> None:
        self._service = service
        self._admission = admission
        self._lifecycle = lifecycle
        self._limit = limit
        self.operations: Operations = operations
        self.scoring: Scoring = Scoring(service.scorer, service.metrics, service.settings, admission, limit)
        self.model: ModelRoutes = ModelRoutes(service.scorer)
        self.documentation: Documentation = Documentation(service.scorer, service.keys, service.settings)

    @cached_property
    def outcomes(self) -> "Outcomes":
        """The handler of outcomes."""
        from leadscoring.api.outcomes import Outcomes

        return Outcomes(self._service.ledger, self._service.settings, self._admission)

    @cached_property
    def leads(self) -> "Leads":
        """The handlers of leads that the ledger keeps."""
        from leadscoring.api.leads import Leads

        return Leads(self._service.ledger, self._service.settings)

    @cached_property
    def quality(self) -> LiveQuality:
        """The handler of live quality."""
        return LiveQuality(self._service.ledger, self._service.settings)

    @cached_property
    def sagemaker(self) -> "SageMaker":
        """The handlers of SageMaker's contract for containers."""
        from leadscoring.api.protocols.sagemaker import SageMaker

        service = self._service
        return SageMaker(
            service.scorer, service.metrics, service.settings, self._admission, self._lifecycle, self._limit
        )

    @cached_property
    def v2(self) -> "InferenceV2":
        """The handlers of the Open Inference Protocol."""
        from leadscoring.api.protocols.inference_v2 import InferenceV2
        from leadscoring.api.protocols.rows import EncodedScoring

        service = self._service
        rows = EncodedScoring(service.scorer, service.metrics, service.settings, self._admission, self._limit)
        return InferenceV2(service.scorer, rows, service.settings, self._lifecycle)

    def table(self, routes: Iterable[Route]) -> RouteTable:
        """Returns the handlers of these routes, by method and path."""
        return {(route.method, route.path): self._handler(route) for route in routes}

    def _handler(self, route: Route) -> Handler:
        """Wraps the handler of a route as its row requires; the key check is innermost: the rest handles its errors."""
        settings, handler = self._service.settings, route.handler(self)
        scope = route.key_scope(settings)
        if scope is not None:
            handler = behind_key(handler, self._service.keys, scope)
        if route.protocol == "v2":
            from leadscoring.api.protocols.inference_v2 import in_its_form

            handler = in_its_form(handler)
        # a local model is faster than any deadline, and should not pay for the wrapper
        if route.deadline and settings.model_endpoint_provider != "local":
            handler = until_caller_gives_up(handler)
        return compressing(handler, self._admission) if route.compressed else handler


def behind_key(handler: Handler, keys: KeyRing, scope: Scope) -> Handler:
    """Wraps a handler to require a key with ``scope``. Not a coroutine, which would cost more."""
    check = keys.check

    def respond(exchange: Exchange) -> "Awaitable[Reply]":
        exchange.key = check(exchange.presented_key, scope).label
        return handler(exchange)

    return respond
