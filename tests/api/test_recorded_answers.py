"""What goes over the wire stays: statuses, headers, and the keys of every answer in their order, as they were recorded.

A change that is wanted is recorded with ``RECORD_ANSWERS=1``, and its difference reviewed like any other.
"""

import json
import os
import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from drift_reference import REFERENCE
from factories import card, model_file
from project import ROOT
from recorded import CALLERS, REQUESTS, outlined
from serving import Server, serving

from leadscoring.api.routes import TABLE

pytestmark = pytest.mark.integration

RECORD = ROOT / "tests" / "api" / "recorded_answers.json"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A service with every route that there is."""
    folder = tmp_path_factory.mktemp("recorded")
    with serving(folder, model_file(folder, card(reference=REFERENCE)), ENDPOINT_PROTOCOLS="sagemaker,v2") as running:
        yield running


def answers(server: Server, caller: str) -> dict[str, Any]:
    """The outline of every answer that a caller gets, by its request."""
    headers = {name: value for name, value in ({"X-API-Key": "test-key"} | CALLERS[caller]).items() if value}
    with httpx.Client(base_url=server.url, headers=headers, timeout=30, trust_env=False) as client:
        return {asked.name: outlined(asked.send(client)) for asked in REQUESTS}


def test_every_route_is_asked() -> None:
    """A new one is recorded too."""
    asked = [(each.method, each.path.partition("?")[0]) for each in REQUESTS]
    for route in TABLE:
        path = re.sub(r"\\{\w+\\}", "[^/]+", re.escape(route.path))
        assert [1 for method, sent in asked if method == route.method and re.fullmatch(path, sent)], route.path


@pytest.mark.parametrize("caller", CALLERS)
def test_every_answer_has_the_form_that_was_recorded(server: Server, caller: str) -> None:
    """For whoever calls: keys, their order, types, statuses and headers."""
    said = answers(server, caller)
    record = json.loads(RECORD.read_text("utf-8")) if RECORD.exists() else {}
    if os.environ.get("RECORD_ANSWERS"):
        RECORD.write_text(json.dumps(record | {caller: said}, indent=1) + "\n", "utf-8")
        return
    assert {name: json.dumps(answer) for name, answer in said.items()} == {
        name: json.dumps(answer) for name, answer in record[caller].items()
    }
