"""The scripts that operators run, against a real service, and against one that answers wrong."""

import os
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
import yaml
from listener import Asked, Listener
from programs import program
from project import ROOT
from serving import DEADLINE, KEY, Server, eventually, free_port, serving

pytestmark = pytest.mark.integration

SCRIPTS = ROOT / "scripts"
RUN = [path for path in SCRIPTS.rglob("*.sh") if path.stat().st_mode & 0o111]
"""What is run; the others are sourced."""

OPERATORS = ("quick_test.sh", "validate-deployment.sh", "start-monitoring.sh", "container.sh", "deploy-aws.sh")
RELEASERS = (
    "release/promote.sh",
    "release/deployed.sh",
    "release/verify-image.sh",
    "release/publish-image.sh",
    "release/publish-release.sh",
    "release/sbom.sh",
    "release/secrets.sh",
)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A service of the shipped model."""
    program("curl")
    program("jq")
    with serving(tmp_path_factory.mktemp("scripts"), ROOT / "models" / "model.json") as running:
        yield running


def run(script: str, *words: str, **environ: str) -> "subprocess.CompletedProcess[str]":
    """A script as an operator runs it, with the key of the service."""
    command = [str(SCRIPTS / script), *words]
    given = os.environ | {"API_KEY": KEY} | environ
    return subprocess.run(command, env=given, capture_output=True, text=True, check=False, timeout=DEADLINE)


@contextmanager
def lying(server: Server, lies: dict[str, tuple[int, str]]) -> Iterator[str]:
    """The address of a service that answers some ``METHOD path`` wrong, and passes everything else on."""

    def answer(asked: Asked) -> tuple[int, bytes]:
        sent = {"X-API-Key": asked.headers["X-API-Key"]} if "X-API-Key" in asked.headers else {}
        who = "with key " if sent else ""
        if lie := lies.get(f"{who}{asked.method} {asked.path}"):
            return lie[0], lie[1].encode()
        said = httpx.request(asked.method, server.url + asked.path, content=asked.body, headers=sent)
        return said.status_code, said.content

    listener = Listener(answer)
    try:
        yield listener.url
    finally:
        listener.close()


@pytest.mark.parametrize("script", sorted(path.relative_to(SCRIPTS).as_posix() for path in RUN))
def test_every_script_shows_its_head_where_help_is_asked_for(script: str, tmp_path: Path) -> None:
    """And does nothing else, wherever it is called from."""
    head = (SCRIPTS / script).read_text("utf-8").partition("\nset -eu")[0].splitlines()[1:]
    command = [os.path.relpath(SCRIPTS / script, tmp_path), "--help"]
    asked = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=DEADLINE)
    assert (asked.returncode, asked.stderr) == (0, "")
    assert asked.stdout.splitlines() == [line.removeprefix("#").removeprefix(" ") for line in head]


@pytest.mark.parametrize("script", [*OPERATORS, *RELEASERS, "release/audit.sh"])
def test_an_option_that_there_is_not_is_answered_with_the_usage(script: str) -> None:
    """As an error, with exit code 2; the usage names every exit code."""
    asked = run(script, "--help")
    assert "Exit code:" in asked.stdout
    refused = run(script, "--what")
    assert (refused.returncode, refused.stderr) == (2, asked.stdout)


@pytest.mark.parametrize("script", ["quick_test.sh", "validate-deployment.sh", "deploy-aws.sh", "release/sbom.sh"])
def test_an_argument_too_many_is_refused(script: str) -> None:
    """With the usage, before anything is done."""
    refused = run(script, "one", "two", "three")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "Exit code:" in refused.stderr


def test_what_scripts_share_is_written_once() -> None:
    """Each sources common.sh, which finds the project's folder and has the usage and the two ways to fail."""
    for path in RUN:
        text = path.read_text("utf-8")
        assert re.search(r'^set -eu.*\n\. "\$\(dirname "\$0"\)/(\.\./)?common\.sh"$', text, re.MULTILINE), path
        assert text.count('dirname "$0"') == 1, path
        assert not re.search(r"^(usage|misused|fail|cannot_run|need|check_arguments)\(\)", text, re.MULTILINE), path


def test_every_script_and_its_settings_stand_in_the_documentation() -> None:
    """Each with its heading; each variable that its head names in its section."""
    text = (ROOT / "docs" / "SCRIPTS.md").read_text("utf-8")
    sections = dict(re.findall(r"^## `(.*?)`\n(.*?)(?=^## |\Z)", text, re.DOTALL | re.MULTILINE))
    assert {str(path.relative_to(SCRIPTS)) for path in SCRIPTS.rglob("*") if path.suffix in (".py", ".sh")} == set(
        sections
    )
    for script in OPERATORS + RELEASERS:
        named = re.findall(r"^  ([A-Z][A-Z_]+) {2,}", run(script, "--help").stdout, re.MULTILINE)
        assert named
        assert not [name for name in named if f"`{name}`" not in sections[script]], script


def test_a_whole_deployment_is_valid(server: Server) -> None:
    """Every check passes, and the table says so; the address may end with a slash."""
    said = run("validate-deployment.sh", server.url + "/")
    assert said.returncode == 0, said.stdout + said.stderr
    head, *rows, last = said.stdout.splitlines()
    assert head == server.url
    assert last == f"ok: all {len(rows)} checks"
    assert not [row for row in rows if not row.endswith(" ok")]
    for name in ("root", "health", "alive", "ready", "metrics", "documentation", "refused without a key", "model"):
        assert [row for row in rows if row.startswith(name)], name


LIES = {
    "root": ("GET /", 200, '{"service": "nginx"}'),
    "health": ("GET /health", 200, '{"status":"degraded"}'),
    "alive": ("GET /health/live", 500, ""),
    "ready": ("GET /health/ready", 503, '{"status":"not ready"}'),
    "metrics": ("with key GET /metrics", 200, "# nothing"),
    "documentation": ("GET /docs", 404, "not found"),
    "OpenAPI document": ("GET /openapi.json", 200, "{}"),
    "refused without a key": ("GET /api/v1/model/info", 200, '{"name": "open to everyone"}'),
    "refused with a wrong key": ("with key GET /api/v1/model/info", 200, '{"name":"m","version":"1","n_features":50}'),
    "no score without a key": ("POST /api/v1/score", 200, '{"score":{}}'),
    "model, with the key": ("with key GET /api/v1/model/info", 401, '{"code":"key_unknown"}'),
}
"""One wrong answer for each check."""


@pytest.mark.parametrize("check", LIES)
def test_a_wrong_answer_makes_the_validation_fail(server: Server, check: str) -> None:
    """That check and no other, with what was wrong."""
    where, status, body = LIES[check]
    with lying(server, {where: (status, body)}) as url:
        said = run("validate-deployment.sh", url)
    failed = [row for row in said.stdout.splitlines() if "FAILED: status" in row or "FAILED: not" in row]
    assert said.returncode == 1, said.stdout
    assert len(failed) == 1
    assert failed[0].startswith(check + " ")
    assert said.stdout.splitlines()[-1] == f"FAILED: 1 of {len(LIES)} checks"


def test_metrics_that_are_closed_must_not_be_had(server: Server) -> None:
    """Where only another network reaches them, it is checked that nobody does from here; this service gives them."""
    said = run("validate-deployment.sh", server.url, METRICS_URL="closed")
    assert said.returncode == 1
    assert "metrics closed             FAILED: status 200, not 404" in said.stdout
    with lying(server, {"with key GET /metrics": (404, '{"code":"not_found"}')}) as url:
        closed = run("validate-deployment.sh", url, METRICS_URL="closed")
    assert closed.returncode == 0, closed.stdout
    assert f"ok: all {len(LIES)} checks" in closed.stdout


def test_a_wrong_key_makes_the_validation_fail_and_is_not_shown(server: Server) -> None:
    """Logs of deployments are read by many."""
    said = run("validate-deployment.sh", server.url, API_KEY="my-own-secret")
    assert said.returncode == 1
    assert "model, with the key" in said.stdout
    assert "my-own-secret" not in said.stdout + said.stderr


@pytest.mark.programs("curl", "jq")
@pytest.mark.parametrize("script", ["quick_test.sh", "validate-deployment.sh"])
def test_without_a_service_nothing_can_be_said(script: str) -> None:
    """The exit code is neither success nor failure of a check."""
    said = run(script, BASE_URL="http://127.0.0.1:1")
    assert said.returncode == 2
    assert "no service responds at http://127.0.0.1:1" in said.stderr


@contextmanager
def monitoring(folder: Path, server: Server, **environ: str) -> "Iterator[tuple[subprocess.Popen[str], int, int]]":
    """The script with local programs, and their ports; ended by its own signal."""
    prometheus, alertmanager = free_port(), free_port()
    given = {
        "BASE_URL": server.url,
        "PROMETHEUS_PORT": str(prometheus),
        "ALERTMANAGER_PORT": str(alertmanager),
        "MONITORING_FOLDER": str(folder / "monitoring"),
    }
    process = subprocess.Popen(
        [str(SCRIPTS / "start-monitoring.sh"), "--local"],
        env=os.environ | given | environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        yield process, prometheus, alertmanager
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        process.communicate(timeout=DEADLINE)


@pytest.mark.programs("prometheus", "prometheus-alertmanager", "curl")
def test_local_programs_watch_the_service_until_they_are_told_to_end(tmp_path: Path, server: Server) -> None:
    """Prometheus scrapes it and knows its Alertmanager, both by the shipped files; then nothing is left running."""
    with monitoring(tmp_path, server) as (process, prometheus, alertmanager):
        assert process.stdout
        assert any(line.startswith(f"monitoring {server.url}") for line in process.stdout)
        with httpx.Client(base_url=f"http://127.0.0.1:{prometheus}/api/v1") as api:

            def scraped() -> bool:
                targets = api.get("/targets").json()["data"]["activeTargets"]
                up = [t for t in targets if t["health"] == "up" and t["labels"]["instance"] == server.url[7:]]
                return bool(up)

            assert eventually(scraped)
            known = api.get("/alertmanagers").json()["data"]["activeAlertmanagers"]
            assert [manager["url"] for manager in known] == [f"http://127.0.0.1:{alertmanager}/api/v2/alerts"]
            assert api.get("/rules").json()["data"]["groups"]
            config = yaml.safe_load(api.get("/status/config").json()["data"]["yaml"])
        runbooks = config["global"]["external_labels"]["runbooks"]
        assert runbooks.startswith(f"http://127.0.0.1:{prometheus}/")
        assert "<h3 id=" in httpx.get(runbooks).text
        process.send_signal(signal.SIGINT)
        assert process.wait(DEADLINE) == 0
    with pytest.raises(httpx.TransportError):
        httpx.get(f"http://127.0.0.1:{prometheus}/-/ready")
    with pytest.raises(httpx.TransportError):
        httpx.get(f"http://127.0.0.1:{alertmanager}/-/ready")


@pytest.mark.programs("prometheus", "prometheus-alertmanager", "curl")
def test_a_program_that_does_not_start_is_told_of(tmp_path: Path, server: Server) -> None:
    """With its own words, and with the other one ended."""
    with monitoring(tmp_path, server, PROMETHEUS_PORT=str(server.port)) as (process, _, alertmanager):
        said, _ = process.communicate(timeout=DEADLINE)
        assert process.returncode == 2
        assert "address already in use" in said
        assert "prometheus did not start" in said
    with pytest.raises(httpx.TransportError):
        httpx.get(f"http://127.0.0.1:{alertmanager}/-/ready")


@pytest.mark.programs("curl")
def test_without_programs_it_says_what_to_install(tmp_path: Path) -> None:
    """And starts nothing."""
    for name in ("sh", "dirname", "sed", "curl"):
        found = shutil.which(name)
        assert found
        (tmp_path / name).symlink_to(found)
    for words in (["--local"], []):
        said = run("start-monitoring.sh", *words, PATH=str(tmp_path))
        assert said.returncode == 2
        assert "prometheus is not installed" in said.stderr
