"""Every query of every dashboard finds something, in a real Prometheus that watches two live services."""

import math
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import pytest
from dashboards import PANELS, choices, filled
from drift_reference import REFERENCE
from endpoint_replies import fails
from factories import LEAD, body, card, lead, model_file
from ledgers import ledger_settings
from monitoring import Stack, watching
from programs import program
from serving import DEADLINE, Server, eventually, serving
from ways import Way, way

pytestmark = [pytest.mark.integration, pytest.mark.timeout(400)]

BATCH = body([lead(f"lead-{place}") for place in range(200)])
JSON = {"Content-Type": "application/json"}
CROWD = 16
PATIENCE = 4 * DEADLINE


class Watched(NamedTuple):
    """Two services, one of them with a remote model, and the Prometheus that scrapes both."""

    local: Server
    remote: Server
    way: Way
    stack: Stack
    crowd: ThreadPoolExecutor
    quality: Path

    def ask(self) -> None:
        """A little of everything that there is a panel for; and a report on mature leads, in place of the keeper's."""
        self.quality.write_text('{"mature":900,"predicted":0.12,"converted":0.15}')
        for _ in range(5):
            self.local.http.post("/api/v1/score", json=LEAD)
            self.remote.http.post("/api/v1/score", json=LEAD)
        self.local.http.post("/api/v1/score", content=b"{", headers=JSON)
        self.local.http.get("/health")
        for server in (self.local, self.remote):
            list(self.crowd.map(lambda _, server=server: batch(server), range(CROWD)))


def batch(server: Server) -> int:
    """The status that a batch gets."""
    return server.http.post("/api/v1/score/batch", content=BATCH, headers=JSON).status_code


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Watched]:
    """The local service is narrow, so that requests wait and are refused, and has the demo key, so that an alert fires.

    The other one asks a double of SageMaker's, which fails now and then.
    """
    program("prometheus")
    model = model_file(tmp_path, card(reference=REFERENCE))
    with ExitStack() as closing:
        enter = closing.enter_context
        for name in ("local", "remote", "way"):
            (tmp_path / name).mkdir()
        narrow = {"MAX_QUEUE_SECONDS": "0.002", "API_KEYS": "test-key,demo-api-key-123"}
        local = enter(serving(tmp_path / "local", model, **ledger_settings(tmp_path / "local"), **narrow))
        asked = enter(way("sagemaker-csv", tmp_path / "way", model))
        fallback = {"MODEL_FALLBACK": "local", "MODEL_BREAKER_FAILURES": "3", "MODEL_BREAKER_SECONDS": "0.1"}
        remote = enter(asked.serving(tmp_path / "remote", **fallback))
        targets = f'127.0.0.1:{local.port}", "127.0.0.1:{remote.port}'
        stack = enter(watching(tmp_path / "stack", targets))
        crowd = enter(ThreadPoolExecutor(CROWD))
        yield Watched(local, remote, asked, stack, crowd, tmp_path / "local" / "tape" / "quality.json")


def test_every_query_of_every_dashboard_finds_something(watched: Watched) -> None:
    """At least one number that is one, over all environments and instances that can be chosen."""
    stack, double = watched.stack, watched.way.double
    assert eventually(lambda: len(stack.query('service_info{job="lead-scoring"}')) == 2, PATIENCE)
    values = {name: choices(stack.prometheus, name) for name in {place.dashboard for place in PANELS}}
    both = sorted(f"127.0.0.1:{server.port}" for server in (watched.local, watched.remote))
    assert all(sorted(chosen["instance"]) == both for chosen in values.values())
    empty = {(str(place), filled(query, values[place.dashboard])) for place in PANELS for query in place.queries}

    def found() -> bool:
        double.script(*[fails(500)] * 10)
        watched.ask()
        empty.difference_update({(place, query) for place, query in empty if has_numbers(stack, query)})
        return not empty

    assert eventually(found, PATIENCE), "\n".join(sorted(f"{place}: {query}" for place, query in empty))


def has_numbers(stack: Stack, query: str) -> bool:
    """Whether the answer has a number that is not infinite and not none."""
    return any(math.isfinite(float(series["value"][1])) for series in stack.query(query))
