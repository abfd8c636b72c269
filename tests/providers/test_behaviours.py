"""Whatever an endpoint does, its answer is read or its fault told, and nobody hears what does not concern them.

Seen from the service's clients, over every provider.
"""

import math
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import endpoint_replies as replies
import factories
import httpx
import pytest
from endpoint_replies import Behaviour
from serving import Server, eventually
from ways import MANY, ONE, SECRETS, Way, different, exposed, metric, post, raw_scores

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]

DEADLINE = "X-Request-Timeout-Ms"


FAULTS: dict[str, tuple[Behaviour, int, set[str]]] = {
    "connection reset": (replies.resets, 503, {"EndpointUnreachable"}),
    "half a body": (replies.cuts, 503, {"EndpointUnreachable"}),
    "a score missing": (replies.row_missing(), 502, {"EndpointAnswerInvalid"}),
    "a score too many": (replies.row_too_many(), 502, {"EndpointAnswerInvalid"}),
    "nan": (replies.poisoned(math.nan), 502, {"EndpointAnswerInvalid"}),
    "above 1": (replies.poisoned(1.5), 502, {"EndpointAnswerInvalid"}),
    "below 0": (replies.poisoned(-0.25), 502, {"EndpointAnswerInvalid"}),
    "a text for a score": (replies.poisoned("high"), 502, {"EndpointAnswerInvalid"}),
    "null": (replies.poisoned(None), 502, {"EndpointAnswerInvalid"}),
    "encoded three times": (replies.twice(replies.twice()), 502, {"EndpointAnswerInvalid"}),
    "nothing": (replies.says(b""), 502, {"EndpointAnswerInvalid"}),
    "no JSON and no numbers": (replies.says(b"<html>"), 502, {"EndpointAnswerInvalid"}),
    "nested without end": (replies.says(b"[" * 100_000), 502, {"EndpointAnswerInvalid"}),
    "an answer without end": (replies.floods(64 << 20), 502, {"EndpointAnswerInvalid"}),
    "the same without a length": (replies.floods(64 << 20, chunked=True), 502, {"EndpointAnswerInvalid"}),
    "throttled": (replies.throttles(), 503, {"EndpointThrottled"}),
    "throttled, come again": (replies.throttles("7"), 503, {"EndpointThrottled"}),
    "loading": (replies.not_ready(), 503, {"EndpointNotReady", "EndpointThrottled"}),
    "its container refuses": (replies.model_fails(400), 502, {"EndpointRejected"}),
    "its container wants another type": (replies.model_fails(415), 502, {"EndpointRejected"}),
    "its container fails": (replies.model_fails(500), 502, {"EndpointFailed"}),
    "its container is too slow": (replies.model_fails(0), 504, {"EndpointTimeout"}),
    "500": (replies.fails(500), 502, {"EndpointFailed"}),
    "502": (replies.fails(502), 502, {"EndpointFailed"}),
    "503": (replies.fails(503), 502, {"EndpointFailed"}),
    "504": (replies.fails(504), 502, {"EndpointFailed"}),
    "530": (replies.fails(530), 502, {"EndpointFailed"}),
    "not known": (replies.refuses(401), 502, {"EndpointRefused"}),
    "not allowed": (replies.refuses(403), 502, {"EndpointRefused"}),
    "not there": (replies.refuses(404), 502, {"EndpointRefused"}),
    "no such endpoint": (replies.no_such_endpoint, 502, {"EndpointRefused"}),
    "redirect": (replies.redirects(), 502, {"EndpointRefused", "EndpointFailed", "EndpointAnswerInvalid"}),
}


RETRIED = {"EndpointUnreachable", "EndpointThrottled", "EndpointNotReady", "EndpointFailed", "EndpointTimeout"}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("path", [ONE, MANY])
def test_a_fault_has_its_status_its_name_and_its_count(remote: Way, service: Server, fault: str, path: str) -> None:
    """Response, log and metrics report the same error, and a call that cannot succeed is not repeated."""
    behaviour, status, errors = FAULTS[fault]
    remote.double.always(behaviour)
    before, logged = failures(service), len(service.logged())
    answer = post(service, path, factories.LEAD if path == ONE else different(3))
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"

    def newly_counted() -> set[str]:
        return {error for error, count in failures(service).items() if count > before.get(error, 0)}

    assert eventually(lambda: bool(newly_counted()))  # /metrics may be of the last second
    counted = newly_counted()
    assert len(counted) == 1
    assert counted <= errors
    assert eventually(lambda: counted.pop() in service.logged()[logged:] if counted else True)
    assert remote.double.attempts <= (2 if errors & RETRIED else 1)
    assert {call.cloud for call in remote.double.calls} == {remote.provider}


def failures(server: Server) -> dict[str, float]:
    """How often each error was counted."""
    samples = exposed(server, "model_prediction_errors_total")
    return {labels["error_type"]: value for labels, value in samples if value}


@pytest.fixture(scope="module")
def hasty(remote: Way, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The service over one way, with little time for it."""
    with remote.serving(tmp_path_factory.mktemp("hasty"), MODEL_TIMEOUT_SECONDS="0.5") as server:
        yield server


@pytest.mark.parametrize("fault", [replies.hangs, replies.hangs_after_head, replies.trickles])
def test_an_endpoint_that_says_nothing_is_left_at_the_deadline(remote: Way, hasty: Server, fault: Behaviour) -> None:
    """Silence, silence in the middle of an answer, and an answer that never ends are one timeout; the socket is closed."""
    remote.double.always(fault)
    answer = post(hasty, ONE, factories.LEAD)
    assert answer.status_code == 504, answer.text
    assert "EndpointTimeout" in failures(hasty)
    assert eventually(lambda: all(call.abandoned for call in remote.double.calls))


def test_a_caller_may_shorten_the_deadline(remote: Way, service: Server) -> None:
    """The header is followed down to the socket, while others wait as long as the service does."""
    remote.double.always(replies.hangs)
    with ThreadPoolExecutor(1) as clients:
        patient = clients.submit(post, service, ONE, factories.LEAD)
        assert eventually(lambda: remote.double.attempts == 1)

        def cut_short() -> bool:
            assert post(service, ONE, factories.LEAD, **{DEADLINE: "200"}).status_code == 504
            return any(call.abandoned is not None for call in remote.double.calls)  # one that got there in time

        assert eventually(cut_short)
        assert not patient.done()
        remote.double.close()
    remote.double.open()


def test_a_caller_may_not_lengthen_the_deadline(remote: Way, hasty: Server) -> None:
    """Who asks for more time than the service gives gets what it gives."""
    remote.double.always(replies.hangs)
    assert post(hasty, ONE, factories.LEAD, **{DEADLINE: "3600000"}).status_code == 504


@pytest.mark.parametrize("value", ["soon", "-1", "0", "1.5", "", "9" * 30])
def test_a_deadline_that_is_none_is_refused(remote: Way, service: Server, value: str) -> None:
    """An invalid header is rejected, not ignored, and the endpoint is not called."""
    answer = post(service, ONE, factories.LEAD, **{DEADLINE: value})
    assert answer.status_code == 400
    assert DEADLINE in answer.json()["detail"]
    assert remote.double.attempts == 0


def test_a_second_attempt_saves_a_request(remote: Way, tmp_path: Path, local: Server) -> None:
    """One failure in passing is not seen by the client."""
    with remote.serving(tmp_path) as server:
        remote.double.script(replies.fails(503))
        answer = post(server, ONE, factories.LEAD)
    assert answer.status_code == 200
    assert answer.json()["score"]["raw_score"] == pytest.approx(raw_scores(local, [factories.LEAD])[0], abs=1e-6)
    assert remote.double.attempts == 2


def test_a_thousand_calls_of_a_failing_endpoint_make_few_more_attempts(remote: Way, tmp_path: Path) -> None:
    """Retries stay within a budget, so that they do not bury an endpoint that is in trouble."""
    calls = 1000
    with remote.serving(tmp_path, MODEL_BREAKER_FAILURES="1000", MODEL_MAX_CONCURRENCY="64") as server:
        remote.double.always(seldom(replies.fails(503)))
        with ThreadPoolExecutor(8) as clients:
            statuses = list(clients.map(lambda _: server.http.post(ONE, json=factories.LEAD).status_code, range(calls)))
    assert statuses.count(502) > calls * 0.95
    assert calls <= remote.double.attempts <= 1200


def seldom(fault: Behaviour, every: int = 300) -> Behaviour:
    """A fault that now and then is none, so that no breaker opens."""
    counted = iter(range(1, 1_000_000))
    return lambda call: replies.answers(call) if next(counted) % every == 0 else fault(call)


def test_other_requests_live_on_while_the_endpoint_hangs(remote: Way, service: Server) -> None:
    """Health, metrics and refusals are answered while scores are waited for."""
    remote.double.always(replies.hangs)
    with ThreadPoolExecutor(8) as clients:
        hung = [clients.submit(post, service, ONE, factories.LEAD) for _ in range(8)]
        assert eventually(lambda: remote.double.attempts >= 8)
        for path in ("/health", "/health/live", "/health/ready", "/metrics", "/status", "/openapi.json"):
            assert service.http.get(path).status_code == 200
        assert post(service, ONE, {"lead_id": "broken"}).status_code == 422
        assert not any(waiting.done() for waiting in hung)
        remote.double.close()
        assert {waiting.result().status_code for waiting in hung} <= {503, 504}
    remote.double.open()


def test_calls_beyond_the_bulkhead_are_refused_at_once(remote: Way, tmp_path: Path) -> None:
    """No more calls run than allowed, and the rest are rejected with a time to retry."""
    with remote.serving(tmp_path, MODEL_MAX_CONCURRENCY="2") as server, ThreadPoolExecutor(2) as clients:
        remote.double.always(replies.hangs)
        hung = [clients.submit(post, server, ONE, factories.LEAD) for _ in range(2)]
        assert eventually(lambda: remote.double.attempts == 2)
        refused = post(server, ONE, factories.LEAD)
        assert (refused.status_code, refused.headers["Retry-After"]) == (503, "1")
        assert remote.double.attempts == 2
        assert not any(waiting.done() for waiting in hung)
        remote.double.close()
    remote.double.open()


BREAKER = "model_endpoint_breaker_state"


def test_the_breaker_opens_and_the_endpoint_is_left_alone(remote: Way, tmp_path: Path) -> None:
    """After failures in a row requests are answered without a call; the service stays in rotation and says so."""
    settings = {"MODEL_BREAKER_FAILURES": "3", "MODEL_BREAKER_SECONDS": "3600"}
    with remote.serving(tmp_path, **settings) as server:
        assert metric(server, BREAKER, endpoint_provider=remote.provider) == 0
        remote.double.always(replies.fails(500))
        assert eventually(lambda: post(server, ONE, factories.LEAD).status_code == 503)
        assert metric(server, BREAKER, endpoint_provider=remote.provider) == 2
        reached = remote.double.attempts
        assert reached <= 6
        remote.double.always(replies.answers)
        for path, asked in ((ONE, factories.LEAD), (MANY, [factories.LEAD])):
            answer = post(server, path, asked)
            assert answer.status_code == 503
            assert int(answer.headers["Retry-After"]) > 0
        assert remote.double.attempts == reached
        assert server.http.get("/health/ready").status_code == 200
        assert "open" in server.http.get("/status").text


def test_one_call_tries_whether_the_endpoint_is_back(remote: Way, tmp_path: Path) -> None:
    """Half-open after its time: a failure leaves it open, a success closes it."""
    settings = {"MODEL_BREAKER_FAILURES": "2", "MODEL_BREAKER_SECONDS": "0.3"}
    with remote.serving(tmp_path, **settings) as server:
        remote.double.always(replies.fails(500))
        assert eventually(lambda: post(server, ONE, factories.LEAD).status_code == 503)
        reached = remote.double.attempts
        assert eventually(lambda: tried(server, remote) > reached)
        remote.double.always(remote.double.normally)
        assert eventually(lambda: post(server, ONE, factories.LEAD).status_code == 200)
        assert eventually(lambda: metric(server, BREAKER, endpoint_provider=remote.provider) == 0)


def tried(server: Server, remote: Way) -> int:
    """How many calls the endpoint has had, after one request more."""
    post(server, ONE, factories.LEAD)
    return remote.double.attempts


def test_the_answer_names_who_served_it(remote: Way, service: Server) -> None:
    """A client can tell where its score comes from, and that nothing went wrong."""
    answer = post(service, ONE, factories.LEAD).json()
    assert answer["model"]["served_by"] == remote.provider
    assert not answer.get("degraded", False)


def test_no_secret_and_no_lead_is_written_to_a_log_or_told_to_a_client(remote: Way, service: Server) -> None:
    """Not the keys, not the signature, and not what a container repeats of the lead that it was sent."""
    echo = "the-revenue-was-1000000-and-the-city-south"
    told = []
    for fault in (replies.refuses(403), replies.model_fails(400, echo), replies.model_fails(500, echo), replies.hangs):
        remote.double.always(fault)
        told.append(post(service, ONE, factories.LEAD, **{DEADLINE: "500"}).text)
    remote.double.always(replies.answers)
    told.append(post(service, ONE, factories.LEAD).text)
    sent = {call.headers["authorization"] for call in remote.double.calls}
    signatures = {value.rpartition("Signature=")[2] for value in sent}
    heard = service.logged() + "".join(told) + httpx.get(f"{service.url}/status", trust_env=False).text
    for secret in (*SECRETS, *signatures, echo):
        assert secret not in heard


def test_a_redirect_is_not_followed(remote: Way, service: Server) -> None:
    """Leads and keys go to the configured address and nowhere else."""
    for status in (301, 302, 303, 307, 308):
        remote.double.always(replies.redirects(status))
        assert post(service, ONE, factories.LEAD).status_code == 502
    assert {call.cloud for call in remote.double.calls} == {remote.provider}


def test_an_answer_that_is_encoded_twice_is_read(remote: Way, service: Server, local: Server) -> None:
    """A JSON string that holds JSON is decoded once more, where that is the habit; else it is refused, never misread."""
    remote.double.always(replies.twice())
    answer = post(service, ONE, factories.LEAD)
    if remote.provider == "azure" or answer.status_code == 200:
        expected = raw_scores(local, [factories.LEAD])[0]
        assert answer.json()["score"]["raw_score"] == pytest.approx(expected, abs=1e-6)
    else:
        assert answer.status_code == 502


@pytest.mark.parametrize("shape", ["lines", "comma", "json", "list", "predictions", "result"])
def test_every_shape_of_answer_that_an_endpoint_is_known_for_is_read(
    remote: Way, service: Server, local: Server, shape: str
) -> None:
    """CSV by lines or by commas, and JSON as a list or under a name."""
    if shape in ("lines", "comma", "json") and remote.provider == "azure":
        pytest.skip("this is a shape of SageMaker's")
    if shape in ("list", "predictions", "result") and remote.provider == "sagemaker":
        pytest.skip("this is a shape of Azure's")
    asked = different(20)
    remote.double.always(replies.shaped_as(shape))
    assert raw_scores(service, asked) == pytest.approx(raw_scores(local, asked), abs=1e-6)
