"""The provider ``azure`` calls as Azure ML's endpoints want to be called, and understands what they say."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from time import time
from typing import Any, NamedTuple

import endpoint_replies as replies
import factories
import pytest
from azure.core.exceptions import ClientAuthenticationError
from endpoint_double import API_KEY, Double, doubling

from leadscoring.errors import (
    EndpointError,
    EndpointFailed,
    EndpointRefused,
    EndpointRejected,
    EndpointThrottled,
    EndpointTimeout,
)
from leadscoring.providers.azure import SCOPE, Azure, error_of
from leadscoring.providers.wire import Response
from leadscoring.settings import Settings, read_settings

ROWS = b'{"data":[[1000000,3,0.35,1,1,1,0.4],[0,null,null,0,null,0,null]]}'


class Token(NamedTuple):
    """As azure.identity gives it."""

    token: str
    expires_on: int


class Identity:
    """Gives tokens, or fails."""

    def __init__(self, *tokens: Token) -> None:
        self.tokens = list(tokens)
        self.scopes: list[str] = []
        self.closed = False

    def get_token(self, scope: str) -> Token:
        """The next."""
        self.scopes.append(scope)
        if not self.tokens:
            raise ClientAuthenticationError("no identity: secret-detail")
        return self.tokens.pop(0)

    def close(self) -> None:
        """Notes it."""
        self.closed = True


@pytest.fixture
def double(model: Path) -> Iterator[Double]:
    """The endpoint."""
    with doubling(model) as opened:
        yield opened


def configured(double: Double, **environ: str) -> Settings:
    """The settings of the service."""
    return read_settings({"MODEL_ENDPOINT_PROVIDER": "azure", "AZURE_ML_ENDPOINT_URL": double.azure_url} | environ)


def called(endpoint: Azure, calls: int = 1) -> list[Any]:
    """What some calls with two rows give."""

    async def whole() -> list[Any]:
        endpoint.open()
        try:
            return [await asyncio.gather(endpoint.call(ROWS, 2), return_exceptions=True) for _ in range(calls)]
        finally:
            await endpoint.close()

    return [outcome for (outcome,) in asyncio.run(whole())]


def test_the_key_goes_as_a_bearer_and_no_deployment_is_named(double: Double) -> None:
    """The traffic rules of the endpoint decide where nobody has said otherwise."""
    (margins,) = called(Azure(configured(double, AZURE_ML_API_KEY=API_KEY), factories.SMALL))
    table: list[list[float | None]] = [[1e6, 3, 0.35, 1, 1, 1, 0.4], [0, None, None, 0, None, 0, None]]
    assert margins == pytest.approx(factories.stock_margins(table), abs=1e-5)
    assert double.last.headers["authorization"] == f"Bearer {API_KEY}"
    assert "azureml-model-deployment" not in double.last.headers


def test_a_deployment_is_named_where_it_is_configured(double: Double) -> None:
    """It then bypasses the traffic rules."""
    double.deployment = "blue"
    settings = configured(double, AZURE_ML_API_KEY=API_KEY, AZURE_ML_DEPLOYMENT_NAME="blue")
    called(Azure(settings, factories.SMALL))
    assert double.refusals == []


def test_without_a_key_a_token_of_entra_id_is_sent(double: Double) -> None:
    """Fetched once for as long as it lasts, and for Azure ML."""
    double.keys.add("token-1")
    identity = Identity(Token("token-1", int(time()) + 3600))
    assert all(isinstance(outcome, list) for outcome in called(Azure(configured(double), factories.SMALL, identity), 3))
    assert identity.scopes == [SCOPE]
    assert identity.closed
    assert double.refusals == []


def test_a_token_is_fetched_again_before_it_runs_out(double: Double) -> None:
    """While the one that is held still serves."""
    double.keys |= {"token-1", "token-2"}
    identity = Identity(Token("token-1", int(time()) + 60), Token("token-2", int(time()) + 3600))

    async def whole() -> None:
        endpoint = Azure(configured(double), factories.SMALL, identity)
        endpoint.open()
        async with asyncio.timeout(60):
            while not double.calls or "token-2" not in double.last.headers["authorization"]:
                await endpoint.call(ROWS, 2)
        await endpoint.close()

    asyncio.run(whole())
    assert double.refusals == []
    assert len(identity.scopes) == 2


def test_a_token_that_is_refused_is_fetched_anew(double: Double) -> None:
    """Permissions may have been given in between."""
    double.keys.add("token-2")
    late = int(time()) + 3600
    first, second = called(
        Azure(configured(double), factories.SMALL, Identity(Token("token-1", late), Token("token-2", late))), 2
    )
    assert isinstance(first, EndpointRefused)
    assert isinstance(second, list)


def test_an_identity_that_gives_no_token_is_told_without_its_words(double: Double) -> None:
    """What libraries say of credentials does not belong into logs."""
    (failure,) = called(Azure(configured(double), factories.SMALL, Identity()))
    assert isinstance(failure, EndpointRefused)
    assert "ClientAuthenticationError" in str(failure)
    assert "secret-detail" not in str(failure)
    assert double.calls == []


def test_answers_that_are_encoded_twice_are_read(double: Double) -> None:
    """A habit of scoring scripts that return text."""
    double.script(replies.twice(), replies.twice(replies.shaped_as("result")))
    outcomes = called(Azure(configured(double, AZURE_ML_API_KEY=API_KEY), factories.SMALL), 2)
    assert outcomes[0] == outcomes[1]
    assert isinstance(outcomes[0], list)


MODEL_STATUS = "ms-azureml-model-error-statuscode"


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (Response(401, {}, b""), EndpointRefused),
        (Response(403, {}, b""), EndpointRefused),
        (Response(404, {}, b""), EndpointRefused),
        (Response(307, {"location": "https://elsewhere.example"}, b""), EndpointRefused),
        (Response(408, {}, b""), EndpointTimeout),
        (Response(424, {MODEL_STATUS: "400"}, b""), EndpointRejected),
        (Response(424, {MODEL_STATUS: "429"}, b""), EndpointThrottled),
        (Response(424, {MODEL_STATUS: "500"}, b""), EndpointFailed),
        (Response(424, {MODEL_STATUS: "0"}, b""), EndpointTimeout),
        (Response(424, {MODEL_STATUS: "many"}, b""), EndpointFailed),
        (Response(424, {}, b""), EndpointFailed),
        (Response(429, {}, b""), EndpointThrottled),
        (Response(500, {}, b""), EndpointFailed),
        (Response(503, {}, b""), EndpointFailed),
        (Response(504, {}, b""), EndpointFailed),
    ],
)
def test_what_went_wrong_is_told_by_the_status(answer: Response, error: type[EndpointError]) -> None:
    """By that of the container, where it was the container."""
    assert type(error_of(answer)) is error


@pytest.mark.parametrize(
    ("told", "seconds"), [("7", 7), ("99999", 3600), ("Wed, 21 Oct 2026 07:28:00 GMT", 1), ("-1", 1)]
)
def test_a_throttled_client_hears_when_to_come_back(told: str, seconds: int) -> None:
    """As the endpoint says it, within reason."""
    assert error_of(Response(429, {"retry-after": told}, b"")).retry_after == seconds
