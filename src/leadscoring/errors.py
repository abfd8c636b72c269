"""Everything that can go wrong, as one tree.

LeadScoringError
├── SettingError              setting_invalid         an environment variable has an invalid value
│   └── SettingsConflict      settings_conflict       valid on their own, but not in combination
├── KeyFileInvalid            key_file_invalid        the API key file cannot be loaded
├── CannotStart               cannot_start            the port, the disk or a worker prevents the start
├── ModelError
│   ├── ModelNotFound         model_not_found         no file at MODEL_PATH
│   ├── ModelUnreadable       model_unreadable        the file is damaged, or not a model
│   ├── ModelUnsupported      model_unsupported       a valid model of an unsupported kind
│   ├── CardInvalid           card_invalid            the card inside the model contradicts it
│   ├── ModelAltered          model_altered           edited or damaged since training wrote it
│   ├── GoldenRowMismatch     golden_row_mismatch     the trees do not reproduce the certified margins
│   ├── UnexpectedModelVersion  model_version_unexpected  not the version that MODEL_VERSION requires
│   ├── ModelChanged          model_changed           not the file that the service loaded at start
│   └── ModelMisdelivered     model_misdelivered      not the bytes that were sent to a worker of a cluster
├── TrainingDataError         training_data           a file that cannot be used for training or evaluation
├── ScoringFileError          scoring_file            a file of leads cannot be read, or its scores not written
├── ScoringTableError         scoring_table           a table of leads lacks columns that scoring needs
├── LedgerError               the ledger of scores and outcomes did not do what was asked
│   ├── LedgerUnavailable     ledger_unavailable      its database does not answer: retry later
│   └── LedgerUnusable        ledger_unusable         not a database that a ledger can be in, or not as it should be
├── EndpointError             a remote model did not score
│   ├── EndpointTimeout       endpoint_timeout        no answer within the deadline
│   ├── EndpointUnreachable   endpoint_unreachable    no connection, or it was lost
│   ├── EndpointThrottled     endpoint_throttled      it is over its request limit
│   ├── EndpointNotReady      endpoint_not_ready      it is still loading its model
│   ├── EndpointFailed        endpoint_failed         the endpoint or its container failed
│   ├── EndpointRefused       endpoint_refused        wrong name, credentials or permissions: needs an operator
│   ├── EndpointRejected      endpoint_rejected       its container rejects these rows
│   ├── EndpointAnswerInvalid endpoint_answer_invalid an unusable response
│   ├── EndpointMismatch      endpoint_mismatch       its golden-row scores differ from the certified ones
│   ├── EndpointBusy          endpoint_busy           MODEL_MAX_CONCURRENCY calls are in progress
│   └── EndpointSuspended     endpoint_suspended      its circuit breaker is open
└── RequestError              the request cannot be answered
    ├── MalformedJson         malformed_json
    ├── MalformedEncoding     malformed_encoding      the body is not valid gzip
    ├── UnsupportedMediaType  unsupported_media_type
    ├── UnsupportedEncoding   unsupported_encoding    a Content-Encoding other than gzip
    ├── NotAcceptable         not_acceptable          no acceptable response format
    ├── BodyTooLarge          body_too_large
    ├── BatchTooLarge         batch_too_large
    ├── InvalidParameter      invalid_parameter
    ├── InvalidTimeout        invalid_timeout
    ├── ValidationError       invalid_lead            one lead, with all its errors
    ├── LedgerOff             ledger_off              the service keeps no leads: LEDGER is empty
    ├── InvalidRows           invalid_rows            encoded rows or tensors that do not match the model's columns
    ├── UnknownModel          model_unknown           a model or version other than the one served
    ├── Overloaded            overloaded              more work than it can finish in time
    ├── DeadlineExceeded      deadline_exceeded       queued for too long
    ├── RateLimited           rate_limited            the key has reached its limit of leads per minute
    ├── PageNotAllowed        page_not_allowed        CORS preflight rejected
    ├── HostNotClear          host_not_clear          no Host header, or more than one
    ├── VersionNotSupported   version_not_supported   HTTP version other than 1.1 and 1.0
    ├── MissingKey            key_missing
    ├── UnknownKey            key_unknown
    ├── ExpiredKey            key_expired
    └── KeyScope              key_scope               the key lacks the required scope

Each class has a stable ``code`` that clients and log searches may rely on, and is built from facts.
None of them knows HTTP: ``transport.failures`` maps codes to statuses.
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import msgspec


class LeadScoringError(Exception):
    """The root: catch it to catch everything that this package raises on purpose."""

    code: ClassVar[str] = "error"


def listed(names: Sequence[str], most: int = 10) -> str:
    """Lists names for a message, the first of many."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(map(repr, names[:most])) + more


class SettingError(LeadScoringError):
    """An environment variable has an invalid value."""

    code = "setting_invalid"

    def __init__(self, name: str, value: str, allowed: str) -> None:
        super().__init__(f"{name} must be {allowed}, not {value!r}")
        self.name = name


class SettingsConflict(SettingError):
    """Settings are valid on their own, but not in combination."""

    code = "settings_conflict"

    def __init__(self, values: Mapping[str, str], allowed: str) -> None:
        shown = ", ".join(f"{name}={value}" for name, value in values.items())
        Exception.__init__(self, f"{shown}: {allowed}")
        self.name = ", ".join(values)


class KeyFileInvalid(LeadScoringError):
    """The file at API_KEYS_FILE cannot be read, or contains an invalid entry."""

    code = "key_file_invalid"

    def __init__(self, path: str, why: str) -> None:
        super().__init__(f"API key file {path!r}: {why}")


class CannotStart(LeadScoringError):
    """The port, the disk or a worker prevents the start."""

    code = "cannot_start"


class ModelError(LeadScoringError):
    """A model file that cannot be served."""

    code = "model"


class ModelNotFound(ModelError):
    """There is no readable file at MODEL_PATH."""

    code = "model_not_found"

    def __init__(self, path: str, why: str = "no such file") -> None:
        super().__init__(f"FileNotFoundError: model file {path!r} cannot be read: {why}")


class ModelUnreadable(ModelError):
    """The file is damaged, malicious, or not an XGBoost model."""

    code = "model_unreadable"


class ModelUnsupported(ModelError):
    """The file is a valid XGBoost model of a kind that this engine does not support."""

    code = "model_unsupported"


class CardInvalid(ModelError):
    """The card inside the model file contradicts itself or the trees."""

    code = "card_invalid"


class ModelAltered(ModelError):
    """The trees or the card have changed since training sealed the model."""

    code = "model_altered"

    def __init__(self) -> None:
        super().__init__("the model file has changed since training wrote it: it was edited, or damaged in transfer")


class GoldenRowMismatch(ModelError):
    """A golden row does not get its certified margin: the trees or the engine have changed."""

    code = "golden_row_mismatch"

    def __init__(self, row: int, expected: float, got: float) -> None:
        super().__init__(
            f"golden row {row} scores {got!r}, but its certified margin is {expected!r}: "
            "the trees have changed since training, or this engine computes different results"
        )


class UnexpectedModelVersion(ModelError):
    """The version in the card is not the one in MODEL_VERSION."""

    code = "model_version_unexpected"

    def __init__(self, expected: str, got: str) -> None:
        super().__init__(f"MODEL_VERSION requires version {expected!r}, but the model file has version {got!r}")


class ModelChanged(ModelError):
    """The model file changed after the service started, so a new worker cannot load the model that the others serve."""

    code = "model_changed"

    def __init__(self, path: str, expected: str, got: str) -> None:
        super().__init__(
            f"model file {path!r} has changed since this service started (SHA-256 was {expected[:12]}, "
            f"is now {got[:12]}): restart the service to serve it"
        )


class ModelMisdelivered(ModelError):
    """The model that reached a worker of a cluster is not the one that was sent: nothing was scored with it."""

    code = "model_misdelivered"

    def __init__(self, path: str, expected: str, got: str, size: int) -> None:
        super().__init__(
            f"the model {path!r} did not reach this worker as it was sent: its SHA-256 is {expected[:12]}, "
            f"that of the {size} bytes here {got[:12]}"
        )


class TrainingDataError(LeadScoringError):
    """A file of past leads cannot be used for training or evaluation."""

    code = "training_data"


class ScoringFileError(LeadScoringError):
    """A file of leads cannot be read to its end, or its scores cannot be written; the message says where."""

    code = "scoring_file"


class ScoringTableError(LeadScoringError):
    """A table of leads lacks columns without which it cannot be scored."""

    code = "scoring_table"

    def __init__(self, missing: Sequence[str], why: str, columns: Sequence[str]) -> None:
        super().__init__(
            f"the table lacks {listed(missing)}, which {why}; it has {listed(columns) if columns else 'no columns'}"
        )
        self.missing = tuple(missing)


class LedgerError(LeadScoringError):
    """The ledger of scores and outcomes did not do what was asked; ``ledger`` is its address without a password."""

    code = "ledger"

    def __init__(self, ledger: str, why: str) -> None:
        super().__init__(f"the ledger {ledger}: {why}")


class LedgerUnavailable(LedgerError):
    """The database of the ledger does not answer, or is busy for too long."""

    code = "ledger_unavailable"
    retry_after = 5


class LedgerUnusable(LedgerError):
    """The address is of no database that a ledger can be in, or what is there is not as this version needs it."""

    code = "ledger_unusable"


class EndpointError(LeadScoringError):
    """A remote model did not return scores; the subclass gives the reason.

    ``where`` is the provider's name, ``why`` the observed failure. Neither contains text from the endpoint's
    response, since containers echo their input there.
    """

    code = "endpoint"
    retried: ClassVar[bool] = False
    """Whether a retry may succeed."""
    retry_after: int | None = None
    """Whole seconds after which a client may retry; ``None`` when waiting does not help."""

    def __init__(self, where: str, why: str) -> None:
        super().__init__(f"the model endpoint ({where}) did not return scores: {why}")


class EndpointTimeout(EndpointError):
    """The model endpoint did not respond before the deadline of the request."""

    code = "endpoint_timeout"
    retried = True


class EndpointUnreachable(EndpointError):
    """The connection to the model endpoint failed, or was lost before the response was complete."""

    code = "endpoint_unreachable"
    retried = True
    retry_after = 1


class EndpointThrottled(EndpointError):
    """The model endpoint rejects calls above its request limit.

    ``retry_after`` in whole seconds, as the endpoint reports it.
    """

    code = "endpoint_throttled"
    retried = True

    def __init__(self, where: str, why: str, retry_after: int | None = None) -> None:
        super().__init__(where, why)
        self.told_to_wait = retry_after
        self.retry_after = retry_after or 1


class EndpointNotReady(EndpointError):
    """The model endpoint is still loading its model."""

    code = "endpoint_not_ready"
    retried = True
    retry_after = 5


class EndpointFailed(EndpointError):
    """The model endpoint, or its container, reports an internal failure."""

    code = "endpoint_failed"
    retried = True


class EndpointRefused(EndpointError):
    """The model endpoint rejects its name, the credentials or the permissions: the configuration needs correcting."""

    code = "endpoint_refused"


class EndpointRejected(EndpointError):
    """The container of the model endpoint rejects the rows that it received."""

    code = "endpoint_rejected"


class EndpointAnswerInvalid(EndpointError):
    """The model endpoint returned an unusable response: unreadable, wrong row count, no probabilities, or too large."""

    code = "endpoint_answer_invalid"


class EndpointMismatch(EndpointError):
    """The model endpoint does not reproduce the certified golden-row scores: another model, or another encoding."""

    code = "endpoint_mismatch"


class EndpointBusy(EndpointError):
    """MODEL_MAX_CONCURRENCY calls to the model endpoint are already in progress."""

    code = "endpoint_busy"
    retry_after = 1

    def __init__(self, where: str, limit: int) -> None:
        super().__init__(where, f"{limit} calls are already in progress (MODEL_MAX_CONCURRENCY)")


class EndpointSuspended(EndpointError):
    """The circuit breaker is open: calls to the model endpoint failed MODEL_BREAKER_FAILURES times in a row.

    ``retry_after`` in seconds.
    """

    code = "endpoint_suspended"

    def __init__(self, where: str, retry_after: int) -> None:
        super().__init__(where, f"the circuit breaker is open after repeated failures; next attempt in {retry_after} s")
        self.retry_after = retry_after


class RequestError(LeadScoringError):
    """The service rejects a request."""

    code = "request"
    key: str | None = None
    """The label of the rejected key, as logs show it."""


class MalformedJson(RequestError):
    """The body is not valid JSON."""

    code = "malformed_json"


class UnsupportedMediaType(RequestError):
    """This route does not accept the Content-Type of the body."""

    code = "unsupported_media_type"

    def __init__(self, received: str, allowed: str = "application/json") -> None:
        super().__init__(f"Content-Type must be {allowed}, not {received!r}")


class MalformedEncoding(RequestError):
    """The body does not match its Content-Encoding."""

    code = "malformed_encoding"

    def __init__(self, why: str) -> None:
        super().__init__(f"Content-Encoding is gzip, but the body is not valid gzip: {why}")


class UnsupportedEncoding(RequestError):
    """The service does not support the Content-Encoding of the body."""

    code = "unsupported_encoding"

    def __init__(self, received: str) -> None:
        super().__init__(f"Content-Encoding must be gzip or absent, not {received!r}")


class NotAcceptable(RequestError):
    """The Accept header allows no format that this route can return."""

    code = "not_acceptable"

    def __init__(self, received: str, allowed: str) -> None:
        super().__init__(f"Accept must allow {allowed}, not only {received[:80]!r}")


class BodyTooLarge(RequestError):
    """The body is larger than MAX_BODY_BYTES."""

    code = "body_too_large"

    def __init__(self, limit: int, unpacked: bool = False) -> None:
        form = " after decompression" if unpacked else ""
        super().__init__(f"the body must be at most {limit} bytes{form} (MAX_BODY_BYTES)")


class BatchTooLarge(RequestError):
    """The request contains more leads than MAX_BATCH_SIZE."""

    code = "batch_too_large"

    def __init__(self, received: int, limit: int) -> None:
        super().__init__(f"a batch must contain at most {limit} leads (MAX_BATCH_SIZE), not {received}")


class InvalidParameter(RequestError):
    """A query parameter is unknown, or has an invalid value."""

    code = "invalid_parameter"

    def __init__(self, name: str, value: str, allowed: str) -> None:
        super().__init__(f"{name} must be {allowed}, not {value[:80]!r}")

    @classmethod
    def unknown(cls, name: str, known: Sequence[str], guess: str | None) -> "InvalidParameter":
        """The error for a parameter that a route does not have, with a ``guess`` at the intended one."""
        error = cls.__new__(cls)
        hint = f"; did you mean {guess!r}?" if guess else ""
        allowed = f"allowed: {', '.join(known)}" if known else "this route has no query parameters"
        RequestError.__init__(error, f"unknown query parameter {name[:80]!r}{hint} ({allowed})")
        return error


class InvalidTimeout(RequestError):
    """The X-Request-Timeout-Ms header is not a whole number of milliseconds in its range."""

    code = "invalid_timeout"

    def __init__(self, value: str) -> None:
        super().__init__(f"X-Request-Timeout-Ms must be a whole number from 1 to 3600000, not {value[:80]!r}")


class Fault(msgspec.Struct, frozen=True):
    """One error in a lead: where it is, the value received, and what is allowed."""

    path: str
    message: str
    value: Any = None
    allowed: str | None = None


class ValidationError(RequestError):
    """A lead does not match the contract; the error lists everything that is wrong with it.

    ``count`` is the number of errors, of which ``faults`` may hold only the first.
    """

    code = "invalid_lead"

    def __init__(self, faults: Sequence[Fault], lead_id: str | None = None, count: int = 0) -> None:
        count = max(count, len(faults))
        shown = "; ".join(fault.message for fault in faults[:3])
        more = count - min(3, len(faults))
        super().__init__(shown + (f"; and {more} more" if more else ""))
        self.faults = tuple(faults)
        self.more = count - len(faults)
        self.lead_id = lead_id


class LedgerOff(RequestError):
    """The service keeps no leads, since LEDGER is empty."""

    code = "ledger_off"

    def __init__(self) -> None:
        super().__init__("this service keeps neither scores nor outcomes: LEDGER is off")


class InvalidRows(RequestError):
    """Encoded rows or tensors do not match the columns of the model.

    The message gives the place and what is allowed, never the value: hosts log it, and logs hold no lead data.
    """

    code = "invalid_rows"


class UnknownModel(RequestError):
    """The path names a model or version other than the one served."""

    code = "model_unknown"

    def __init__(self, what: str, received: str, served: str) -> None:
        super().__init__(f"this service serves the {what} {served!r}, not {received[:80]!r}")


class Overloaded(RequestError):
    """The estimated queueing time exceeds MAX_QUEUE_SECONDS."""

    code = "overloaded"
    retry_after = 1

    def __init__(self) -> None:
        super().__init__("the service is overloaded; no lead was scored, retry later")


class DeadlineExceeded(RequestError):
    """The request was queued for longer than REQUEST_TIMEOUT_SECONDS."""

    code = "deadline_exceeded"
    retry_after = 1

    def __init__(self) -> None:
        super().__init__("the request was queued for too long; no lead was scored, retry later")


class RateLimited(RequestError):
    """The key has reached RATE_LIMIT_PER_MINUTE.

    In whole seconds: ``retry_after``, until one more lead is allowed; ``reset``, until the whole limit is available.
    """

    code = "rate_limited"

    def __init__(self, limit: int, retry_after: int, reset: int) -> None:
        super().__init__(f"the rate limit of this API key is {limit} leads per minute; retry in {retry_after} s")
        self.limit = limit
        self.retry_after = retry_after
        self.reset = reset


class PageNotAllowed(RequestError):
    """A CORS preflight request names an origin, method or header that is not allowed."""

    code = "page_not_allowed"

    def __init__(self, what: str, allowed: str, received: str) -> None:
        super().__init__(f"{what} must be {allowed}, not {received[:200]!r}")


class HostNotClear(RequestError):
    """An HTTP/1.1 request has no Host header, or more than one."""

    code = "host_not_clear"

    def __init__(self, hosts: int) -> None:
        super().__init__(f"an HTTP/1.1 request must have exactly one Host header, not {hosts or 'none'}")


class VersionNotSupported(RequestError):
    """The service does not support the HTTP version of the request."""

    code = "version_not_supported"

    def __init__(self, version: str) -> None:
        super().__init__(f"the HTTP version must be 1.1 or 1.0, not {version!r}")


class MissingKey(RequestError):
    """The request has no X-API-Key header."""

    code = "key_missing"

    def __init__(self) -> None:
        super().__init__("the X-API-Key header is missing")


class UnknownKey(RequestError):
    """The API key in X-API-Key is unknown."""

    code = "key_unknown"

    def __init__(self, key: str) -> None:
        super().__init__("the API key is unknown")
        self.key = key


class ExpiredKey(RequestError):
    """The API key in X-API-Key has expired."""

    code = "key_expired"

    def __init__(self, key: str) -> None:
        super().__init__("the API key has expired: ask the operator for a new one")
        self.key = key


class KeyScope(RequestError):
    """The API key in X-API-Key does not have the required scope."""

    code = "key_scope"

    def __init__(self, key: str, scope: str) -> None:
        super().__init__(f"the API key does not have the scope {scope!r}")
        self.key = key
