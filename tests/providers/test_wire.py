"""The way over the network sends what it is given, and takes no more than it asked for."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import endpoint_replies as replies
import pytest
from endpoint_double import API_KEY, Double, doubling
from serving import eventually, free_port
from yarl import URL

from leadscoring.errors import EndpointAnswerInvalid, EndpointUnreachable
from leadscoring.providers.wire import Response, Wire, proxy_for

HEADERS = {"Content-Type": "application/json", "Authorization": f"Bearer {API_KEY}"}
BODY = b'{"data":[[1,2,3,1,1,1,0.5]]}'


@pytest.fixture(scope="module")
def opened(model: Path) -> Iterator[Double]:
    """One double for all tests here."""
    with doubling(model) as double:
        yield double


@pytest.fixture
def double(opened: Double) -> Double:
    """The double, with nothing remembered."""
    opened.forget()
    return opened


def posted(url: str, body: bytes = BODY, most: int = 1000, seconds: float = 60) -> Response:
    """The answer to one call."""

    async def call() -> Response:
        wire = Wire("azure", url)
        wire.open()
        try:
            async with asyncio.timeout(seconds):
                return await wire.post(body, HEADERS, most)
        finally:
            await wire.close()

    return asyncio.run(call())


@pytest.mark.parametrize("size", [len(BODY), 3 << 20])
def test_a_body_arrives_as_it_is_with_its_length(double: Double, size: int) -> None:
    """A large one too, although it goes in pieces."""
    body = BODY.ljust(size)
    assert posted(double.azure_url, body).status == 200
    assert double.last.body == body
    assert double.last.headers["content-length"] == str(size)
    assert "transfer-encoding" not in double.last.headers


def test_the_address_is_taken_as_it_was_given(double: Double) -> None:
    """Nothing in it is written anew, or the front door might not know it."""
    posted(f"{double.url}/score%2Fx/a+b?c=%7e")
    assert double.last.path == "/score%2Fx/a+b?c=%7e"


def test_an_answer_at_its_limit_is_taken_and_one_byte_more_is_not(double: Double) -> None:
    """Whether or not its length was told beforehand."""
    double.always(replies.says(b"x" * 1000))
    assert len(posted(double.azure_url, most=1000).body) == 1000
    with pytest.raises(EndpointAnswerInvalid, match="more than 999 bytes"):
        posted(double.azure_url, most=999)


def test_a_call_that_is_given_up_is_hung_up(double: Double) -> None:
    """The other side sees its connection end, and can stop too."""
    double.always(replies.hangs)

    def hung_up() -> bool:
        with pytest.raises(TimeoutError):
            posted(double.azure_url, seconds=0.2)
        return any(call.abandoned is not None for call in double.calls)  # on a slow machine it may not have got there

    assert eventually(hung_up)


def test_where_nobody_listens_is_unreachable() -> None:
    """As is a wire that was not opened."""
    with pytest.raises(EndpointUnreachable, match="the connection failed"):
        posted(f"http://127.0.0.1:{free_port()}/score")
    with pytest.raises(EndpointUnreachable, match="starting or stopping"):
        asyncio.run(Wire("azure", "http://127.0.0.1/score").post(BODY, HEADERS, 1000))


def test_the_proxy_of_the_environment_is_used_for_other_machines(monkeypatch: pytest.MonkeyPatch) -> None:
    """Never for this one, and not where it says so."""
    monkeypatch.setenv("https_proxy", "http://proxy.example:3128")
    monkeypatch.setenv("http_proxy", "http://proxy.example:3128")
    monkeypatch.setenv("no_proxy", "inside.example")
    assert proxy_for(URL("https://endpoint.example/score")) == "http://proxy.example:3128"
    assert proxy_for(URL("https://a.inside.example/score")) is None
    assert proxy_for(URL("http://127.0.0.1:8000/score")) is None
