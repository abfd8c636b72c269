"""Every command of docs/OPERATIONS.md runs as it stands, against a real service that is set up as the guide assumes."""

import re
from collections.abc import Iterator

import pytest
import yaml
from desk import Desk, at_desk, commands_of
from project import ROOT

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]

GUIDE = ROOT / "docs" / "OPERATIONS.md"

NOT_HERE = {
    "leadscoring serve > service.log 2>&1 &": "starts the very service that the others talk to; tests/serving/test_server.py does",
}
"""Commands that are not run, each with its reason."""

IN_A_CLOUD = re.compile(r"^(?:az|aws) ")
"""What asks a cloud is not run here; tests/delivery/infra holds its names, and runs it where a cloud can be simulated."""

IN_CONTAINERS = re.compile(r"^(?:docker|docker-compose) ")
"""What needs a container engine is not run; the names in it are those of the compose file."""

ROWS = re.compile(r"--rows \d+")

WATCH = re.compile(r"^watch -n \d+ '(.*)'$")


COMMANDS = commands_of(GUIDE.read_text("utf-8"))
ALL = [command for commands in COMMANDS.values() for command in commands]


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """The project's folder as the guide assumes it, with a log, a key file, and a service that was in use."""
    with at_desk(tmp_path_factory.mktemp("desk")) as made:
        yield made


def runnable(command: str) -> str:
    """A command as it can be run to an end here."""
    if command.startswith("make "):
        return command.replace("make ", "make -n ", 1)  # that it is a verb; CI runs the verbs themselves
    if watched := WATCH.match(command):
        return watched[1]
    return ROWS.sub("--rows 1000", command)  # as many as a model needs


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
    assert "no service responds" in nobody.stderr
