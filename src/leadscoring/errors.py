"""Everything that can go wrong, as one tree.

LeadScoringError
├── SettingError              setting_invalid         a variable of the environment is refused
│   └── SettingsConflict      settings_conflict       variables that do not go together
├── KeyFileInvalid            key_file_invalid        the file of API keys cannot be taken
├── CannotStart               cannot_start            the port, the disk or a worker stands in the way
├── ModelError
│   ├── ModelNotFound         model_not_found         there is no file at MODEL_PATH
│   ├── ModelUnreadable       model_unreadable        the file is damaged, or not a model
│   ├── ModelUnsupported      model_unsupported       a sound model of a kind we do not score
│   ├── CardInvalid           card_invalid            the card inside the model contradicts it
│   ├── ModelAltered          model_altered           not as training wrote it: edited, or damaged on its way
│   ├── GoldenRowMismatch     golden_row_mismatch     the trees do not compute what they were certified for
│   ├── UnexpectedModelVersion  model_version_unexpected  not the version that MODEL_VERSION names
│   └── ModelChanged          model_changed           not the file that the service started with
├── TrainingDataError         training_data           a file that cannot be trained or evaluated on
├── EndpointError             a remote model did not score
│   ├── EndpointTimeout       endpoint_timeout        no answer within the deadline
│   ├── EndpointUnreachable   endpoint_unreachable    no connection, or one that broke
│   ├── EndpointThrottled     endpoint_throttled      it has more calls than it takes
│   ├── EndpointNotReady      endpoint_not_ready      it is still loading its model
│   ├── EndpointFailed        endpoint_failed         it, or the container in it, has failed
│   ├── EndpointRefused       endpoint_refused        name, credentials or permission: for an operator to mend
│   ├── EndpointRejected      endpoint_rejected       its container does not take these rows
│   ├── EndpointAnswerInvalid endpoint_answer_invalid an answer that is none to what was asked
│   ├── EndpointMismatch      endpoint_mismatch       it does not score the golden rows as certified
│   ├── EndpointBusy          endpoint_busy           as many calls as allowed are under way already
│   └── EndpointSuspended     endpoint_suspended      it failed too often: it is left alone for a while
└── RequestError              what a caller did
    ├── MalformedJson         malformed_json
    ├── MalformedEncoding     malformed_encoding      a body that is not the gzip that it is announced as
    ├── UnsupportedMediaType  unsupported_media_type
    ├── UnsupportedEncoding   unsupported_encoding    a body that is compressed in another way than gzip
    ├── NotAcceptable         not_acceptable          an answer was asked for in a form that it does not come in
    ├── BodyTooLarge          body_too_large
    ├── BatchTooLarge         batch_too_large
    ├── InvalidParameter      invalid_parameter
    ├── InvalidTimeout        invalid_timeout
    ├── ValidationError       invalid_lead            one lead, every fault of it at once
    ├── InvalidRows           invalid_rows            encoded rows or tensors that do not fit the model's columns
    ├── UnknownModel          model_unknown           another model, or version, than the one that is served
    ├── Overloaded            overloaded              more work than can be done in time
    ├── DeadlineExceeded      deadline_exceeded       waited too long for its turn
    ├── RateLimited           rate_limited            more leads than the key may have scored
    ├── PageNotAllowed        page_not_allowed        a browser asks for a page that CORS_ORIGINS does not name
    ├── HostNotClear          host_not_clear          no Host, or more than one
    ├── VersionNotSupported   version_not_supported   neither HTTP/1.1 nor HTTP/1.0
    ├── MissingKey            key_missing
    ├── UnknownKey            key_unknown
    ├── ExpiredKey            key_expired
    └── KeyScope              key_scope               a key of ours that does not open this

Each class has a stable ``code`` that clients and log searches may rely on, and is built from facts.
None of them knows HTTP: ``api.failures`` has the table from code to status.
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import msgspec


class LeadScoringError(Exception):
    """The root: catch it to catch everything that this package raises on purpose."""

    code: ClassVar[str] = "error"


class SettingError(LeadScoringError):
    """A variable of the environment has a value that is not allowed."""

    code = "setting_invalid"

    def __init__(self, name: str, value: str, allowed: str) -> None:
        super().__init__(f"{name} must be {allowed}, not {value!r}")
        self.name = name


class SettingsConflict(SettingError):
    """Settings that are allowed one by one, but not together."""

    code = "settings_conflict"

    def __init__(self, values: Mapping[str, str], allowed: str) -> None:
        shown = ", ".join(f"{name}={value}" for name, value in values.items())
        Exception.__init__(self, f"{shown}: {allowed}")
        self.name = ", ".join(values)


class KeyFileInvalid(LeadScoringError):
    """The file at API_KEYS_FILE cannot be read, or an entry in it is not allowed."""

    code = "key_file_invalid"

    def __init__(self, path: str, why: str) -> None:
        super().__init__(f"API key file {path!r}: {why}")


class CannotStart(LeadScoringError):
    """Something outside of the settings and the model stands in the way: the port, the disk, a worker."""

    code = "cannot_start"


class ModelError(LeadScoringError):
    """A model file that cannot be served."""

    code = "model"


class ModelNotFound(ModelError):
    """There is no readable file where the model should be."""

    code = "model_not_found"

    def __init__(self, path: str, why: str = "no such file") -> None:
        super().__init__(f"FileNotFoundError: model file {path!r} cannot be read: {why}")


class ModelUnreadable(ModelError):
    """The file is damaged, hostile, or not an XGBoost model at all."""

    code = "model_unreadable"


class ModelUnsupported(ModelError):
    """The file is a sound XGBoost model, but of a kind that this engine does not score."""

    code = "model_unsupported"


class CardInvalid(ModelError):
    """The card inside the model file contradicts itself or the trees."""

    code = "card_invalid"


class ModelAltered(ModelError):
    """The trees or the card of the model are no longer those that training has sealed."""

    code = "model_altered"

    def __init__(self) -> None:
        super().__init__("the model file is not as training wrote it: it was edited, or damaged on its way")


class GoldenRowMismatch(ModelError):
    """A certified lead no longer gets its certified margin: trees or engine have changed."""

    code = "golden_row_mismatch"

    def __init__(self, row: int, expected: float, got: float) -> None:
        super().__init__(
            f"golden row {row} scores {got!r} but the card certifies {expected!r}: "
            "the trees were altered after training, or this engine computes otherwise"
        )


class UnexpectedModelVersion(ModelError):
    """The card names another version than the operator expects."""

    code = "model_version_unexpected"

    def __init__(self, expected: str, got: str) -> None:
        super().__init__(f"MODEL_VERSION expects version {expected!r}, but the model file holds {got!r}")


class ModelChanged(ModelError):
    """A worker that starts later does not find the model that the others serve: one service has one model."""

    code = "model_changed"

    def __init__(self, path: str, expected: str, got: str) -> None:
        super().__init__(
            f"model file {path!r} is no longer the one that this service started with (SHA-256 {expected[:12]}, "
            f"now {got[:12]}): restart the service to serve it"
        )


class TrainingDataError(LeadScoringError):
    """A file of past leads that cannot be trained or evaluated on; says what is missing."""

    code = "training_data"


class EndpointError(LeadScoringError):
    """A remote model did not score; one of the errors below says why.

    ``where`` is the provider's name, ``why`` a fact of the wire. Neither ever holds what the endpoint wrote into
    its answer, since containers repeat in it what they were sent.
    """

    code = "endpoint"
    retried: ClassVar[bool] = False
    """Whether the same call may succeed a moment later."""
    retry_after: int | None = None
    """Whole seconds after which a client may try again, where time heals."""

    def __init__(self, where: str, why: str) -> None:
        super().__init__(f"the model endpoint ({where}) did not score: {why}")


class EndpointTimeout(EndpointError):
    """The model endpoint did not answer within the deadline of the request."""

    code = "endpoint_timeout"
    retried = True


class EndpointUnreachable(EndpointError):
    """There is no connection to the model endpoint, or it broke before the answer was whole."""

    code = "endpoint_unreachable"
    retried = True
    retry_after = 1


class EndpointThrottled(EndpointError):
    """The model endpoint has more calls than it takes.

    ``retry_after`` in whole seconds, as it says.
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
    """The model endpoint, or the container in it, has failed."""

    code = "endpoint_failed"
    retried = True


class EndpointRefused(EndpointError):
    """The model endpoint does not know its name, the credentials or the permission: the set-up has to be mended."""

    code = "endpoint_refused"


class EndpointRejected(EndpointError):
    """The container of the model endpoint does not take what it was sent."""

    code = "endpoint_rejected"


class EndpointAnswerInvalid(EndpointError):
    """The model endpoint returned an unusable response: unreadable, wrong row count, no probability, or too large."""

    code = "endpoint_answer_invalid"


class EndpointMismatch(EndpointError):
    """The model endpoint does not score the golden rows as they are certified: another model, or another encoding."""

    code = "endpoint_mismatch"


class EndpointBusy(EndpointError):
    """As many calls of the model endpoint as MODEL_MAX_CONCURRENCY allows are under way already."""

    code = "endpoint_busy"
    retry_after = 1

    def __init__(self, where: str, limit: int) -> None:
        super().__init__(where, f"{limit} calls are under way (MODEL_MAX_CONCURRENCY)")


class EndpointSuspended(EndpointError):
    """The model endpoint failed MODEL_BREAKER_FAILURES times in a row and is left alone for a while.

    ``retry_after`` in seconds.
    """

    code = "endpoint_suspended"

    def __init__(self, where: str, retry_after: int) -> None:
        super().__init__(where, f"it failed too often and is tried again in {retry_after} s")
        self.retry_after = retry_after


class RequestError(LeadScoringError):
    """A caller sent something that cannot be answered as asked."""

    code = "request"
    key: str | None = None
    """How logs name the key that was refused."""


class MalformedJson(RequestError):
    """The body is not one JSON value."""

    code = "malformed_json"


class UnsupportedMediaType(RequestError):
    """The body is announced as something that this route does not take."""

    code = "unsupported_media_type"

    def __init__(self, received: str, allowed: str = "application/json") -> None:
        super().__init__(f"Content-Type must be {allowed}, not {received!r}")


class MalformedEncoding(RequestError):
    """The body is not what its Content-Encoding says."""

    code = "malformed_encoding"

    def __init__(self, why: str) -> None:
        super().__init__(f"the body is not whole and sound gzip, as Content-Encoding says: {why}")


class UnsupportedEncoding(RequestError):
    """The body is compressed in a way that the service does not read."""

    code = "unsupported_encoding"

    def __init__(self, received: str) -> None:
        super().__init__(f"Content-Encoding must be gzip or left out, not {received!r}")


class NotAcceptable(RequestError):
    """The Accept header of an invocation names no form that this answer comes in."""

    code = "not_acceptable"

    def __init__(self, received: str, allowed: str) -> None:
        super().__init__(f"Accept must allow {allowed}, not only {received[:80]!r}")


class BodyTooLarge(RequestError):
    """The body is longer than MAX_BODY_BYTES."""

    code = "body_too_large"

    def __init__(self, limit: int, unpacked: bool = False) -> None:
        super().__init__(f"the body must be at most {limit} bytes{', unpacked' if unpacked else ''} (MAX_BODY_BYTES)")


class BatchTooLarge(RequestError):
    """More leads in one request than MAX_BATCH_SIZE."""

    code = "batch_too_large"

    def __init__(self, received: int, limit: int) -> None:
        super().__init__(f"a batch must hold at most {limit} leads (MAX_BATCH_SIZE), not {received}")


class InvalidParameter(RequestError):
    """A query parameter is not known, or has a value that is not allowed."""

    code = "invalid_parameter"

    def __init__(self, name: str, value: str, allowed: str) -> None:
        super().__init__(f"{name} must be {allowed}, not {value[:80]!r}")

    @classmethod
    def unknown(cls, name: str, known: Sequence[str], guess: str | None) -> "InvalidParameter":
        """The error for a parameter that a route does not have, with a ``guess`` of the one meant."""
        error = cls.__new__(cls)
        hint = f"; did you mean {guess!r}?" if guess else ""
        allowed = f"allowed are {' and '.join(known)}" if known else "this route takes none"
        RequestError.__init__(error, f"the query parameter {name[:80]!r} is not known{hint} ({allowed})")
        return error


class InvalidTimeout(RequestError):
    """The header X-Request-Timeout-Ms is not a whole number of milliseconds."""

    code = "invalid_timeout"

    def __init__(self, value: str) -> None:
        super().__init__(f"X-Request-Timeout-Ms must be a whole number from 1 to 3600000, not {value[:80]!r}")


class Fault(msgspec.Struct, frozen=True):
    """One thing that is wrong with a lead: where, what was received, what is allowed."""

    path: str
    message: str
    value: Any = None
    allowed: str | None = None


class ValidationError(RequestError):
    """A lead that its contract refuses, with every fault of it at once.

    ``count`` is how many faults there are, where ``faults`` are only the first of them.
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


class InvalidRows(RequestError):
    """Encoded rows, or tensors, that do not fit the columns of the model.

    The message says where and what is allowed, never the value: hosts write it to logs that hold no leads.
    """

    code = "invalid_rows"


class UnknownModel(RequestError):
    """The path names another model, or another version, than the one that is served."""

    code = "model_unknown"

    def __init__(self, what: str, received: str, served: str) -> None:
        super().__init__(f"the {what} that is served is {served!r}, not {received[:80]!r}")


class Overloaded(RequestError):
    """The work that is queued would take longer than MAX_QUEUE_SECONDS."""

    code = "overloaded"
    retry_after = 1

    def __init__(self) -> None:
        super().__init__("the service has more work than it can do in time; nothing was scored, send it again later")


class DeadlineExceeded(RequestError):
    """The request waited longer than REQUEST_TIMEOUT_SECONDS for its turn."""

    code = "deadline_exceeded"
    retry_after = 1

    def __init__(self) -> None:
        super().__init__("the request waited too long for its turn; nothing was scored, send it again later")


class RateLimited(RequestError):
    """The key has had as many leads scored as RATE_LIMIT_PER_MINUTE allows.

    In whole seconds: ``retry_after``, until one more may be scored; ``reset``, until as many as at first.
    """

    code = "rate_limited"

    def __init__(self, limit: int, retry_after: int, reset: int) -> None:
        super().__init__(f"this API key may have {limit} leads scored a minute; send it again in {retry_after} s")
        self.limit = limit
        self.retry_after = retry_after
        self.reset = reset


class PageNotAllowed(RequestError):
    """A browser asks whether a page may call, and it may not, or not like this."""

    code = "page_not_allowed"

    def __init__(self, what: str, allowed: str, received: str) -> None:
        super().__init__(f"{what} must be {allowed}, not {received[:200]!r}")


class HostNotClear(RequestError):
    """A request of HTTP/1.1 without Host, or one with several."""

    code = "host_not_clear"

    def __init__(self, hosts: int) -> None:
        super().__init__(f"a request of HTTP/1.1 must have one Host header, not {hosts or 'none'}")


class VersionNotSupported(RequestError):
    """The version of HTTP is not supported."""

    code = "version_not_supported"

    def __init__(self, version: str) -> None:
        super().__init__(f"the version of HTTP must be 1.1 or 1.0, not {version!r}")


class MissingKey(RequestError):
    """No X-API-Key header."""

    code = "key_missing"

    def __init__(self) -> None:
        super().__init__("the X-API-Key header is missing")


class UnknownKey(RequestError):
    """An X-API-Key that is not one of ours."""

    code = "key_unknown"

    def __init__(self, key: str) -> None:
        super().__init__("the API key is not known to this service")
        self.key = key


class ExpiredKey(RequestError):
    """An X-API-Key of ours that has expired."""

    code = "key_expired"

    def __init__(self, key: str) -> None:
        super().__init__("the API key has expired: ask the operator for a new one")
        self.key = key


class KeyScope(RequestError):
    """An X-API-Key of ours that does not open what was asked for."""

    code = "key_scope"

    def __init__(self, key: str, scope: str) -> None:
        super().__init__(f"the API key does not have the scope {scope!r}")
        self.key = key
