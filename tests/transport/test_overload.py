"""Asked for more than it can do, the service does what it can, refuses the rest at once, and recovers."""

import os
import signal
from pathlib import Path

import httpx
import pytest
from benchmarks.open_loop import Load, in_own_process
from factories import LEAD, body, lead, model_file
from serving import KEY, children, eventually, serving

pytestmark = pytest.mark.integration

BATCH = body([lead(f"lead-{place}") for place in range(200)])


def test_beyond_its_peak_it_scores_on_refuses_and_recovers(tmp_path: Path) -> None:
    """Every request is answered, with a score or with 503 and when to come back; probes are answered throughout."""
    with serving(tmp_path, model_file(tmp_path), MAX_QUEUE_SECONDS="0.02") as server:
        url = server.url + "/api/v1/score/batch"
        offered = Load(url, 1500, 3.0, BATCH, KEY, connections=200, timeout=30)
        with in_own_process(offered) as running:
            assert eventually(lambda: rejected(server.url) > 0)
            assert httpx.get(server.url + "/health/live", timeout=30).status_code == 200
            assert httpx.get(server.url + "/health/ready", timeout=30).status_code == 200
            found = running.result()
        assert found.statuses.keys() == {200, 503}, found.said()
        assert not found.lost, found.said()
        assert eventually(lambda: server.http.post("/api/v1/score", json=LEAD).status_code == 200)
        assert eventually(lambda: "scoring_queue_requests 0.0" in server.http.get("/metrics").text)
        said = server.http.get("/metrics").text
        assert 'scoring_stage_seconds_count{stage="queue"}' in said
        assert server.stop() == 0


def test_a_key_within_its_share_is_not_refused_whatever_another_sends(tmp_path: Path) -> None:
    """The other one is, for what it brings beyond what can be done in time."""
    keys = f"{KEY},quiet"
    with serving(tmp_path, model_file(tmp_path), MAX_QUEUE_SECONDS="0.02", API_KEYS=keys) as server:
        noisy = Load(server.url + "/api/v1/score/batch", 0, 3.0, BATCH, KEY, connections=200, timeout=30, closed=True)
        with in_own_process(noisy) as running:
            assert eventually(lambda: rejected(server.url) > 0)
            for _ in range(30):
                answer = server.http.post("/api/v1/score", json=LEAD, headers={"X-API-Key": "quiet"})
                assert answer.status_code == 200, answer.text
            found = running.result()
        assert found.statuses.keys() == {200, 503}, found.said()
        assert not found.lost, found.said()


def test_what_was_held_back_is_answered_when_the_service_ends(tmp_path: Path) -> None:
    """It was accepted, although its body was not read."""
    with serving(tmp_path, model_file(tmp_path), SHUTDOWN_SECONDS="20") as server:
        load = Load(server.url + "/api/v1/score/batch", 0, 1.0, BATCH, KEY, connections=200, timeout=30, closed=True)
        with in_own_process(load) as running:
            assert eventually(lambda: waiting(server.url) > 20)
            assert server.stop() == 0
            found = running.result()
        assert set(found.failures) <= {"refused"}, found.said()


@pytest.mark.parametrize("longest", ["2.5", "0.02"])
def test_a_request_that_waits_is_counted_once_with_its_whole_wait(tmp_path: Path, longest: str) -> None:
    """At the door, in line, or both; scored or refused."""
    with serving(tmp_path, model_file(tmp_path), MAX_QUEUE_SECONDS=longest) as server:
        load = Load(server.url + "/api/v1/score/batch", 0, 2.0, BATCH, KEY, connections=100, timeout=30, closed=True)
        with in_own_process(load) as running:
            found = running.result()
        told = float(sum(found.statuses.values()))
        assert eventually(lambda: metric(server.url, 'http_requests_total{endpoint="/api/v1/score/batch"') == told)
        waits = metric(server.url, 'scoring_stage_seconds_count{stage="queue"}')
        assert told / 2 < waits <= told
        waited = metric(server.url, 'scoring_stage_seconds_sum{stage="queue"}')
        took = metric(server.url, 'http_request_duration_seconds_sum{endpoint="/api/v1/score/batch"')
        assert took / 2 < waited < took


def metric(url: str, begins: str) -> float:
    """The sum of all series that begin like this."""
    said = httpx.get(url + "/metrics", timeout=30).text.splitlines()
    return sum(float(line.split()[-1]) for line in said if line.startswith(begins))


def waiting(url: str) -> float:
    """How many requests wait for their turn."""
    return metric(url, "scoring_queue_requests ")


def rejected(url: str) -> float:
    """How many requests were refused as too many."""
    return metric(url, 'requests_rejected_total{reason="overloaded"}')


def test_a_key_has_its_limit_and_is_told_so(tmp_path: Path) -> None:
    """429 with the time to wait; each lead of a batch counts."""
    with serving(tmp_path, model_file(tmp_path), RATE_LIMIT_PER_MINUTE="10", API_KEYS=f"{KEY},other") as server:
        answer = server.http.post("/api/v1/score", json=LEAD)
        assert (answer.headers["ratelimit-limit"], answer.headers["ratelimit-remaining"]) == ("10", "9")
        answer = server.http.post("/api/v1/score/batch", json=[LEAD] * 60)  # overdraws
        assert answer.headers["ratelimit-remaining"] == "0"
        refusal = server.http.post("/api/v1/score", json=LEAD)
        assert (refusal.status_code, refusal.json()["code"]) == (429, "rate_limited")
        assert 30 <= int(refusal.headers["retry-after"]) <= 66  # a minute's worth is owed, and no more
        assert refusal.headers["ratelimit-remaining"] == "0"
        assert 80 <= int(refusal.headers["ratelimit-reset"]) <= 120  # until all of it is back, as in any answer
        other = server.http.post("/api/v1/score", json=LEAD, headers={"X-API-Key": "other"})
        assert other.status_code == 200
        assert 'requests_rejected_total{reason="rate_limit"} 1.0' in server.http.get("/metrics").text


def test_the_limit_of_a_key_is_one_over_all_workers_and_their_successors(tmp_path: Path) -> None:
    """Whichever of them is asked."""
    with serving(tmp_path, model_file(tmp_path), RATE_LIMIT_PER_MINUTE="20", WORKERS="2") as server:
        left = []
        for _ in range(10):
            answer = httpx.post(server.url + "/api/v1/score", json=LEAD, headers={"X-API-Key": KEY}, timeout=30)
            assert (answer.status_code, answer.headers["ratelimit-limit"]) == (200, "20")
            left.append(int(answer.headers["ratelimit-remaining"]))
        assert max(left) == 19
        assert min(left) < 19
        assert eventually(lambda: server.logged().count('"listening"') == 2)
        for victim in children(server.process.pid):
            os.kill(victim, signal.SIGKILL)
        assert eventually(lambda: server.logged().count('"listening"') == 4)
        answer = httpx.post(server.url + "/api/v1/score/batch", json=[LEAD] * 60, headers={"X-API-Key": KEY})
        assert answer.headers["ratelimit-remaining"] == "0"
        for _ in range(10):
            answer = httpx.post(server.url + "/api/v1/score", json=LEAD, headers={"X-API-Key": KEY}, timeout=30)
            assert answer.status_code == 429


@pytest.mark.parametrize("leads", [1, 31, 32, 33, 255, 256, 300])
def test_a_batch_of_any_length_is_answered_in_order_and_like_its_leads_alone(tmp_path: Path, leads: int) -> None:
    """However it is cut into parts."""
    sent = [lead(f"lead-{place}", revenue=place * 1000, visits=place % 7) for place in range(leads)]
    sent[leads // 2] = lead("wrong", revenue=-1)
    with serving(tmp_path, model_file(tmp_path)) as server:
        found = server.http.post("/api/v1/score/batch", json=sent).json()
        assert len(found) == leads
        assert found[leads // 2]["error"]["code"] == "invalid_lead"
        for place in {0, leads - 1, leads // 3} - {leads // 2}:
            alone = server.http.post("/api/v1/score", json=sent[place]).json()
            assert found[place] | {"request_id": ""} == alone | {"request_id": ""}
