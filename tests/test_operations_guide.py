"""Every command of docs/OPERATIONS.md runs as it stands, against a real service that is set up as the guide assumes."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml
from programs import program
from project import ROOT
from serving import KEY, Server, serving

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]

GUIDE = ROOT / "docs" / "OPERATIONS.md"
BLOCK = re.compile(r"^( *)```bash\n(.*?)^\1```$", re.DOTALL | re.MULTILINE)
DEMO_KEY = "demo-api-key-123"

NOT_HERE = {
    "leadscoring serve > service.log 2>&1 &": "starts the very service that the others talk to; tests/test_server.py does",
}
"""Commands that are not run, each with its reason."""

IN_A_CLOUD = re.compile(r"^(?:az|aws) ")
"""What asks a cloud is not run here; tests/infra holds its names, and runs it where a cloud can be simulated."""

IN_CONTAINERS = re.compile(r"^(?:docker|docker-compose) ")
"""What needs a container engine is not run; the names in it are those of the compose file."""

WATCH = re.compile(r"^watch -n \d+ '(.*)'$")


def commands_of(text: str) -> dict[str, list[str]]:
    """Every command by the section that it stands in, with continued lines joined and comments left out."""
    found: dict[str, list[str]] = {}
    for match in BLOCK.finditer(text):
        heading = re.findall(r"^#{2,4} (.*)$", text[: match.start()], re.MULTILINE)[-1]
        lines = [line.strip() for line in match[2].replace("\\\n", " ").splitlines()]
        found.setdefault(heading, []).extend(line for line in lines if line and not line.startswith("#"))
    return found


COMMANDS = commands_of(GUIDE.read_text("utf-8"))
ALL = [command for commands in COMMANDS.values() for command in commands]


class Desk(NamedTuple):
    """An operator's folder and a running service; ``places`` says where the guide's other addresses are."""

    folder: Path
    server: Server
    places: Mapping[str, str] = {}

    def run(self, script: str) -> "subprocess.CompletedProcess[str]":
        """Runs commands as an operator would."""
        script = script.replace("localhost:8000", f"127.0.0.1:{self.server.port}")
        for name, place in self.places.items():
            script = script.replace(name, place)
        environ = os.environ | {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "BASE_URL": self.server.url,  # what quick_test.sh takes where the guide names none
        }
        command = ["bash", "-euo", "pipefail", "-c", script]
        return subprocess.run(command, cwd=self.folder, env=environ, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """The project's folder as the guide assumes it, with a log, a key file, and a service that was in use."""
    with at_desk(tmp_path_factory.mktemp("desk")) as made:
        yield made


@contextmanager
def at_desk(folder: Path) -> Iterator[Desk]:
    """Such a folder, with its service running."""
    for name in ("bash", "curl", "jq", "pgrep"):
        program(name)
    for name in (
        "docs",
        "models",
        "Makefile",
        "pyproject.toml",
        "requirements",
        "engine",
        "CMakeLists.txt",
    ):
        (folder / name).symlink_to(ROOT / name)
    shutil.copytree(ROOT / "monitoring", folder / "monitoring")  # the guide changes a copy of it
    (folder / "scripts").mkdir()
    for script in (ROOT / "scripts").glob("*.sh"):  # copies, since a script goes to the folder above its own
        shutil.copy(script, folder / "scripts")
    new = [
        str(Path(sys.executable).parent / "leadscoring"),
        "keys",
        "new",
        "--label",
        "crm-2026",
        "--file",
        "keys.json",
    ]
    made = subprocess.run(new, cwd=folder, capture_output=True, text=True, check=True)
    with serving(
        folder, ROOT / "models" / "model.json", API_KEYS=f"{DEMO_KEY},{KEY}", API_KEYS_FILE=str(folder / "keys.json")
    ) as server:
        (folder / "service.log").symlink_to(server.log)
        lead = json.loads((ROOT / "docs" / "examples" / "sample_request_1.json").read_bytes())
        server.http.post("/api/v1/score", json=lead, headers={"X-API-Key": made.stdout.strip()})
        server.http.post("/api/v1/score", json=lead | {"more": 1}, headers={"X-Request-ID": "crm-42"})
        yield Desk(folder, server)


def runnable(command: str) -> str:
    """A command as it can be run to an end here."""
    if command.startswith("make "):
        return command.replace("make ", "make -n ", 1)  # that it is a verb; CI runs the verbs themselves
    if watched := WATCH.match(command):
        return watched[1]
    return command


@pytest.mark.parametrize("section", COMMANDS)
def test_the_commands_of_the_guide_work(desk: Desk, section: str) -> None:
    """Each ends with success, in the order of its section; what it asks of metrics, logs and status is found."""
    for command in COMMANDS[section]:
        if command in NOT_HERE or IN_CONTAINERS.match(command) or IN_A_CLOUD.match(command):
            continue
        ran = desk.run(runnable(command))
        assert ran.returncode == 0, f"{command}\n{ran.stdout[-2000:]}{ran.stderr[-2000:]}"
        assert "CONFIRMED DOWN" not in ran.stdout
        if re.search(r"/metrics \| (grep|awk)|/(status|resources) \| jq", command):
            assert ran.stdout.strip() not in ("", "null"), f"{command} finds nothing"


@pytest.mark.parametrize("command", [command for command in ALL if IN_CONTAINERS.match(command)])
def test_commands_for_containers_name_what_the_compose_file_has(command: str) -> None:
    """A service, or the name of its container."""
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))["services"]
    containers = {about["container_name"] for about in services.values() if "container_name" in about}
    called, _, found = command.partition(" | ")
    if called.startswith("docker-compose "):
        assert called.split()[-1] in services
    elif called == "docker ps -a":
        assert any(found.removeprefix("grep ") in name for name in containers)
    else:
        assert called.split()[-1] in containers


def test_what_asks_a_cloud_stands_alone() -> None:
    """Inside of another command it would be run, or be overlooked by what holds its names."""
    assert not [command for command in ALL if re.search(r"\b(az|aws) [a-z]", IN_A_CLOUD.sub("", command))]


def test_commands_that_are_not_run_are_in_the_guide() -> None:
    """An exception without its command is forgotten."""
    assert set(NOT_HERE) <= set(ALL)


HEADINGS = [
    "Quick Reference", "Service URLs", "Key Contacts",
    "Common Tasks", "Development Commands", "Quick Health Check", "Score a Lead (Quick Test)", "View Logs",
    "Configuration", "Environment Variables", "Model Endpoint Configuration", "Scaling Configuration",
    "Troubleshooting", "Common Issues", "1. High Latency", "2. 500 Internal Server Errors",
    "3. 401 Unauthorized Errors", "4. Container Won't Start",
    "Performance Troubleshooting", "Latency Analysis", "Memory Investigation",
    "Runbooks", "Runbook: High Error Rate", "Runbook: Service Down", "Runbook: Model Endpoint Failure",
    "Maintenance Procedures", "Updating API Keys", "Updating the Model", "Scaling Operations", "Log Rotation",
    "Related Documentation",
]  # fmt: skip
"""What alerts, wikis and habits link to."""


def test_the_sections_of_the_guide_stand_in_their_order() -> None:
    """A link from an alert to its runbook must not break."""
    found = re.findall(r"^#{2,4} (.*)$", GUIDE.read_text("utf-8"), re.MULTILINE)
    assert [heading for heading in found if heading in HEADINGS] == HEADINGS


def test_the_quick_test_fails_when_a_lead_is_not_scored(desk: Desk) -> None:
    """With the wrong key 1, without a service 2; it says why and shows no key."""
    assert "tier A" in desk.run("./scripts/quick_test.sh").stdout
    refused = desk.run("API_KEY=wrong-key ./scripts/quick_test.sh")
    assert refused.returncode == 1
    assert "key_unknown" in refused.stdout
    assert "wrong-key" not in refused.stdout + refused.stderr
    nobody = desk.run("BASE_URL=http://127.0.0.1:1 ./scripts/quick_test.sh")
    assert nobody.returncode == 2
    assert "no service answers" in nobody.stderr
