"""What a request pays and what a refused one costs: counted in tokens, in calls, and in what the line learns."""

import asyncio
import os
import sys
from collections.abc import Coroutine, Iterator
from time import perf_counter
from typing import Any

import pytest
from factories import LEAD, body, lead, model_file

from leadscoring.access.rate_limit import RateLimit
from leadscoring.api.score import Scoring
from leadscoring.api.service import Service
from leadscoring.errors import MalformedJson, RateLimited, ValidationError
from leadscoring.serving.wiring import open_service
from leadscoring.settings import read_settings
from leadscoring.transport.admission import SLICE, Admission
from leadscoring.transport.exchange import Exchange, Reply
from leadscoring.transport.head import Head

CALLS = 60_000
"""Calls of functions between two moments at which others may have the event loop."""


class Noting(Admission):
    """A line that notes what it is to learn, and how much is done between two breaths."""

    def __init__(self) -> None:
        super().__init__(1.0, 10.0)
        self.learned: list[int] = []
        self.most = self.calls = 0

    def learn(self, size: int, seconds: float) -> None:
        """What a request of this size has cost."""
        self.learned.append(size)
        super().learn(size, seconds)

    async def breathe(self, behind: str | None = None, cost: float = SLICE) -> None:
        """The end of a stretch."""
        self.most, self.calls = max(self.most, self.calls), 0
        await super().breathe(behind, cost)

    def seen(self, _frame: Any, event: str, _argument: Any) -> None:
        """One more call, for ``sys.setprofile``."""
        self.calls += event in ("call", "c_call")


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """What the routes are built on."""
    path = model_file(tmp_path_factory.mktemp("model"))
    with open_service(read_settings(os.environ | {"MODEL_PATH": str(path), "API_KEYS": "key"}), ["/"]) as opened:
        yield opened


def scoring(service: Service, admission: Admission | None = None, limit: RateLimit | None = None) -> Scoring:
    """The routes."""
    line = Admission(1.0, 10.0) if admission is None else admission
    return Scoring(service.scorer, service.metrics, service.settings, line, limit or RateLimit(0))


def exchange(sent: bytes) -> Exchange:
    """A request that is all there."""
    head = Head("POST", "/", b"", {b"x-api-key": b"key", b"content-type": b"application/json"}, 1, len(sent))
    return Exchange.whole(head, sent, "id", perf_counter())


def run(asked: Coroutine[Any, Any, Reply]) -> Reply:
    """The reply, on a loop of its own."""
    return asyncio.run(asked)


def left(reply: Reply) -> int:
    """The tokens that a reply says are left."""
    return int(dict(reply.headers)[b"ratelimit-remaining"])


def wrong(leads: int) -> bytes:
    """A batch in which every lead has another unknown name."""
    return body([lead(f"lead-{place}", **{f"revenu{place}": 1}) for place in range(leads)])


def test_the_line_learns_from_sound_batches_alone(service: Service) -> None:
    """What it takes to refuse says nothing of what the next client's leads will cost."""
    admission = Noting()
    routes = scoring(service, admission)
    for sent in (wrong(50), body([LEAD] * 49 + [5]), body([LEAD] * 50)):
        run(routes.batch(exchange(sent)))
    assert admission.learned == [len(body([LEAD] * 50))]


def test_a_small_request_teaches_little() -> None:
    """An empty batch takes ten microseconds for two bytes."""
    admission, same = Admission(1.0, 10.0), Admission(1.0, 10.0)
    for _ in range(100):
        admission.learn(2, 1e-5)
    assert admission.estimate(1000) < 2 * same.estimate(1000)
    for _ in range(100):
        admission.learn(100_000, 1.0)
    assert admission.estimate(1000) == pytest.approx(0.01, rel=0.1)


def test_a_refused_lead_takes_a_token(service: Service) -> None:
    """To look through it is work, as much as scoring."""
    limit = RateLimit(100)
    routes = scoring(service, limit=limit)
    with pytest.raises(ValidationError):
        run(routes.one(exchange(body(lead(visits=-1)))))
    with pytest.raises(MalformedJson):
        run(routes.batch(exchange(b"[")))
    assert left(run(routes.batch(exchange(wrong(10))))) == 88
    assert left(run(routes.batch(exchange(body([LEAD] * 10))))) == 78
    assert left(run(routes.one(exchange(body(LEAD))))) == 77


def test_a_request_whose_key_was_used_up_while_it_came_is_refused_at_its_turn(service: Service) -> None:
    """A hundred bodies that are held back do not pass at once."""
    limit = RateLimit(10)
    routes = scoring(service, limit=limit)

    async def scenario() -> None:
        arrives, parts = asyncio.Event(), body([LEAD] * 10)

        async def late() -> dict[str, Any]:
            await arrives.wait()
            return {"type": "http.request", "body": parts, "more_body": False}

        scope = {"method": "POST", "path": "/", "query_string": b"", "http_version": "1.1"}
        scope["headers"] = [(b"host", b"a"), (b"x-api-key", b"key")]
        held = [asyncio.ensure_future(routes.batch(Exchange(scope, late, "id"))) for _ in range(5)]
        await asyncio.sleep(0)
        arrives.set()
        found = await asyncio.gather(*held, return_exceptions=True)
        assert [type(answer) for answer in found] == [Reply] + [RateLimited] * 4

    asyncio.run(scenario())


@pytest.mark.parametrize("sent", [wrong(400), body([LEAD] * 1000), body([5] * 1000), b"[" + b"1," * 400_000 + b"1]"])
def test_a_batch_lets_others_have_the_loop_whatever_is_in_it(service: Service, sent: bytes) -> None:
    """Between two breaths there is a fixed amount of work."""
    admission = Noting()
    asked = scoring(service, admission).batch(exchange(sent))
    sys.setprofile(admission.seen)
    try:
        run(asked)
    except Exception as refusal:
        assert "at most 1000 leads" in str(refusal)  # noqa: PT017  # the profile has to end in any case
    finally:
        sys.setprofile(None)
    assert 0 < max(admission.most, admission.calls) < CALLS


def test_nobody_is_locked_out_for_much_longer_than_a_minute() -> None:
    """Whatever a batch has overdrawn."""
    limit = RateLimit(100, clock=lambda: 1000.0)
    limit.take("crm", 28_000)
    with pytest.raises(RateLimited) as refusal:
        limit.check("crm")
    assert refusal.value.retry_after <= 61
