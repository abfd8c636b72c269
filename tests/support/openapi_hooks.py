"""What schemathesis is told about this service beyond its OpenAPI document.

Loaded by schemathesis itself, which finds it by ``SCHEMATHESIS_HOOKS``.
"""

import json
from typing import Any

import schemathesis
from schemathesis import SerializationContext
from schemathesis.core.failures import AcceptedNegativeData, Failure
from schemathesis.core.transport import Response
from schemathesis.generation.case import Case
from schemathesis.hooks import HookContext
from schemathesis.openapi.checks import RejectedPositiveData

BATCH = "/api/v1/score/batch"


LINES = ("application/x-ndjson", "application/jsonl")
TABLE = "text/csv"
"""What a schema cannot describe: the header of a table, of which most texts have none that the contract allows."""


@schemathesis.serializer(*LINES)
def as_it_is(_context: SerializationContext, value: Any) -> bytes:
    """Bodies of leads in lines as bytes."""
    return str(value).encode()


@schemathesis.hook
def filter_failure(_context: HookContext, failure: Failure, case: Case[Any], response: Response) -> bool:
    """Whether a failure counts: all do, but for a table that is refused, and a lead that a batch refused at its place.

    The document says what leads a batch is for; an invalid one does not take the others down, so
    the whole is a 200. It must be refused all the same, and a 200 without a refusal stays a failure.
    """
    if case.operation.path != BATCH:
        return True
    if isinstance(failure, RejectedPositiveData):
        return not (case.media_type == TABLE and response.status_code == 422)
    if not isinstance(failure, AcceptedNegativeData) or response.status_code != 200:
        return True
    if case.media_type in LINES:
        return not any("error" in json.loads(line) for line in response.content.splitlines())
    return not any("error" in place for place in json.loads(response.content))
