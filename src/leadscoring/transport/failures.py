"""Maps domain errors to problem details (RFC 9457): one table, one format."""

import inspect
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from leadscoring.errors import (
    BatchTooLarge,
    BodyTooLarge,
    DeadlineExceeded,
    EndpointAnswerInvalid,
    EndpointBusy,
    EndpointError,
    EndpointFailed,
    EndpointMismatch,
    EndpointNotReady,
    EndpointRefused,
    EndpointRejected,
    EndpointSuspended,
    EndpointThrottled,
    EndpointTimeout,
    EndpointUnreachable,
    ExpiredKey,
    Fault,
    HostNotClear,
    InvalidParameter,
    InvalidRows,
    InvalidTimeout,
    KeyScope,
    LeadScoringError,
    LedgerOff,
    LedgerUnavailable,
    MalformedEncoding,
    MalformedJson,
    MissingKey,
    NotAcceptable,
    Overloaded,
    PageNotAllowed,
    RateLimited,
    RequestError,
    UnknownKey,
    UnknownModel,
    UnsupportedEncoding,
    UnsupportedMediaType,
    ValidationError,
    VersionNotSupported,
)
from leadscoring.transport.exchange import CLOSE, ClientGone, Reply

PROBLEM = b"application/problem+json"

STATUS: dict[type[LeadScoringError], tuple[int, str]] = {
    MalformedJson: (400, "The body is not valid JSON"),
    MalformedEncoding: (400, "The body is not valid gzip"),
    BatchTooLarge: (400, "Too many leads in one batch"),
    InvalidTimeout: (400, "The requested timeout is invalid"),
    HostNotClear: (400, "The Host header is missing or ambiguous"),
    VersionNotSupported: (400, "HTTP version not supported"),
    PageNotAllowed: (400, "The CORS preflight is rejected"),
    InvalidRows: (400, "The rows do not match the model"),
    MissingKey: (401, "An API key is required"),
    UnknownKey: (401, "The API key is unknown"),
    ExpiredKey: (401, "The API key has expired"),
    KeyScope: (403, "The API key lacks the required scope"),
    LedgerOff: (404, "The service keeps no leads"),
    UnknownModel: (404, "This model is not served"),
    NotAcceptable: (406, "No acceptable response format"),
    BodyTooLarge: (413, "The body is too large"),
    UnsupportedMediaType: (415, "The content type is not supported"),
    UnsupportedEncoding: (415, "The content encoding is not supported"),
    ValidationError: (422, "The lead is invalid"),
    InvalidParameter: (422, "A query parameter is invalid"),
    RateLimited: (429, "The rate limit is exceeded"),
    Overloaded: (503, "The service is overloaded"),
    DeadlineExceeded: (503, "The request was queued for too long"),
    EndpointFailed: (502, "The model endpoint failed"),
    EndpointRefused: (502, "The model endpoint denies access"),
    EndpointRejected: (502, "The model endpoint rejects the rows"),
    EndpointAnswerInvalid: (502, "The model endpoint returned an unusable response"),
    EndpointMismatch: (502, "The model endpoint serves a different model"),
    EndpointUnreachable: (503, "The model endpoint cannot be reached"),
    EndpointThrottled: (503, "The model endpoint limits requests"),
    EndpointNotReady: (503, "The model endpoint is still loading its model"),
    EndpointBusy: (503, "Too many calls to the model endpoint"),
    EndpointSuspended: (503, "The circuit breaker of the model endpoint is open"),
    LedgerUnavailable: (503, "The ledger is not available"),
    EndpointTimeout: (504, "The model endpoint did not respond in time"),
}
"""HTTP status and title of each error that a request can end with.

An unsupported HTTP version is not a 505: client mistakes must not raise the error rate that triggers alerts.
"""

CLOSING = (BodyTooLarge.code, HostNotClear.code, VersionNotSupported.code)
"""Errors that close the connection: the body was not read completely, or what follows cannot be trusted."""

PLAIN = {
    400: ("bad_request", "The request is not valid HTTP"),
    404: ("not_found", "There is no route for this path"),
    405: ("method_not_allowed", "The path does not allow this method"),
    408: ("request_timeout", "The request was not received in time"),
    431: ("headers_too_large", "The request headers are too large"),
    500: ("internal_error", "Internal error"),
    503: ("not_ready", "The service is not ready"),
}
"""Failures without a domain error."""


class Problem(msgspec.Struct, omit_defaults=True):
    """The format of all error responses; ``more_errors`` is the number of errors that ``errors`` omits."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    request_id: str
    errors: tuple[Fault, ...] | UnsetType = UNSET
    more_errors: int | UnsetType = UNSET
    state: str | UnsetType = UNSET


class Refusal(msgspec.Struct, omit_defaults=True):
    """Why a lead of a batch was not scored; ``more_errors`` is the number of errors that ``errors`` omits."""

    code: str
    detail: str
    errors: tuple[Fault, ...] | UnsetType = UNSET
    more_errors: int | UnsetType = UNSET


class Refused(msgspec.Struct):
    """The element of a batch response for a lead that was not scored."""

    lead_id: str | None
    error: Refusal


def problem(error: LeadScoringError, request_id: str) -> Reply:
    """The reply for a domain error."""
    status, title = STATUS[type(error)]
    details = Problem(anchor(error.code), title, status, str(error), error.code, request_id)
    if isinstance(error, ValidationError):
        details.errors, details.more_errors = error.faults, error.more or UNSET
    return reply(details, further_headers(error))


def status_of(failure: Exception) -> int:
    """The HTTP status for an exception of a handler; 499 if the client disconnected."""
    if isinstance(failure, ClientGone):
        return 499
    return STATUS[type(failure)][0] if isinstance(failure, LeadScoringError) else 500


def further_headers(error: LeadScoringError) -> tuple[tuple[bytes, bytes], ...]:
    """Headers for an error: when to retry, the rate limit, or which content encodings are accepted."""
    if isinstance(error, UnsupportedEncoding):
        return ((b"accept-encoding", b"gzip"),)
    wait = getattr(error, "retry_after", None)
    if wait is None:
        return ()
    headers = ((b"retry-after", b"%d" % wait),)
    if isinstance(error, RateLimited):
        left = ((b"ratelimit-limit", b"%d" % error.limit), (b"ratelimit-remaining", b"0"))
        return (*headers, *left, (b"ratelimit-reset", b"%d" % error.reset))
    return headers


def plain_problem(status: int, detail: str, request_id: str, headers: Any = (), state: Any = UNSET) -> Reply:
    """The reply for a failure without a domain error; ``state`` is that of a service that is not ready."""
    code, title = PLAIN.get(status, ("http_error", "The request cannot be answered"))
    return reply(Problem(anchor(code), title, status, detail, code, request_id, state=state), headers)


def refused(error: RequestError) -> Refused:
    """The element of a batch response for a lead that was rejected."""
    if isinstance(error, ValidationError):
        return Refused(error.lead_id, Refusal(error.code, str(error), error.faults, error.more or UNSET))
    return Refused(None, Refusal(error.code, str(error)))


def anchor(code: str) -> str:
    """The path of the documentation of an error code in this service."""
    return f"/docs#{code}"


def reply(details: Problem, headers: Any = ()) -> Reply:
    """Encodes a problem as a reply."""
    extra = ((b"www-authenticate", b'ApiKey realm="lead scoring"'),) if details.status == 401 else ()
    closing = (CLOSE,) if details.code in CLOSING else ()
    return Reply(details.status, msgspec.json.encode(details), PROBLEM, (*extra, *closing, *headers))


def errors_markdown() -> str:
    """The table of request errors in Markdown, for the documentation."""
    ours = [(status, kind.code, f"`{kind.__name__}`", first_line(kind)) for kind, (status, _) in STATUS.items()]
    plain = [(status, code, "", f"{title}.") for status, (code, title) in PLAIN.items()]
    lines = ["| Code | Status | In the log | When |", "|---|---|---|---|"]
    lines += [f"| `{code}` | {status} | {name} | {about} |" for status, code, name, about in sorted(ours + plain)]
    return "\n".join(lines)


def start_errors_markdown() -> str:
    """The table of startup and command errors in Markdown, for the documentation."""
    lines = ["| Error | Code | When |", "|---|---|---|"]
    kinds = [kind for kind in leaves(LeadScoringError) if not issubclass(kind, RequestError | EndpointError)]
    lines += [f"| `{kind.__name__}` | `{kind.code}` | {first_line(kind)} |" for kind in kinds]
    return "\n".join(lines)


def leaves(tree: type[LeadScoringError]) -> list[type[LeadScoringError]]:
    """The errors of a tree that can be raised: those with their own constructor or without subclasses."""
    below = [found for kind in tree.__subclasses__() for found in leaves(kind)]
    return [tree, *below] if not below or "__init__" in vars(tree) else below


def first_line(kind: type[LeadScoringError]) -> str:
    """The first line of an error's docstring."""
    return (inspect.getdoc(kind) or "").splitlines()[0]
