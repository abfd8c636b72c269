"""A path or method that no route takes is answered with the one that was meant."""

from collections.abc import Iterator

import httpx
import pytest
from factories import LEAD, model_file
from serving import Server, serving

pytestmark = pytest.mark.integration

SCORE, BATCH = "POST /api/v1/score", "POST /api/v1/score/batch"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A service with every route that there is."""
    folder = tmp_path_factory.mktemp("paths")
    with serving(folder, model_file(folder), ENDPOINT_PROTOCOLS="sagemaker,v2") as running:
        yield running


@pytest.mark.parametrize(
    ("path", "meant"),
    [
        ("/api/v1/score/", SCORE),
        ("/api/v1/score//", SCORE),
        ("//api/v1/score", SCORE),
        ("/api//v1/score", SCORE),
        ("/API/V1/Score", SCORE),
        ("/score", SCORE),
        ("/Score/Batch/", BATCH),
        ("/api/v1/batch", BATCH),
        ("/api/v1/scores", SCORE),
        ("/api/v2/score", SCORE),
        ("/model/info", "GET /api/v1/model/info"),
        ("/api/v1/model/feature", "GET /api/v1/model/features"),
        ("/health/", "GET /health"),
        ("/healthz", "GET /health"),
        ("/Docs", "GET /docs"),
        ("/v2/models/small/infer/", "POST /v2/models/small/infer"),
        ("/invocation", "POST /invocations"),
    ],
)
def test_a_path_that_is_nearly_one_is_answered_with_the_right_one(server: Server, path: str, meant: str) -> None:
    """And with its method, in a 404: a redirect would lose the body of a POST."""
    for method in ("GET", "POST"):
        answer = httpx.request(method, f"{server.url}{path}", json=LEAD, headers=server.http.headers, trust_env=False)
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
        said = f"there is no route for {path!r}; did you mean {meant}? (The service does not redirect.)"
        assert answer.json()["detail"] == said
        assert "location" not in answer.headers


@pytest.mark.parametrize("path", ["/nothing", "/%00", "/" + "a" * 3000, "/%F0%9F%98%80", "/x" * 900])
def test_a_path_that_is_near_to_none_is_answered_with_where_to_look(server: Server, path: str) -> None:
    """And shown short."""
    answer = server.http.post(path, json=LEAD)
    assert answer.status_code == 404
    assert answer.json()["detail"].endswith("; / lists the main routes")
    assert len(answer.json()["detail"]) < 500


@pytest.mark.parametrize(
    ("method", "path", "said"),
    [
        ("GET", "/api/v1/score", "/api/v1/score allows POST, not GET"),
        ("PUT", "/api/v1/score/batch", "/api/v1/score/batch allows POST, not PUT"),
        ("POST", "/health", "/health allows GET, not POST"),
        ("GET", "/v2/models/small/infer", "/v2/models/small/infer allows POST, not GET"),
    ],
)
def test_another_method_is_answered_with_the_one_that_the_path_takes(
    server: Server, method: str, path: str, said: str
) -> None:
    """In words, and in the header ``Allow``."""
    answer = server.http.request(method, path)
    assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed")
    assert answer.json()["detail"] == said
    assert said.split(" allows ")[1].split(",", maxsplit=1)[0] in answer.headers["allow"]


@pytest.mark.parametrize(
    ("path", "parameter"),
    [
        ("/api/v1/model/info", "x=1"),
        ("/api/v1/model/features", "format=csv"),
        ("/api/v1/model/drift", "a"),
        ("/openapi.json", "b=1"),
    ],
)
def test_a_route_without_such_a_parameter_refuses_it(server: Server, path: str, parameter: str) -> None:
    """Whoever sends it expects something of it."""
    answer = server.http.get(f"{path}?{parameter}")
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_parameter")
    assert repr(parameter.split("=", maxsplit=1)[0]) in answer.json()["detail"]


@pytest.mark.parametrize(
    "path", ["/health", "/health/ready", "/metrics", "/status", "/docs", "/", "/ping", "/v2/health/ready"]
)
def test_probes_and_people_may_add_parameters(server: Server, path: str) -> None:
    """Some add one so that no cache answers, and load balancers cannot leave it out."""
    assert server.http.get(f"{path}?nocache=1").status_code == 200
