"""The table of routes is what the service does: every row is dispatched, guarded, counted and described."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from factories import key_file, model_file
from live_ledger import empty
from project import ROOT
from serving import Server, free_port, serving

from leadscoring.api.openapi import BODIES, description
from leadscoring.api.routes import PATHS, PROBES, TABLE, TIMED, Route, apart, here, routes_markdown
from leadscoring.model.file import open_model
from leadscoring.settings import read_settings

ROWS = [pytest.param(route, id=f"{route.method} {route.path}") for route in TABLE]
ALL = {"ENDPOINT_PROTOCOLS": "sagemaker,v2"}
REFUSALS = {401, 403}


def path_of(route: Route) -> str:
    """Its path, with the small model in the place of any."""
    return route.path.replace("{name}", "small").replace("{version}", "1.2.3")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A service with every route, whose operational detail needs a key."""
    folder = tmp_path_factory.mktemp("routes")
    file = key_file(folder, {"label": "crm"}, {"label": "ops", "scopes": ["admin"]})
    closed = {"API_KEYS": "", "API_KEYS_FILE": str(file), "OPERATIONS_ACCESS": "key"}
    empty(folder / "ledger.db", 0).close()
    closed["LEDGER"] = f"sqlite:///{folder / 'ledger.db'}"
    with serving(folder, model_file(folder), **ALL, **closed) as running:
        yield running


@pytest.fixture(scope="module")
def call(server: Server) -> Iterator[Callable[[Route, str | None], httpx.Response]]:
    """Calls a route with a key, or without one; its body is no lead."""
    with httpx.Client(base_url=server.url, timeout=30, trust_env=False) as client:

        def made(route: Route, key: str | None) -> httpx.Response:
            headers = {} if key is None else {"X-API-Key": key}
            return client.request(route.method, path_of(route), headers=headers, json=0 if route.body else None)

        yield made


@pytest.mark.integration
@pytest.mark.parametrize("route", ROWS)
def test_the_scope_of_every_row_is_enforced(
    call: Callable[[Route, str | None], httpx.Response], server: Server, route: Route
) -> None:
    """Before anything else is looked at: no handler has to think of it."""
    scopes: dict[str, dict[str | None, int | None]] = {
        "open": {None: None, "nobody's": None, "key of crm": None, "key of ops": None},
        "score": {None: 401, "nobody's": 401, "key of crm": None, "key of ops": None},
        "operations": {None: 401, "nobody's": 401, "key of crm": 403, "key of ops": None},
    }
    for key, status in scopes[route.scope].items():
        answer = call(route, key)
        assert answer.status_code not in (404, 405), answer.text
        assert (answer.status_code if answer.status_code in REFUSALS else None) == status, (key, answer.text)


@pytest.mark.integration
def test_every_row_is_counted_by_its_path(call: Callable[[Route, str | None], httpx.Response], server: Server) -> None:
    """With its parameters as they stand in the table."""
    for route in TABLE:
        call(route, "key of ops")
    said = httpx.get(f"{server.url}/metrics", headers={"X-API-Key": "key of ops"}, trust_env=False).text
    for route in TABLE:
        assert f'http_requests_total{{endpoint="{route.path}",method="{route.method}"' in said, route.path


@pytest.mark.integration
@pytest.mark.parametrize(
    "route", [route for route in TABLE if route.method == "GET" and not isinstance(route.answer, str)]
)
def test_what_is_answered_has_exactly_the_fields_of_its_type(
    call: Callable[[Route, str | None], httpx.Response], server: Server, route: Route
) -> None:
    """So its schema is complete: nothing is sent that it does not name."""
    fields = getattr(route.answer, "__struct_encode_fields__", None)
    said = call(route, "key of ops").json()
    assert fields is None or [name for name in fields if name in said] == list(said)


@pytest.mark.parametrize(
    ("environ", "paths"),
    [
        ({}, {"/status", "/health"}),
        ({"OPERATIONS_ACCESS": "port", "OPERATIONS_PORT": str(free_port())}, {"/health"}),
        ({"ENDPOINT_PROTOCOLS": "sagemaker"}, {"/status", "/health", "/ping"}),
        ({"ENDPOINT_PROTOCOLS": "v2"}, {"/status", "/health", "/v2"}),
    ],
)
def test_settings_turn_rows_on_and_move_them(environ: dict[str, str], paths: set[str]) -> None:
    """To a port of their own, and to no other place besides."""
    settings = read_settings(environ)
    served = {route.path for route in here(settings)}
    assert served & {"/status", "/health", "/ping", "/v2"} == paths
    assert {route.path for route in apart(settings)} == (
        set() if "/status" in paths else {"/status", "/resources", "/metrics"}
    )


def test_the_document_has_every_row_and_nothing_else(tmp_path: Path) -> None:
    """By method, path, name and statuses; each schema that is named is there."""
    settings = read_settings(ALL)
    document = description(open_model(model_file(tmp_path)), settings)
    described = {
        (method.upper(), path): made for path, methods in document["paths"].items() for method, made in methods.items()
    }
    assert list(described) == [(route.method, route.path) for route in here(settings)]
    for route in here(settings):
        made = described[route.method, route.path]
        assert (made["operationId"], made["summary"]) == (route.name, route.summary)
        statuses = {"200", *map(str, route.faults), *map(str, route.otherwise)} | (
            {"401"} if route.scope == "score" else set()
        )
        assert set(made["responses"]) == statuses
        assert made["responses"]["200"]["content"]
    text = json.dumps(document)
    named = {part.split('"')[0] for part in text.split("#/components/schemas/")[1:]}
    assert named <= set(document["components"]["schemas"])


def test_rows_do_not_contradict_each_other_or_themselves() -> None:
    """One row a method and path, one name a row; a probe and what is answered at once wait for nothing."""
    assert len({(route.method, route.path) for route in TABLE}) == len(TABLE) == len({route.name for route in TABLE})
    for route in TABLE:
        assert route.summary
        assert not (route.probe or route.at_once) or not route.compressed
        assert not route.probe or (route.method == "GET" and route.scope == "open")
        assert (route.method == "POST") == (route.body is not None)
        assert not isinstance(route.body, str) or route.body in BODIES
    assert PROBES <= set(PATHS) >= {path for _, path in TIMED}


def test_every_row_stands_in_one_table_of_the_documentation() -> None:
    """Which is made of it."""
    page = (ROOT / "docs" / "API.md").read_text("utf-8")
    tables = [routes_markdown(protocol) for protocol in ("", "sagemaker", "v2")]
    assert all(table in page for table in tables)
    assert sum(len(table.splitlines()) - 2 for table in tables) == len(TABLE)
