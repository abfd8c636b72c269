"""What holds for every provider, seen from the service's clients: the same scores, of the same model.

The endpoints are doubled, and the service does not know; ``sagemaker-json`` passes what it is sent on to a container
of ours, a real server.
"""

import math
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import endpoint_replies as replies
import factories
import pytest
from endpoint_replies import Behaviour
from fuzzing import examples
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lead_strategies import leads
from serving import Server, eventually, serving
from timed import timed_lead, timed_model
from ways import MANY, MORE_WAYS, ONE, Way, checked, different, metric, post, raw_scores, way

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]

DEADLINE = "X-Request-Timeout-Ms"
SPLIT_BYTES = 5 * 1024 * 1024
"""Of one call, at most."""


def lengthy(count: int) -> list[dict[str, Any]]:
    """Such leads whose numbers take all the digits that there are, so that a batch is large."""
    leads = different(count)
    for place, lead in enumerate(leads):
        tiny = (place + 1) * 1.2345678e-9
        lead["features"] |= {"revenue": tiny, "visits": 100_000_001 + place % 97, "growth": -tiny, "open_rate": tiny}
    return leads


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


@pytest.mark.parametrize("name", MORE_WAYS)
def test_leads_with_dates_texts_and_sets_are_scored_elsewhere_as_here(name: str, tmp_path: Path) -> None:
    """The endpoint gets a number for each column, as of the moment of each lead."""
    asked = [
        timed_lead("a", created="2026-03-20", title="Vice President"),
        timed_lead("b", due=None, email=None, interests=None, title=...),
        timed_lead("c", as_of="2027-01-01", interests=[]),
    ]
    model = timed_model(tmp_path)
    with serving(tmp_path, model) as local:
        here = post(local, MANY, asked).json()
    with way(name, tmp_path, model) as opened, opened.serving(tmp_path) as server:
        there = post(server, MANY, asked).json()
        assert opened.double.refusals == []
    for mine, theirs in zip(here, there, strict=True):
        assert theirs["score"]["raw_score"] == pytest.approx(mine["score"]["raw_score"], abs=1e-6)
        assert [theirs[key] for key in ("as_of", "reasons", "warnings")] == [
            mine[key] for key in ("as_of", "reasons", "warnings")
        ]


def test_a_batch_over_the_size_limit_is_split(remote: Way, local: Server, tmp_path: Path) -> None:
    """No call is larger than the endpoint takes, and the parts come together in order."""
    big = {"MAX_BATCH_SIZE": "100000", "MAX_BODY_BYTES": str(1 << 26)}
    asked = lengthy(1000) * 90
    with remote.serving(tmp_path, **big) as server:
        got = raw_scores(server, asked)
        calls = [call for call in remote.double.calls if call.answered]
        assert remote.double.refusals == []
    assert len(calls) > 1
    assert max(len(call.body) for call in calls) <= SPLIT_BYTES
    assert sum(len(call.rows) for call in calls) == len(asked)
    expected = raw_scores(local, lengthy(1000)) * 90
    assert len(got) == len(expected)
    assert max(abs(mine - theirs) for mine, theirs in zip(got, expected, strict=True)) <= 1e-6


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


# --- fallback -------------------------------------------------------------------------------------------------------


def fallbacks(remote: Way, server: Server) -> float:
    """How many leads the local model has scored for the remote one."""
    return metric(server, "model_fallback_answers_total", endpoint_provider=remote.provider) or 0.0


@pytest.fixture(scope="module")
def covered(remote: Way, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The service over one way, with the local model behind it."""
    hurry = {"MODEL_FALLBACK": "local", "MODEL_TIMEOUT_SECONDS": "2"}
    with remote.serving(tmp_path_factory.mktemp("covered"), **hurry) as server:
        yield server


@pytest.mark.parametrize(
    "fault",
    [replies.fails(503), replies.hangs, replies.resets, replies.throttles(), replies.refuses(403),
     replies.poisoned(math.nan), replies.row_missing(), replies.model_fails(400)],
    ids=["503", "hangs", "resets", "throttles", "403", "nan", "row missing", "container refuses"],
)  # fmt: skip
def test_the_local_model_answers_where_the_remote_fails(
    remote: Way, covered: Server, local: Server, fault: Behaviour
) -> None:
    """The score is that of the local provider, and the answer, the metrics and the status say who gave it."""
    remote.double.always(fault)
    before = fallbacks(remote, covered)
    answer = post(covered, ONE, factories.LEAD)
    batch = post(covered, MANY, different(3))
    assert (answer.status_code, batch.status_code) == (200, 200), answer.text
    for scored in (answer.json(), *batch.json()):
        assert (scored["degraded"], scored["model"]["served_by"]) == (True, "local")
    assert answer.json()["score"] == post(local, ONE, factories.LEAD).json()["score"]
    assert [scored["score"] for scored in batch.json()] == [
        scored["score"] for scored in post(local, MANY, different(3)).json()
    ]
    assert fallbacks(remote, covered) == before + 4


def test_the_fallback_answers_while_the_breaker_is_open(remote: Way, tmp_path: Path, local: Server) -> None:
    """A dead endpoint costs no request."""
    settings = {"MODEL_FALLBACK": "local", "MODEL_BREAKER_FAILURES": "1", "MODEL_BREAKER_SECONDS": "3600"}
    with remote.serving(tmp_path, **settings) as server:
        remote.double.close()
        answers = [post(server, ONE, factories.LEAD) for _ in range(5)]
        assert metric(server, "model_endpoint_breaker_state", endpoint_provider=remote.provider) == 2
        remote.double.open()
    assert [answer.status_code for answer in answers] == [200] * 5
    assert {answer.json()["model"]["served_by"] for answer in answers} == {"local"}
    assert remote.double.attempts == 0


# --- the same model -------------------------------------------------------------------------------------------------


def test_another_model_behind_the_endpoint_is_never_served(
    remote: Way, tmp_path: Path, model: Path, other_model: Path
) -> None:
    """What it scores does not reach a client: refused, or with the fallback answered locally; readiness stays."""
    remote.double.normally, usual = replies.answers, remote.double.normally
    remote.double.serves(other_model)
    try:
        for fallback, status in (("none", 502), ("local", 200)):
            environ = {**remote.environ, "MODEL_FALLBACK": fallback, "no_proxy": "127.0.0.1"}
            with serving(tmp_path, model, **environ) as server:
                checked(server, remote.provider, 0.0)
                answer = post(server, ONE, factories.LEAD)
                assert answer.status_code == status, answer.text
                assert "score" not in answer.json() or answer.json()["degraded"] is True
                assert "EndpointMismatch" in server.logged()
    finally:
        remote.double.serves(model)
        remote.double.normally = usual


def test_an_endpoint_that_comes_to_serve_another_model_is_noticed(
    remote: Way, tmp_path: Path, model: Path, other_model: Path
) -> None:
    """The golden rows are scored again and again; with the right model back, so are leads."""
    remote.double.normally, usual = replies.answers, remote.double.normally
    try:
        with remote.serving(tmp_path, MODEL_CHECK_SECONDS="1") as server:
            assert post(server, ONE, factories.LEAD).status_code == 200
            remote.double.serves(other_model)
            checked(server, remote.provider, 0.0)
            assert post(server, ONE, factories.LEAD).status_code == 502
            remote.double.serves(model)
            checked(server, remote.provider, 1.0)
            assert eventually(lambda: post(server, ONE, factories.LEAD).status_code == 200)
    finally:
        remote.double.serves(model)
        remote.double.normally = usual
