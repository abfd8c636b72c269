"""Who may call what, over the wire: keys, scopes, rotation without a restart, and where operational detail is."""

import json
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest
from factories import LEAD, SMALL, key_file, model_file
from serving import DEADLINE, Server, events, free_port, serving, start, status
from wire import Wire, wired

pytestmark = pytest.mark.integration

DETAIL = ("/status", "/resources", "/metrics")
KEYS = ({"label": "crm"}, {"label": "ops", "scopes": ["admin"]}, {"label": "old", "expires": "2020-01-01"})


def within_deadline(holds: Callable[[], bool], seconds: float = DEADLINE) -> bool:
    """Whether something comes true in time."""
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            return False
    return True


def ask(server: Server, path: str, key: str | None, port: int | None = None) -> httpx.Response:
    """A GET over a connection of its own, so that any worker may answer."""
    url = f"http://127.0.0.1:{port or server.port}{path}"
    return httpx.get(url, headers={"X-API-Key": key} if key else {}, timeout=30)


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A service with a key file, whose operational detail needs a key."""
    folder = tmp_path_factory.mktemp("closed")
    file = key_file(folder, *KEYS)
    with serving(folder, model_file(folder), API_KEYS="", API_KEYS_FILE=str(file), OPERATIONS_ACCESS="key") as running:
        yield running


@pytest.fixture(scope="module")
def open_(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A service as it comes, with the demo key."""
    folder = tmp_path_factory.mktemp("open")
    with serving(folder, model_file(folder), API_KEYS="demo-api-key-123") as running:
        yield running


@pytest.mark.parametrize(
    ("key", "status", "code"),
    [
        (None, 401, "key_missing"),
        ("nobody's", 401, "key_unknown"),
        ("key of old", 401, "key_expired"),
        ("key of crm", 200, None),
        ("key of ops", 200, None),
    ],
)
def test_a_refused_key_is_told_why_by_a_stable_code(
    closed: Server, key: str | None, status: int, code: str | None
) -> None:
    """On every route that needs one."""
    for name in ("info", "features", "importance", "drift"):
        path = f"/api/v1/model/{name}"
        answer = ask(closed, path, key)
        assert (answer.status_code, answer.json().get("code")) == (status, code)
        assert ("www-authenticate" in answer.headers) is (status == 401)
    headers = {"X-API-Key": key} if key else {}
    for path, body in (("/api/v1/score", LEAD), ("/api/v1/score/batch", [LEAD])):
        scored = httpx.post(closed.url + path, json=body, headers=headers)
        assert scored.status_code == status
        assert code is None or scored.json()["code"] == code


def test_the_log_tells_keys_by_label_or_fingerprint_and_never_by_themselves(closed: Server) -> None:
    """Also of those that were refused."""
    wanted = {"key of crm": "crm", "key of old": "old", "who-is-this": "unknown-", "key of ops": "ops"}
    for key in wanted:
        ask(closed, f"/api/v1/model/info?{key[-3:]}", key)

    def all_told() -> bool:
        told = {str(json.loads(line).get("key")) for line in closed.logged().splitlines()}
        return all(any(name.startswith(label) for name in told) for label in wanted.values())

    assert within_deadline(all_told)
    assert "who-is-this" not in closed.logged()
    assert "key of" not in closed.logged()


def test_operational_detail_can_be_closed_behind_a_key(closed: Server) -> None:
    """One with the scope admin; probes go on to need none."""
    for path in DETAIL:
        assert ask(closed, path, None).json()["code"] == "key_missing"
        assert ask(closed, path, "key of old").json()["code"] == "key_expired"
        refused = ask(closed, path, "key of crm")
        assert (refused.status_code, refused.json()["code"]) == (403, "key_scope")
        assert ask(closed, path, "key of ops").status_code == 200
    for path in ("/", "/health", "/health/live", "/health/ready", "/docs", "/openapi.json"):
        assert ask(closed, path, None).status_code == 200
    told = ask(closed, "/openapi.json", None).json()["paths"]["/status"]["get"]
    assert told["security"] == [{"ApiKey": []}]
    assert {"401", "403"} <= set(told["responses"])


def test_status_has_the_fields_that_clients_and_runbooks_read(open_: Server) -> None:
    """And needs no key, as it comes."""
    said = ask(open_, "/status", None).json()
    assert set(said) >= {"status", "uptime_seconds", "model", "environment", "timestamp"}
    assert said["status"] == "healthy"
    assert said["model"] == {
        "name": "small", "version": "1.2.3", "loaded": True, "n_features": len(SMALL), "endpoint_provider": "local", "endpoint": None
    }  # fmt: skip
    assert set(said["environment"]) >= {"python_version", "hostname"}
    assert said["security"]["demo_key_active"] is True


def test_resources_has_the_fields_that_runbooks_read(open_: Server) -> None:
    """Every path that the guide gives to jq."""
    said = ask(open_, "/resources", None).json()
    assert set(said["alerts"]) == {"high_cpu", "high_memory", "low_disk"}
    assert isinstance(said["cpu"]["usage_percent"], float)
    assert isinstance(said["memory"]["usage_percent"], float)
    assert said["process"]["memory_mb"] > 1
    assert said["process"]["pid"] == open_.process.pid
    assert said["timestamp"].endswith("Z")


def test_the_demo_key_and_the_next_expiry_can_be_alerted_on(open_: Server, closed: Server) -> None:
    """One gauge each, without labels."""
    said = ask(open_, "/metrics", None).text
    assert "\napi_demo_key_active 1.0\n" in said
    assert "\napi_key_expiry_timestamp_seconds +Inf\n" in said
    assert "\napi_demo_key_active 0.0\n" in ask(closed, "/metrics", "key of ops").text
    assert ask(closed, "/status", "key of ops").json()["security"]["demo_key_active"] is False


def test_gauges_that_every_worker_has_alike_are_not_added_up(tmp_path: Path) -> None:
    """Two workers accept one demo key."""
    file = key_file(tmp_path, {"label": "crm", "expires": "2999-12-31T00:00:00Z"})
    environ = {"API_KEYS": "demo-api-key-123", "API_KEYS_FILE": str(file), "WORKERS": "2"}
    with serving(tmp_path, model_file(tmp_path), **environ) as server:
        for _ in range(6):
            said = ask(server, "/metrics", None).text
            assert "\napi_demo_key_active 1.0\n" in said
            assert "\napi_key_expiry_timestamp_seconds 32503593600.0\n" in said


class Caller(threading.Thread):
    """Calls with one key, on new connections, until told to stop; keeps every status that it got.

    A hundred calls a second at most leave the processor to the service.
    """

    def __init__(self, server: Server, key: str) -> None:
        super().__init__()
        self._server, self._key = server, key
        self._ended = threading.Event()
        self.statuses: list[int] = []

    def run(self) -> None:
        """Calls, and calls again."""
        while not self._ended.wait(0.01):
            self.statuses.append(ask(self._server, "/api/v1/model/info", self._key).status_code)

    def stop(self) -> list[int]:
        """Ends it, and gives the statuses."""
        self._ended.set()
        self.join(DEADLINE)
        return self.statuses


def test_keys_are_rotated_under_load_without_a_restart(tmp_path: Path) -> None:
    """In every worker; who has a valid key notices nothing, not even of a file that is broken for a while."""
    file = key_file(tmp_path, {"label": "stays"}, {"label": "old"})
    with serving(tmp_path, model_file(tmp_path), API_KEYS="", API_KEYS_FILE=str(file), WORKERS="2") as server:

        def answers(key: str, status: int, times: int = 20) -> bool:
            return all(ask(server, "/api/v1/model/info", key).status_code == status for _ in range(times))

        def both_read(what: str, label: str) -> bool:  # each of 20 answers may be of the same worker
            return sum(label in line[what] for line in events(server, "key file read")) == 2

        assert within_deadline(lambda: status(server)["workers"]["serving"] == 2)  # a later one misses what changes
        assert answers("key of old", 200)
        assert answers("key of new", 401)
        caller = Caller(server, "key of stays")
        caller.start()
        try:
            key_file(tmp_path, {"label": "stays"}, {"label": "old"}, {"label": "new"})
            assert within_deadline(lambda: both_read("added", "new"))
            assert answers("key of new", 200)
            assert answers("key of old", 200)
            file.write_bytes(file.read_bytes()[:40])
            assert within_deadline(lambda: len(events(server, "key file refused")) == 2)
            assert answers("key of new", 200)
            key_file(tmp_path, {"label": "stays"}, {"label": "new"})
            assert within_deadline(lambda: both_read("removed", "old"))
            assert answers("key of old", 401)
            assert answers("key of new", 200)
            assert within_deadline(lambda: len(caller.statuses) > 50)
        finally:
            statuses = caller.stop()
        assert set(statuses) == {200}
        refused = events(server, "key file refused")
    assert len(refused) == 2  # once a worker
    assert all(line["level"] == "ERROR" and line["keys"] == 3 for line in refused)


def test_operational_detail_can_move_to_a_port_of_its_own(tmp_path: Path) -> None:
    """With several workers too, whichever of them answers; the first port knows nothing of it."""
    port = free_port()
    environ = {"OPERATIONS_ACCESS": "port", "OPERATIONS_PORT": str(port), "WORKERS": "2"}
    with serving(tmp_path, model_file(tmp_path), **environ) as server:
        for _ in range(20):
            assert server.http.post("/api/v1/score", json=LEAD, headers={"Connection": "close"}).status_code == 200
        for path in DETAIL:
            assert ask(server, path, "test-key").status_code == 404
            assert ask(server, path, None, port).status_code == 200
        counted = 'http_requests_total{endpoint="/api/v1/score",method="POST",status="200"} 20.0'
        assert within_deadline(lambda: counted in ask(server, "/metrics", None, port).text)
        assert all(counted in ask(server, "/metrics", None, port).text for _ in range(5))
        for path in ("/health", "/health/ready"):
            assert ask(server, path, None).status_code == 200
        for path in ("/health", "/api/v1/model/info", "/docs"):
            assert ask(server, path, "test-key", port).status_code == 404
        assert "/status" not in ask(server, "/openapi.json", None).json()["paths"]
        assert server.stop() == 0


def test_the_port_for_operations_has_the_limits_of_the_other(tmp_path: Path) -> None:
    """Of heads, of time, of connections; it hears no offer of another protocol, and drains with the process."""
    port = free_port()
    limits = {"MAX_HEADER_BYTES": "4096", "HEADER_TIMEOUT_SECONDS": "2", "KEEP_ALIVE_SECONDS": "1"}
    environ = limits | {"OPERATIONS_ACCESS": "port", "OPERATIONS_PORT": str(port), "DRAIN_SECONDS": "300"}
    with serving(tmp_path, model_file(tmp_path), **environ) as server:
        beside = Server(server.process, port, server.log)
        beside.http.close()
        with wired(beside) as wire:
            wire.send(b"GET /status HTTP/1.1\r\nHost: x\r\nX-Much: " + b"a" * 8000 + b"\r\n\r\n")
            assert status_of(wire) == 431
        with wired(beside) as wire:
            wire.send(b"GET /status HTTP/1.1\r\nHost")
            assert status_of(wire) == 408
        with wired(beside) as wire:
            wire.send(b"GET /status HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n")
            assert status_of(wire) == 200
            assert wire.closed  # when it was idle for a second
        assert within_deadline(lambda: crowded(beside))
        assert within_deadline(lambda: "requests_rejected" in ask(server, "/metrics", None, port).text)
        server.process.send_signal(signal.SIGTERM)
        assert within_deadline(lambda: ask(server, "/status", None, port).json()["status"] == "draining")
        with wired(beside) as wire:
            wire.send(b"GET /status HTTP/1.1\r\nHost: x\r\n\r\n")
            answer = wire.answer()
            assert answer is not None
            assert (answer.status, answer.headers.get("connection")) == (200, "close")
        server.process.send_signal(signal.SIGINT)  # the drain is over
        assert server.process.wait(DEADLINE) == 0


def crowded(server: Server) -> bool:
    """Whether the first connection beyond the limit is sent away when the reserve for probes is full behind it.

    On a slow machine the first may have left before the last came.
    """
    with ExitStack() as held:
        answer = [held.enter_context(wired(server)) for _ in range(80)][64].answer()
    return answer is not None and answer.status == 503


def status_of(wire: Wire) -> int:
    """The status of the next answer, which must come."""
    answer = wire.answer()
    assert answer is not None
    return answer.status


def test_a_port_for_operations_that_is_taken_stops_the_start(tmp_path: Path) -> None:
    """Workers share the port among themselves, but not with others."""
    port = free_port()
    environ = {"OPERATIONS_ACCESS": "port", "OPERATIONS_PORT": str(port)}
    with serving(tmp_path, model_file(tmp_path), **environ):
        second = start(tmp_path, model_file(tmp_path), **environ)
        assert second.process.wait(DEADLINE) == 2
        second.http.close()
        assert f"OPERATIONS_PORT {port}: address already in use; set OPERATIONS_PORT to another" in second.logged()
        assert len(second.logged().strip().splitlines()) == 1


@pytest.mark.parametrize("workers", ["1", "2"])
def test_an_unsafe_or_unreadable_set_up_stops_the_start(tmp_path: Path, workers: str) -> None:
    """With exit code 2 and one line that says what is wrong."""
    demo = key_file(tmp_path, {"label": "try"}, key="demo-api-key-123", name="demo.json")
    secure = {"REQUIRE_SECURE_CONFIG": "true", "ENV": "production", "CORS_ORIGINS": "https://a.example"}
    broken = tmp_path / "broken.json"
    broken.write_text("[")
    for environ, said in (
        (secure | {"API_KEYS": "demo-api-key-123"}, "API_KEYS must not contain the demo key"),
        (secure | {"CORS_ORIGINS": "*"}, "CORS_ORIGINS must list origins"),
        (secure | {"API_KEYS_FILE": str(demo)}, "entry 'try' is the demo key"),
        ({"API_KEYS_FILE": str(broken)}, "it must hold one JSON array of entries"),
        ({"API_KEYS_FILE": str(tmp_path / "none.json")}, "No such file"),
    ):
        server = start(tmp_path, model_file(tmp_path), WORKERS=workers, **environ)
        server.http.close()
        assert server.process.wait(DEADLINE) == 2
        assert said in server.logged()
        assert len(server.logged().strip().splitlines()) == 1
