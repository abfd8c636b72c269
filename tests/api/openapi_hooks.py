"""What schemathesis is told about this service beyond its OpenAPI document.

Loaded by schemathesis itself, which finds it by ``SCHEMATHESIS_HOOKS``.
"""

import json
from typing import Any

import schemathesis
from schemathesis.core.failures import AcceptedNegativeData, Failure
from schemathesis.core.transport import Response
from schemathesis.generation.case import Case
from schemathesis.hooks import HookContext

BATCH = "/api/v1/score/batch"


@schemathesis.hook
def filter_failure(_context: HookContext, failure: Failure, case: Case[Any], response: Response) -> bool:
    """Whether a failure counts: all do, but for an invalid lead that a batch refused at its own place.

    The document says what leads a batch is for; an invalid one does not take the others down, so
    the whole is a 200. It must be refused all the same, and a 200 without a refusal stays a failure.
    """
    if not isinstance(failure, AcceptedNegativeData) or case.operation.path != BATCH:
        return True
    if response.status_code != 200:
        return True
    return not any("error" in place for place in json.loads(response.content))
