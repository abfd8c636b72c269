"""Every failure is a problem of one shape, with the status of its table and what a client can do about it."""

from typing import Any

import msgspec
import pytest

from leadscoring.errors import (
    BodyTooLarge,
    EndpointError,
    EndpointThrottled,
    EndpointTimeout,
    Fault,
    HostNotClear,
    LeadScoringError,
    LedgerError,
    MalformedJson,
    MissingKey,
    Overloaded,
    RateLimited,
    RequestError,
    UnknownKey,
    UnsupportedEncoding,
    ValidationError,
    VersionNotSupported,
)
from leadscoring.transport.exchange import ClientGone, Reply
from leadscoring.transport.failures import (
    PLAIN,
    STATUS,
    errors_markdown,
    leaves,
    plain_problem,
    problem,
    refused,
    start_errors_markdown,
    status_of,
)

FAULTS = (Fault("/features/a", "a must be 1, not 2", 2, "1"), Fault("/features/b", "b is missing"))


def said(reply: Reply) -> dict[str, Any]:
    """What a problem says."""
    found: dict[str, Any] = msgspec.json.decode(reply.body)
    return found


def test_every_error_that_a_request_can_end_with_has_a_status() -> None:
    """A new error cannot be forgotten in the table."""
    ends = (RequestError, EndpointError, LedgerError, ValidationError)
    assert {kind for base in ends for kind in base.__subclasses__()} == set(STATUS)


def test_no_two_failures_share_a_code() -> None:
    """Clients branch on it; one stands in no table twice."""
    codes = [*(kind.code for kind in STATUS), *(code for code, _ in PLAIN.values())]
    assert len(set(codes)) == len(codes)


@pytest.mark.parametrize("error", [MalformedJson("no"), MissingKey(), Overloaded(), EndpointTimeout("azure", "late")])
def test_a_problem_has_the_fields_of_the_standard(error: LeadScoringError) -> None:
    """And the id of its request; the status stands in it too."""
    reply = problem(error, "r1")
    found = said(reply)
    assert set(found) == {"type", "title", "status", "detail", "code", "request_id"}
    assert (reply.status, found["status"], found["code"]) == (STATUS[type(error)][0], reply.status, error.code)
    assert (found["type"], found["detail"], found["request_id"]) == (f"/docs#{error.code}", str(error), "r1")
    assert reply.media_type == b"application/problem+json"
    assert status_of(error) == reply.status


def test_a_lead_that_is_not_valid_comes_with_its_faults() -> None:
    """And how many more there are, where they are not all there."""
    all_there = said(problem(ValidationError(FAULTS, "lead-1"), "r1"))
    assert [fault["path"] for fault in all_there["errors"]] == ["/features/a", "/features/b"]
    assert "more_errors" not in all_there
    assert said(problem(ValidationError(FAULTS, "lead-1", count=9), "r1"))["more_errors"] == 7


def test_a_place_in_a_batch_says_the_same_of_its_lead() -> None:
    """With the id of a lead that is known, and none of one that is not."""
    sent: dict[str, Any] = msgspec.to_builtins(refused(ValidationError(FAULTS, "lead-1", count=3)))
    assert (sent["lead_id"], sent["error"]["code"], sent["error"]["more_errors"]) == ("lead-1", "invalid_lead", 1)
    other: dict[str, Any] = msgspec.to_builtins(refused(MalformedJson("no")))
    assert other == {"lead_id": None, "error": {"code": "malformed_json", "detail": "no"}}


@pytest.mark.parametrize(
    ("error", "headers"),
    [
        (MissingKey(), {b"www-authenticate"}),
        (UnknownKey("k"), {b"www-authenticate"}),
        (Overloaded(), {b"retry-after"}),
        (EndpointThrottled("azure", "status 429", 7), {b"retry-after"}),
        (RateLimited(60, 3, 60), {b"retry-after", b"ratelimit-limit", b"ratelimit-remaining", b"ratelimit-reset"}),
        (UnsupportedEncoding("br"), {b"accept-encoding"}),
        (BodyTooLarge(9), {b"connection"}),
        (HostNotClear(0), {b"connection"}),
        (VersionNotSupported("2"), {b"connection"}),
        (MalformedJson("no"), set()),
    ],
)
def test_headers_say_what_to_do_next(error: LeadScoringError, headers: set[bytes]) -> None:
    """Bring a key, come back later, compress otherwise, connect again."""
    assert {name for name, _ in problem(error, "r1").headers} == headers


def test_time_that_heals_is_given_in_whole_seconds() -> None:
    """As the endpoint or the bucket says."""
    assert dict(problem(EndpointThrottled("azure", "status 429", 7), "r1").headers)[b"retry-after"] == b"7"
    limited = dict(problem(RateLimited(60, 3, 57), "r1").headers)
    assert (limited[b"retry-after"], limited[b"ratelimit-reset"], limited[b"ratelimit-remaining"]) == (
        b"3",
        b"57",
        b"0",
    )


@pytest.mark.parametrize("status", [*PLAIN, 418])
def test_a_failure_that_is_no_error_of_ours_has_the_same_shape(status: int) -> None:
    """Also one that nobody has thought of; the state of a service that is not ready stands in it."""
    found = said(plain_problem(status, "so", "r1", state="draining"))
    assert (found["status"], found["detail"], found["state"]) == (status, "so", "draining")
    assert found["type"] == f"/docs#{found['code']}"
    assert "state" not in said(plain_problem(status, "so", "r1"))


@pytest.mark.parametrize(("failure", "status"), [(ClientGone(), 499), (KeyError("x"), 500), (MissingKey(), 401)])
def test_a_handler_that_raises_ends_with_a_status(failure: Exception, status: int) -> None:
    """What is no error of ours is a failure of ours."""
    assert status_of(failure) == status


def test_the_tables_of_the_documentation_have_each_error_once() -> None:
    """What a request can end with in one, what stops a start or a command in the other."""
    requests, starts = errors_markdown(), start_errors_markdown()
    ends = RequestError | EndpointError | LedgerError
    others = [kind for kind in leaves(LeadScoringError) if not issubclass(kind, ends)]
    for kinds, table, other in ((STATUS, requests, starts), (others, starts, requests)):
        for kind in kinds:
            assert table.count(f"`{kind.__name__}`") == 1
            assert f"`{kind.__name__}`" not in other
    assert all(f"| `{code}` | {status} |" in requests for status, (code, _) in PLAIN.items())
