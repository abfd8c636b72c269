"""Web pages of allowed origins can call the API from a browser and read every answer; others cannot."""

from collections.abc import Iterator

import httpx
import pytest
from factories import LEAD, lead, model_file
from serving import Server, serving

pytestmark = pytest.mark.integration

OURS, OTHERS = "https://crm.example.com", "https://evil.example.com"
ROUTES = ("/api/v1/score", "/api/v1/score/batch", "/api/v1/model/info", "/docs")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A service that one origin's pages may call."""
    folder = tmp_path_factory.mktemp("cors")
    with serving(folder, model_file(folder), CORS_ORIGINS=f"{OURS}, http://localhost:3000") as running:
        yield running


def preflight(server: Server, path: str, origin: str, method: str = "POST") -> httpx.Response:
    """What a browser asks before it sends JSON and a key."""
    asked = {
        "Origin": origin,
        "Access-Control-Request-Method": method,
        "Access-Control-Request-Headers": "content-type,x-api-key,x-request-id",
    }
    return httpx.options(server.url + path, headers=asked)


@pytest.mark.parametrize("path", ROUTES)
def test_a_preflight_of_an_allowed_origin_is_answered_without_a_key(server: Server, path: str) -> None:
    """A browser sends none with it."""
    answer = preflight(server, path, OURS)
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == OURS
    allowed = answer.headers["access-control-allow-headers"].lower()
    assert all(name in allowed for name in ("content-type", "x-api-key", "x-request-id"))
    assert "POST" in answer.headers["access-control-allow-methods"]
    assert "Origin" in answer.headers["vary"]


@pytest.mark.parametrize("path", ROUTES)
def test_a_preflight_of_another_origin_or_method_is_refused(server: Server, path: str) -> None:
    """The browser then sends nothing."""
    refused = preflight(server, path, OTHERS)
    assert refused.status_code == 400
    assert "access-control-allow-origin" not in refused.headers
    assert preflight(server, path, OURS, "DELETE").status_code == 400


@pytest.mark.parametrize(
    ("origin", "method", "headers", "told"),
    [
        (OTHERS, "POST", "x-api-key", "the origin of the page must be one that CORS_ORIGINS names, not"),
        (OURS, "DELETE", "x-api-key", "the method must be GET or POST, not 'DELETE'"),
    ],
)
def test_a_refused_preflight_is_a_problem_that_says_what_is_allowed(
    server: Server, origin: str, method: str, headers: str, told: str
) -> None:
    """As every other error is, with its id."""
    asked = {
        "Origin": origin,
        "Access-Control-Request-Method": method,
        "Access-Control-Request-Headers": headers,
        "X-Request-ID": "asked",
    }
    refused = httpx.options(server.url + "/api/v1/score", headers=asked)
    assert refused.headers["content-type"] == "application/problem+json"
    assert refused.headers["x-request-id"] == refused.json()["request_id"] == "asked"
    assert (refused.json()["status"], refused.json()["code"]) == (400, "page_not_allowed")
    assert told in refused.json()["detail"]
    assert "Origin" in refused.headers["vary"]


@pytest.mark.parametrize(
    ("method", "path", "sent", "key", "status"),
    [
        ("POST", "/api/v1/score", LEAD, "test-key", 200),
        ("POST", "/api/v1/score/batch", [LEAD], "test-key", 200),
        ("GET", "/api/v1/model/info", None, "test-key", 200),
        ("GET", "/docs", None, None, 200),
        ("GET", "/health", None, None, 200),
        ("POST", "/api/v1/score", lead(revenue=-1), "test-key", 422),
        ("POST", "/api/v1/score", LEAD, "wrong", 401),
        ("POST", "/api/v1/score", LEAD, None, 401),
        ("GET", "/nothing", None, None, 404),
        ("GET", "/api/v1/score", None, "test-key", 405),
    ],
)
def test_every_answer_can_be_read_by_pages_of_allowed_origins_only(
    server: Server, method: str, path: str, sent: object, key: str | None, status: int
) -> None:
    """Errors too, with the request's id; the answer itself does not depend on the origin."""
    headers = {"X-API-Key": key} if key else {}
    for origin, allowed in ((OURS, OURS), ("http://localhost:3000", "http://localhost:3000"), (OTHERS, None)):
        answer = httpx.request(method, server.url + path, json=sent, headers=headers | {"Origin": origin})
        assert answer.status_code == status
        assert answer.headers.get("access-control-allow-origin") == allowed
        assert "access-control-allow-credentials" not in answer.headers
        assert "X-Request-ID" in answer.headers["access-control-expose-headers"]
        if allowed:
            assert "Origin" in answer.headers["vary"]
    assert "access-control-allow-origin" not in httpx.request(method, server.url + path, headers=headers).headers


@pytest.mark.parametrize(
    "sent",
    [
        "content-type,x-api-key,x-requested-with",  # jQuery and many wrappers of fetch
        "content-encoding,content-type,x-api-key",  # a body that the page has compressed
        "traceparent,tracestate,baggage,sentry-trace",  # OpenTelemetry, Sentry
        "x-datadog-trace-id,x-datadog-parent-id,x-datadog-origin,x-datadog-sampling-priority",
        "x-b3-traceid,x-b3-spanid,x-b3-sampled,newrelic,elastic-apm-traceparent",
        "cache-control,pragma,if-none-match,x-xsrf-token,authorization",
    ],
)
def test_a_page_may_send_what_its_libraries_add(server: Server, sent: str) -> None:
    """None of it opens anything: that is up to the origin and the key."""
    asked = {"Origin": OURS, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": sent}
    answer = httpx.options(server.url + "/api/v1/score", headers=asked)
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-headers"] == sent
    headers = dict.fromkeys(sent.split(","), "1") | {"content-type": "application/json", "X-API-Key": "test-key"}
    headers.pop("content-encoding", None)
    answer = httpx.post(server.url + "/api/v1/score", json=LEAD, headers=headers | {"Origin": OURS})
    assert answer.status_code == 200
    assert httpx.options(server.url + "/api/v1/score", headers=asked | {"Origin": OTHERS}).status_code == 400


def test_the_star_lets_every_page_read_but_no_browser_send_cookies(tmp_path_factory: pytest.TempPathFactory) -> None:
    """The default; keys are sent by the page, not by the browser."""
    folder = tmp_path_factory.mktemp("star")
    with serving(folder, model_file(folder)) as running:
        assert preflight(running, "/api/v1/score", OTHERS).headers["access-control-allow-origin"] == "*"
        answer = running.http.post("/api/v1/score", json=LEAD, headers={"Origin": OTHERS})
        assert answer.headers["access-control-allow-origin"] == "*"
        assert "access-control-allow-credentials" not in answer.headers
