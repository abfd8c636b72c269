"""What goes over the wire stays: statuses, headers, and the keys of every answer in their order, as they were recorded.

A change that is wanted is recorded with ``RECORD_ANSWERS=1``, and its difference reviewed like any other.
"""

import json
import os
import re
from collections.abc import Iterator, Sequence
from typing import Any

import httpx
import pytest
from drift_reference import REFERENCE
from factories import card, model_file
from project import ROOT
from recorded import CALLERS, REQUESTS, TIMED_REQUESTS, Asked, outlined
from serving import Server, serving
from timed import timed_model

from leadscoring.api.routes import TABLE

pytestmark = pytest.mark.integration

RECORD = ROOT / "tests" / "api" / "recorded_answers.json"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A service with every route that there is."""
    folder = tmp_path_factory.mktemp("recorded")
    with serving(folder, model_file(folder, card(reference=REFERENCE)), ENDPOINT_PROTOCOLS="sagemaker,v2") as running:
        yield running


@pytest.fixture(scope="module")
def timed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A service whose leads have dates, texts, e-mail addresses and sets."""
    folder = tmp_path_factory.mktemp("timed")
    with serving(folder, timed_model(folder), ENDPOINT_PROTOCOLS="sagemaker,v2") as running:
        yield running


def answers(server: Server, caller: str, requests: Sequence[Asked] = REQUESTS) -> dict[str, Any]:
    """The outline of every answer that a caller gets, by its request."""
    headers = {name: value for name, value in ({"X-API-Key": "test-key"} | CALLERS[caller]).items() if value}
    with httpx.Client(base_url=server.url, headers=headers, timeout=30, trust_env=False) as client:
        return {asked.name: outlined(asked.send(client)) for asked in requests}


def test_every_route_is_asked() -> None:
    """A new one is recorded too."""
    asked = [(each.method, each.path.partition("?")[0]) for each in REQUESTS]
    for route in TABLE:
        path = re.sub(r"\\{\w+\\}", "[^/]+", re.escape(route.path))
        assert [1 for method, sent in asked if method == route.method and re.fullmatch(path, sent)], route.path


@pytest.mark.parametrize("caller", CALLERS)
def test_every_answer_has_the_form_that_was_recorded(server: Server, caller: str) -> None:
    """For whoever calls: keys, their order, types, statuses and headers."""
    check(caller, answers(server, caller))


def test_answers_of_a_model_with_dates_have_the_form_that_was_recorded(timed: Server) -> None:
    """With the moment of each lead, and the aspects of reasons."""
    check("of a model with dates", answers(timed, "with its key", TIMED_REQUESTS))


def check(name: str, said: dict[str, Any]) -> None:
    """Compares answers with those that were recorded under a name, or records them."""
    record = json.loads(RECORD.read_text("utf-8")) if RECORD.exists() else {}
    if os.environ.get("RECORD_ANSWERS"):
        RECORD.write_text(json.dumps(record | {name: said}, indent=1) + "\n", "utf-8")
        return
    assert {asked: json.dumps(answer) for asked, answer in said.items()} == {
        asked: json.dumps(answer) for asked, answer in record[name].items()
    }
