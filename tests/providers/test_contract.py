"""What holds for every provider, seen from the service's clients: the same scores, and faults that are told.

The endpoints are doubled, and the service does not know; ``sagemaker-json`` passes what it is sent on to a container
of ours, a real server.
"""

import math
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import endpoint_replies as replies
import factories
import httpx
import pytest
from endpoint_replies import Behaviour
from fuzzing import examples
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lead_strategies import leads
from serving import KEY, Server, eventually
from ways import MORE_WAYS, SECRETS, Way, checked, metric, way

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]

ONE, MANY = "/api/v1/score", "/api/v1/score/batch"
DEADLINE = "X-Request-Timeout-Ms"
SPLIT_BYTES = 5 * 1024 * 1024
"""Of one call, at most."""


def post(server: Server, path: str, value: Any, **headers: str) -> httpx.Response:
    """A request of its own connection, so that threads do not share one."""
    sent = {"X-API-Key": KEY} | headers
    return httpx.post(server.url + path, json=value, headers=sent, timeout=60, trust_env=False)


def raw_scores(server: Server, asked: list[dict[str, Any]]) -> list[float]:
    """The score of each lead of a batch."""
    answer = post(server, MANY, asked)
    assert answer.status_code == 200, answer.text
    return [scored["score"]["raw_score"] for scored in answer.json()]


def different(count: int) -> list[dict[str, Any]]:
    """Leads that score differently enough for their order to show."""
    return [
        factories.lead(
            f"lead-{place}",
            revenue=place * 977 % 1_000_003 + 0.1,
            visits=place * 7 % 23 if place % 5 else None,
            growth=math.sin(place) if place % 3 else ...,
            decision_maker=place % 2 == 0,
            source=["web", "event", "partner", "elsewhere", None][place % 5],
            open_rate=place * 13 % 101 / 101,
        )
        for place in range(count)
    ]


# --- the same scores ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module", params=MORE_WAYS)
def scoring(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, model: Path) -> Iterator[Server]:
    """The service over each way, in each form that rows are sent in."""
    folder = tmp_path_factory.mktemp("scoring")
    with way(request.param, folder, model) as opened, opened.serving(folder) as server:
        yield server
        assert opened.double.attempts > 0
        assert opened.double.refusals == []


@settings(max_examples=examples(25), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(asked=st.lists(leads(factories.SMALL), min_size=1, max_size=40))
def test_every_provider_gives_the_scores_of_the_local_one(
    scoring: Server, local: Server, asked: list[dict[str, Any]]
) -> None:
    """Whatever a lead holds, and whatever it lacks, the score is the same to 1e-6."""
    assert raw_scores(scoring, asked) == pytest.approx(raw_scores(local, asked), abs=1e-6)


@settings(max_examples=examples(25), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(asked=leads(factories.SMALL))
def test_a_lead_alone_is_answered_as_locally(scoring: Server, local: Server, asked: dict[str, Any]) -> None:
    """Beside the score, its reasons and warnings are those of the local provider too."""
    here, there = post(local, ONE, asked).json(), post(scoring, ONE, asked).json()
    assert there["score"]["raw_score"] == pytest.approx(here["score"]["raw_score"], abs=1e-6)
    assert there["reasons"] == here["reasons"]
    assert there["warnings"] == here["warnings"]
    assert there["model"]["version"] == here["model"]["version"]


def test_a_batch_keeps_its_order(scoring: Server, local: Server) -> None:
    """Scores come back in the place of their lead, and a place that holds no lead is left out of the call."""
    asked = different(300)
    asked[7] = {"lead_id": "broken", "features": {}}
    here, there = (post(server, MANY, asked).json() for server in (local, scoring))
    assert "score" not in there[7]
    del here[7], there[7]
    assert [answer["lead_id"] for answer in there] == [answer["lead_id"] for answer in here]
    expected = [answer["score"]["raw_score"] for answer in here]
    assert len({round(score, 4) for score in expected}) > 50
    assert [answer["score"]["raw_score"] for answer in there] == pytest.approx(expected, abs=1e-6)


def test_a_batch_over_the_size_limit_is_split(remote: Way, local: Server, tmp_path: Path) -> None:
    """No call is larger than the endpoint takes, and the parts come together in order."""
    big = {"MAX_BATCH_SIZE": "100000", "MAX_BODY_BYTES": str(1 << 26), "MODEL_TIMEOUT_SECONDS": "15"}
    asked = different(1000) * 85
    with remote.serving(tmp_path, **big) as server:
        got = raw_scores(server, asked)
        calls = [call for call in remote.double.calls if call.answered]
        assert remote.double.refusals == []
    assert len(calls) > 1
    assert max(len(call.body) for call in calls) <= SPLIT_BYTES
    assert sum(len(call.rows) for call in calls) == len(asked)
    assert got == pytest.approx(raw_scores(local, different(1000)) * 85, abs=1e-6)


def test_single_requests_that_share_a_call_each_get_their_own_score(remote: Way, local: Server, tmp_path: Path) -> None:
    """Micro-batching puts leads of several clients into one call, and no score goes to another's lead."""
    asked = different(64)
    expected = raw_scores(local, asked)
    with remote.serving(tmp_path, MODEL_MICRO_BATCH_SIZE="16", MODEL_MICRO_BATCH_SECONDS="0.05") as server:
        remote.double.always(replies.slowly(0.05))
        with ThreadPoolExecutor(32) as clients:
            answers = list(clients.map(lambda one: post(server, ONE, one).json(), asked))
    assert [answer["lead_id"] for answer in answers] == [one["lead_id"] for one in asked]
    assert [answer["score"]["raw_score"] for answer in answers] == pytest.approx(expected, abs=1e-6)
    assert remote.double.attempts < len(asked)


def test_the_answer_names_who_served_it(remote: Way, service: Server) -> None:
    """A client can tell where its score comes from, and that nothing went wrong."""
    answer = post(service, ONE, factories.LEAD).json()
    assert answer["model"]["served_by"] == remote.provider
    assert not answer.get("degraded", False)


# --- faults that are told -------------------------------------------------------------------------------------------

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
    """The caller, the log and the metrics are told the same, and what cannot succeed is not tried again."""
    behaviour, status, errors = FAULTS[fault]
    remote.double.always(behaviour)
    before, logged = failures(service), len(service.logged())
    answer = post(service, path, factories.LEAD if path == ONE else different(3))
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    counted = {error for error, count in failures(service).items() if count > before.get(error, 0)}
    assert len(counted) == 1
    assert counted <= errors
    assert eventually(lambda: counted.pop() in service.logged()[logged:] if counted else True)
    assert remote.double.attempts <= (2 if errors & RETRIED else 1)
    assert {call.cloud for call in remote.double.calls} == {remote.provider}


def failures(server: Server) -> dict[str, float]:
    """How often each error was counted."""
    import leadscoring.metrics as declared

    found = {}
    for error in declared.error_types():
        count = metric(server, "model_prediction_errors_total", error_type=error)
        if count:
            found[error] = count
    return found
