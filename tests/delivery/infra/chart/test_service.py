"""The real service, told what the rendered container is told, is what the rendered probes expect.

It listens at other ports, of this machine alone, and finds mounted folders at other paths; all else is as in the image.
"""

import hashlib
import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from infra.environments import Environment
from project import ROOT
from serving import KEY, Server, eventually, free_port, wait_until_ready

from leadscoring.settings import DEMO_KEY

from .conftest import Chart, Release

SERVICE = ROOT / ".venv" / "bin" / "leadscoring"
LEAD = (ROOT / "docs" / "examples" / "sample_request_1.json").read_bytes()

pytestmark = pytest.mark.integration


def of_image(folder: Path) -> dict[str, str]:
    """The variables that the image brings, with what stands at its relative path of the model."""
    (folder / "models").mkdir()
    (folder / "models" / "model.json").symlink_to(ROOT / "models" / "model.json")
    (shared,) = re.findall(r"TMPDIR=(\S+)", (ROOT / "Dockerfile").read_text("utf-8"))
    return {"PATH": os.environ["PATH"], "TMPDIR": shared}


@contextmanager
def replica(release: Release, folder: Path, paths: dict[str, str], **secrets: str) -> Iterator[tuple[Server, str]]:
    """A replica of the release, and the address of its operations; ``paths`` are mounted folders by where they are."""
    environ = release.environ
    for mounted, here in paths.items():
        environ = {name: value.replace(mounted, here) for name, value in environ.items()}
    ports = {"PORT": str(free_port()), "OPERATIONS_PORT": str(free_port())}
    assert ports.keys() <= environ.keys()
    assert secrets.keys() == release.secrets.keys()
    given = of_image(folder) | environ | secrets | ports | {"HOST": "127.0.0.1"}
    log = folder / "log"
    with log.open("wb") as out:
        process = subprocess.Popen([SERVICE, "serve"], cwd=folder, env=given, stdout=out, stderr=subprocess.STDOUT)
    server = Server(process, int(ports["PORT"]), log)
    try:
        yield server, f"http://127.0.0.1:{ports['OPERATIONS_PORT']}"
    finally:
        server.http.close()
        if process.poll() is None:
            process.kill()
        process.wait()


def asked(server: Server, release: Release, kind: str) -> int:
    """The status that a probe gets, as the kubelet asks; 0 while nobody answers."""
    probe = release.container[kind]
    try:
        url = f"{server.url}{probe['httpGet']['path']}"
        return httpx.get(url, timeout=probe["timeoutSeconds"], headers={"User-Agent": "kube-probe/1.37"}).status_code
    except httpx.TransportError:
        return 0


def test_a_replica_starts_answers_its_probes_and_ends_in_time(
    release: Release, environment: Environment, tmp_path: Path
) -> None:
    """From its first second to its last: it is alive to the end, and unready as soon as it is asked to stop."""
    begun = time.monotonic()
    with replica(release, tmp_path, {}, API_KEYS=KEY) as (server, operations):
        assert eventually(lambda: asked(server, release, "startupProbe") == 200), server.logged()
        assert time.monotonic() - begun < environment.probe.start_seconds
        wait_until_ready(server)
        assert asked(server, release, "livenessProbe") == asked(server, release, "readinessProbe") == 200
        assert scored(server) == 200
        assert scored(server, DEMO_KEY) == 401
        metrics = httpx.get(f"{operations}/metrics", timeout=10).text
        assert f"service_workers {environment.settings['WORKERS']}.0" in metrics
        assert server.http.get("/metrics").status_code == 404

        server.process.send_signal(signal.SIGTERM)
        stopped = time.monotonic()
        assert eventually(lambda: asked(server, release, "readinessProbe") == 503, 3), server.logged()
        assert asked(server, release, "livenessProbe") == 200
        assert scored(server) == 200
        grace = release.pod["spec"]["terminationGracePeriodSeconds"]
        assert server.process.wait(grace) == 0
        assert time.monotonic() - stopped >= float(environment.settings["DRAIN_SECONDS"])


def scored(server: Server, key: str = KEY) -> int:
    """The status of a request for a score."""
    headers = {"Content-Type": "application/json", "X-API-Key": key}
    return server.http.post("/api/v1/score", content=LEAD, headers=headers).status_code


def mount(folder: Path, **files: str) -> None:
    """Writes a mounted Secret as the kubelet does: a new folder, and one link that is moved to it."""
    version = folder / f"..{time.monotonic_ns()}"
    version.mkdir(parents=True)
    for name, content in files.items():
        file = name.replace("_", ".")
        (version / file).write_text(content)
        if not (folder / file).is_symlink():
            (folder / file).symlink_to(f"..data/{file}")
    (folder / "..data_tmp").symlink_to(version.name)
    (folder / "..data_tmp").rename(folder / "..data")


def entries(*keys: str) -> str:
    """A key file."""
    return json.dumps(
        [{"label": f"key-{n}", "sha256": hashlib.sha256(key.encode()).hexdigest()} for n, key in enumerate(keys)]
    )


def test_a_changed_secret_with_keys_is_followed_without_a_restart(chart: Chart, tmp_path: Path) -> None:
    """The model comes out of a mounted folder too."""
    keys, models = tmp_path / "keys", tmp_path / "mounted"
    release = chart.render("dev", apiKeys={"existingSecret": ""}, keyFile={"existingSecret": "file"},
                           model={"claim": "models"}, overrides={"settings": {"DRAIN_SECONDS": 0}})  # fmt: skip
    mount(keys, keys_json=entries("old"))
    mount(models, model_json=(ROOT / "models" / "model.json").read_text())
    with replica(release, tmp_path, {"/keys/": f"{keys}/", "/models/": f"{models}/"}) as (server, _):
        wait_until_ready(server)
        assert scored(server, "old") == 200
        assert scored(server, "new") == 401
        mount(keys, keys_json=entries("new"))
        assert eventually(lambda: scored(server, "new") == 200), server.logged()
        assert eventually(lambda: scored(server, "old") == 401)


@pytest.mark.parametrize("keys", ["", DEMO_KEY], ids=["empty", "demo key"])
def test_production_does_not_start_with_a_secret_that_opens_it_to_everyone(
    chart: Chart, tmp_path: Path, keys: str
) -> None:
    """Helm cannot look into a Secret that is there; the service can."""
    with replica(chart.render("prod"), tmp_path, {}, API_KEYS=keys) as (server, _):
        assert server.process.wait(30) != 0
        assert "demo key" in server.logged()
