"""What all remote models have in common: attempts, the check of the golden rows, the fallback, and what is told."""

import asyncio
from pathlib import Path
from time import monotonic
from typing import Any

import factories
import pytest
from prometheus_client.parser import text_string_to_metric_families

from leadscoring._engine import Rows
from leadscoring.errors import (
    EndpointError,
    EndpointMismatch,
    EndpointRefused,
    EndpointSuspended,
    EndpointTimeout,
    EndpointUnreachable,
)
from leadscoring.model.file import open_model
from leadscoring.model.loaded import LoadedModel
from leadscoring.providers.provider import Given
from leadscoring.providers.remote import Remote
from leadscoring.resilience import CALLER_GIVES_UP
from leadscoring.telemetry.metrics import Metrics

from .endpoints import QUIET, Outcome, Scripted, metrics, remote, run

ROW: list[list[float | None]] = [[1e6, 3.0, 0.35, 1.0, 1.0, 1.0, 0.4]]
DOWN = EndpointUnreachable("azure", "the connection failed")


@pytest.fixture(scope="module")
def loaded(model: Path) -> LoadedModel:
    """The small model."""
    return open_model(model)


@pytest.fixture(scope="module")
def cardless(tmp_path_factory: pytest.TempPathFactory) -> LoadedModel:
    """The small model without golden rows."""
    return open_model(factories.model_file(tmp_path_factory.mktemp("cardless"), factories.card(golden=())))


async def ask(provider: Remote, rows: list[list[float | None]] = ROW) -> Given:
    """The margins of rows."""
    return await provider.margins(Rows(rows))


def counted(found: Metrics, name: str, **labels: str) -> float:
    """One series of the metrics."""
    for family in text_string_to_metric_families(found.exposition().decode()):
        for sample in family.samples:
            if sample.name == name and labels.items() <= sample.labels.items():
                return float(sample.value)
    raise AssertionError(f"{name}{labels} is not there")


def test_margins_are_those_of_the_endpoint_and_say_so(loaded: LoadedModel) -> None:
    """With nothing degraded, and reasons to be had from the local trees."""

    async def test(provider: Remote) -> None:
        given = await ask(provider)
        assert given == Given(loaded.trees.predict(Rows(ROW)), "azure")
        assert provider.status() | {"last_ok": None} == {
            "state": "healthy", "breaker": "closed", "last_error": None, "last_ok": None,
            "matches": True, "fallback": None, "fallback_answers": 0,
        }  # fmt: skip

    endpoint = Scripted(loaded)
    run(remote(endpoint, loaded, **QUIET), test)
    assert endpoint.opened
    assert endpoint.closed


def test_an_open_breaker_answers_without_the_network(loaded: LoadedModel) -> None:
    """After five failures nobody calls, and clients hear when to come back."""
    found = metrics()

    async def test(provider: Remote) -> None:
        endpoint.calls, endpoint.then = 0, EndpointRefused("azure", "status 404")
        for _ in range(5):
            with pytest.raises(EndpointRefused):
                await ask(provider)
        with pytest.raises(EndpointSuspended) as refusal:
            await ask(provider)
        assert 0 < (refusal.value.retry_after or 0) <= 30
        assert endpoint.calls == 5
        assert provider.status()["breaker"] == "open"
        assert provider.status()["last_error"] == "EndpointRefused"
        assert counted(found, "model_endpoint_breaker_state") == 2
        assert counted(found, "model_endpoint_attempts_total", outcome="refused") == 5
        assert counted(found, "model_prediction_errors_total", error_type="EndpointSuspended") == 1

    endpoint = Scripted(loaded)
    run(remote(endpoint, loaded, found, **QUIET), test)


def test_callers_in_a_hurry_do_not_open_the_breaker_nor_degrade_the_service(loaded: LoadedModel) -> None:
    """A client that gives an endpoint no time to answer says nothing about it, and must not take it from others."""

    async def test(provider: Remote) -> None:
        await ask(provider)
        endpoint.then = "hangs"
        for _ in range(20):
            CALLER_GIVES_UP.set(monotonic() + 0.001)
            with pytest.raises(EndpointTimeout):
                await ask(provider)
        assert (provider.status()["state"], provider.status()["last_error"]) == ("healthy", None)
        CALLER_GIVES_UP.set(float("inf"))
        endpoint.then = "answers"
        assert (await ask(provider)).served_by == "azure"

    endpoint = Scripted(loaded)
    run(remote(endpoint, loaded, **QUIET), test)


@pytest.mark.parametrize(("fallback", "error"), [("none", EndpointMismatch), ("local", None)])
def test_another_model_is_never_served(loaded: LoadedModel, fallback: str, error: type[EndpointError] | None) -> None:
    """Its requests fail, or are answered by the local model; it is asked for nothing but its golden rows."""
    found = metrics()

    async def test(provider: Remote) -> None:
        before = endpoint.calls
        if error:
            with pytest.raises(error):
                await ask(provider)
        else:
            assert await ask(provider) == Given(loaded.trees.predict(Rows(ROW)), "local", degraded=True)
        assert endpoint.calls == before
        assert provider.status()["state"] == "mismatch"
        assert provider.status()["matches"] is False
        assert counted(found, "model_endpoint_matches") == 0

    endpoint = Scripted(loaded)
    endpoint.shift = 0.001
    run(remote(endpoint, loaded, found, MODEL_FALLBACK=fallback, **QUIET), test)


def test_nothing_is_served_before_the_golden_rows_were_scored(loaded: LoadedModel) -> None:
    """An endpoint that was down at the start is compared by the first request that reaches it."""

    async def test(provider: Remote) -> None:
        assert provider.status()["matches"] is None
        endpoint.then, endpoint.shift = "answers", 0.001
        with pytest.raises(EndpointMismatch):
            await ask(provider)

    run(remote(endpoint := Scripted(loaded, then=DOWN), loaded, **QUIET), test)


def test_a_model_without_golden_rows_is_served_without_reasons(cardless: LoadedModel) -> None:
    """Nobody knows whether the local trees are those that scored."""

    async def test(provider: Remote) -> None:
        given = await ask(provider)
        assert given.served_by == "azure"
        assert "golden rows" in (given.unexplained or "")
        assert provider.status()["matches"] is None

    run(remote(Scripted(cardless), cardless, **QUIET), test, compares=False)


@pytest.mark.parametrize("outcome", [DOWN, EndpointRefused("azure", "status 401"), "hangs"])
def test_the_fallback_answers_whatever_fails(loaded: LoadedModel, outcome: Outcome) -> None:
    """Its answers are the local model's, marked as such, counted and shown."""
    found = metrics()

    async def test(provider: Remote) -> None:
        endpoint.then = outcome
        for _ in range(3):
            assert await ask(provider, ROW * 2) == Given(loaded.trees.predict(Rows(ROW * 2)), "local", degraded=True)
        assert provider.status()["fallback_answers"] == 6
        assert counted(found, "model_fallback_answers_total") == 6
        endpoint.then = "answers"

    endpoint = Scripted(loaded)
    run(remote(endpoint, loaded, found, MODEL_FALLBACK="local", MODEL_TIMEOUT_SECONDS="0.05", **QUIET), test)


def test_a_fallback_that_does_not_score_as_certified_is_not_used(model: Path) -> None:
    """It is exercised before it is needed, and fails loudly."""
    broken = open_model(model)
    rows = tuple(row.__class__(row.row, row.margin + 1) for row in broken.card.golden)
    object.__setattr__(broken, "card", factories.card(golden=rows))

    async def test(provider: Remote) -> None:
        assert provider.status()["fallback"] == "failing"
        endpoint.then = DOWN
        with pytest.raises((EndpointUnreachable, EndpointMismatch)):
            await ask(provider)

    run(remote(endpoint := Scripted(broken), broken, MODEL_FALLBACK="local", **QUIET), test)


def test_a_large_batch_comes_together_in_order(loaded: LoadedModel) -> None:
    """Whatever the number of calls that it takes."""
    table: list[list[float | None]] = [[float(place), *ROW[0][1:]] for place in range(150_000)]

    async def test(provider: Remote) -> None:
        before = endpoint.calls
        given = await ask(provider, table)
        assert given.margins == loaded.trees.predict(Rows(table))
        assert endpoint.calls - before > 1

    endpoint = Scripted(loaded)
    slow = {"MODEL_TIMEOUT_SECONDS": "60", "REQUEST_TIMEOUT_SECONDS": "60", "SHUTDOWN_SECONDS": "60"}
    run(remote(endpoint, loaded, **QUIET, **slow), test)


def test_the_event_loop_turns_while_a_batch_is_written(loaded: LoadedModel) -> None:
    """A thousand rows are written a few at a time."""
    turns = 0

    async def test(provider: Remote) -> None:
        nonlocal turns
        asking = asyncio.ensure_future(ask(provider, ROW * 1000))
        while not asking.done():
            turns += 1
            await asyncio.sleep(0)
        await asking

    run(remote(Scripted(loaded), loaded, **QUIET), test)
    assert turns > 1000 // 64


def test_failures_are_logged_by_their_name_and_hold_no_lead(
    loaded: LoadedModel, caplog: pytest.LogCaptureFixture
) -> None:
    """Operators look for EndpointError; many failures at once are one line."""

    async def test(provider: Remote) -> None:
        endpoint.then = EndpointRefused("azure", "status 401")
        await asyncio.gather(*(ask(provider) for _ in range(50)), return_exceptions=True)

    endpoint = Scripted(loaded)
    run(remote(endpoint, loaded, **QUIET), test)
    lines: list[dict[str, Any]] = [
        vars(record)["fields"] for record in caplog.records if record.msg == "model endpoint failed"
    ]
    assert len(lines) == 1
    assert (lines[0]["error"], lines[0]["kind"]) == ("EndpointError", "EndpointRefused")
    assert "1000000" not in caplog.text


def test_one_that_retires_ends_its_calls_and_leaves_the_metrics_to_the_other(loaded: LoadedModel) -> None:
    """What becomes of its endpoint meanwhile is not what operators should see, and its checks end."""
    shared = metrics()
    old, new = Scripted(loaded), Scripted(loaded)
    breaks = {"MODEL_FALLBACK": "none", "MODEL_BREAKER_FAILURES": "1"}

    async def test(provider: Remote) -> None:
        successor = remote(new, loaded, shared, **QUIET)
        async with successor.running():
            await ask(successor)
            provider.retire()
            assert (await ask(provider)).margins == loaded.trees.predict(Rows(ROW))
            old.then = DOWN
            for _ in range(3):
                with pytest.raises(EndpointError):
                    await ask(provider)
            assert provider.status()["breaker"] == "open"
            assert not old.closed
            assert counted(shared, "model_endpoint_breaker_state") == 0
            assert counted(shared, "model_endpoint_matches") == 1

    run(remote(old, loaded, shared, **QUIET, **breaks), test)
    assert old.closed
    assert new.closed
